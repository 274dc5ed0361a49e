"""Ordered configurations: which components, places and orders the best recipes share and the others lack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from genome.arrangement import bodies, spans
from genome.recipe import Recipe

LEAST_RECIPES = 8
"""With fewer recipes a quarter says nothing."""

LEAST_SUPPORT = 2
MOST_SHOWN = 16


@dataclass(frozen=True, slots=True)
class Configuration:
    """One property of recipes: how many of the best quarter have it, and how many of the rest."""

    aspect: str
    text: str
    best: int
    best_of: int
    rest: int
    rest_of: int

    @property
    def lift(self) -> float:
        """Share among the best minus share among the rest."""
        return self.best / self.best_of - self.rest / max(1, self.rest_of)


def working_configurations(ranked: Sequence[Recipe], kinds: Mapping[str, str]) -> tuple[Configuration, ...]:
    """Properties more frequent in the best quarter of `ranked` (best first) than in the rest, clearest first.

    `kinds` maps components to their kinds. Empty where there are too few recipes.
    """
    if len(ranked) < LEAST_RECIPES:
        return ()
    cut = ceil(len(ranked) / 4)
    best, rest = (
        Counter(found for recipe in part for found in properties(recipe, kinds))
        for part in (ranked[:cut], ranked[cut:])
    )
    rows = [
        Configuration(aspect, text, best[aspect, text], cut, rest[aspect, text], len(ranked) - cut)
        for aspect, text in best
        if best[aspect, text] >= LEAST_SUPPORT
    ]
    rows = sorted((row for row in rows if row.lift > 0), key=lambda row: (-row.lift, row.aspect, row.text))
    return tuple(rows[:MOST_SHOWN])


def properties(recipe: Recipe, kinds: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """(aspect, text) of what a recipe uses, where it begins and ends, and what follows what."""
    found = {("component", gene.component) for _, gene in recipe.genes()}
    rows = [[name for branch in block.branches for name in bodies(branch, kinds)] for block in recipe.blocks]
    mixers = [name for names in rows for name in names if kinds.get(name) == "mixer"]
    if mixers:
        found |= {("first mixer", mixers[0]), ("last mixer", mixers[-1])}
    found |= {("in one block", " and ".join(names)) for names in rows if len(names) > 1}
    found |= {("order", " > ".join(steps)) for steps in spans(recipe, kinds)}
    depth = sum(block.repeat for block in recipe.blocks)
    found.add(("depth", f"{depth} blocks" if depth > 1 else "1 block"))
    return frozenset(found)
