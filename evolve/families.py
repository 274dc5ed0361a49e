"""The family of a recipe: which kinds of mixing it is made of."""

from __future__ import annotations

from collections import Counter

from genome.component import Component, Library
from genome.recipe import Recipe

_FAMILIES = (
    ("attend", "attention"),
    ("delta_rule", "delta"),
    ("generalized_delta_rule", "delta"),
    ("linear_attention", "linear"),
    ("lstm", "nonlinear"),
    ("linear_scan", "recurrence"),
    ("cumulative_sum", "recurrence"),
    ("long_conv", "convolution"),
    ("causal_conv", "convolution"),
    ("shift", "convolution"),
)


def mixer_family(component: Component) -> str:
    """The family of one component: that of its farthest-reaching operation, "none" where it mixes nothing."""
    operations = {node.operation for node in component.graph.nodes}
    return next((family for operation, family in _FAMILIES if operation in operations), "none")


def recipe_family(recipe: Recipe, library: Library) -> str:
    """The one or two most frequent families of its mixers, such as "attention+convolution"."""
    counts: Counter[str] = Counter()
    for block in recipe.blocks:
        for branch in block.branches:
            for gene in branch:
                component = library[gene.component]
                if component.kind == "mixer":
                    counts[mixer_family(component)] += block.repeat
    ordered = sorted(counts, key=lambda family: (-counts[family], family))[:2]
    return "+".join(sorted(ordered)) or "none"
