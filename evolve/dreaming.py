"""Dreams: recipes composed without any training, from what is known of components and their neighbours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from statistics import fmean
from typing import Literal

from cognition.knowledge import Affinity, Knowledge
from cognition.loader import load_architectures
from evaluators.fitting import fit
from evaluators.scales import Scale
from evolve.guidance.guide import Guide
from evolve.mutation import MUTATIONS
from evolve.proposals import BUDGET_LIMIT, FLOPS_LIMIT
from evolve.variation import graft, sample, toolbox
from genome.arrangement import BODY_KINDS, Pair, pairs
from genome.component import Library
from genome.edits import apply
from genome.errors import EditError, GenomeError
from genome.recipe import Block, Gene, Recipe

Method = Literal["greedy", "random", "mutate", "crossover"]

LAYERS = (2, 3, 4)
"""Layers, of two blocks each, that a greedy dream has."""

MOST_EDITS = 3
TRIES = 100

UNDEFINED = ("rewrite",)
"""Mutations that define components, which a recipe's JSON cannot carry."""


@dataclass(frozen=True, slots=True)
class Dream:
    """A legal recipe and how it came about, a line for each step."""

    recipe: Recipe
    origin: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compatibility:
    """What is known of a recipe's neighbours; `unknown` are the pairs of which nothing is."""

    known: tuple[Affinity, ...]
    unknown: tuple[Pair, ...]

    @property
    def estimate(self) -> float:
        """Mean strength of all pairs of neighbours, an unknown one counting 0; 0 for a recipe without pairs."""
        strengths = [*(affinity.strength for affinity in self.known), *(0.0 for _ in self.unknown)]
        return fmean(strengths) if strengths else 0.0


def compatibility(recipe: Recipe, knowledge: Knowledge, library: Library) -> Compatibility:
    """How well a recipe's components are known to do next to each other; pairs by strength, then by name."""
    found = {affinity.pair: affinity for affinity in knowledge.affinities}
    own = sorted(pairs(recipe, _kinds(library)))
    known = sorted((found[pair] for pair in own if pair in found), key=lambda one: (-one.strength, one.pair))
    return Compatibility(tuple(known), tuple(pair for pair in own if pair not in found))


def dream(
    method: Method, knowledge: Knowledge, library: Library, scale: Scale, vocabulary: int, random: Random
) -> Dream:
    """Compose one recipe that is legal and within the search's limits at a scale.

    `greedy` builds a stack, from a mixer that something is known to do well after, each body the one known to do
    best after the one before. `random` draws as random
    search does. `mutate` changes a published recipe by one to three weighted mutations, `crossover` grafts a span of
    one published recipe into another. Raises ValueError where no legal recipe comes of many tries.
    """
    strengths = {affinity.pair: affinity.strength for affinity in knowledge.affinities}
    guide = Guide(strengths=strengths, kinds=_kinds(library))
    reason = ""
    for _ in range(TRIES):
        try:
            found = _METHODS[method](guide, library, random)
            if not (reason := _illegal(found.recipe, library, scale, vocabulary)):
                return found
        except GenomeError as error:
            reason = str(error)
    raise ValueError(f"dream {method}: no legal recipe in {TRIES} tries, the last: {reason}; another --seed may")


def _illegal(recipe: Recipe, library: Library, scale: Scale, vocabulary: int) -> str:
    """Why a search would refuse the recipe at a scale; "" where it would not."""
    fitted = fit(recipe, library, scale, vocabulary)
    if abs(fitted.difference) > BUDGET_LIMIT:
        return f"{fitted.difference:+.0%} of the parameter budget of {scale.name}"
    if fitted.instance.cost.flops_per_token > FLOPS_LIMIT * 2 * scale.parameters:
        return f"over {FLOPS_LIMIT:g} times two FLOPs per parameter"
    return ""


def _greedy(guide: Guide, library: Library, random: Random) -> Dream:
    name, frame = _published(random)
    norm = next(
        (gene for _, gene in frame.genes() if library[gene.component].kind == "norm"), Gene(component="rms_norm")
    )
    names = [n for n, c in sorted(library.items()) if c.kind in BODY_KINDS and c.provenance is not None]
    mixers = [name for name in names if library[name].kind == "mixer"]
    leading = {pair.first for pair, strength in guide.strengths.items() if strength > 0}
    row = [random.choice([name for name in mixers if name in leading] or mixers)]
    told = [f"embedding, norm, head and training of {name}; first body {row[0]}"]
    for _ in range(2 * random.choice(LAYERS) - 1):
        last = row[-1]

        def worth(other: str, last: str = last) -> tuple[float, bool]:
            return guide.strengths.get(Pair(last, other), 0.0), library[other].kind != library[last].kind

        best = max(map(worth, names))
        row.append(random.choice([other for other in names if worth(other) == best]))
    blocks = tuple(Block(branches=((norm, Gene(component=body)),)) for body in row)
    recipe = Recipe(embedding=frame.embedding, blocks=blocks, head=frame.head, training=frame.training)
    return Dream(apply(recipe, (), library).recipe, tuple(told))


def _random(guide: Guide, library: Library, random: Random) -> Dream:
    recipe = apply(sample(library, random), (), library).recipe
    return Dream(recipe, ("drawn from the published components",))


def _mutated(guide: Guide, library: Library, random: Random) -> Dream:
    name, parent = _published(random)
    box = toolbox(guide)
    names = [mutation for mutation in MUTATIONS if mutation not in UNDEFINED]
    weights = [MUTATIONS[mutation][1] for mutation in names]
    recipe, told = parent, []
    for _ in range(random.randint(1, MOST_EDITS)):
        edits = getattr(box, random.choices(names, weights)[0])(recipe, library, random)
        applied = apply(recipe, edits, library)
        recipe, told = applied.recipe, [*told, *applied.descriptions]
    if recipe == parent:
        raise EditError(f"nothing of {name} was changed")
    return Dream(recipe, (f"from {name}", *told))


def _crossed(guide: Guide, library: Library, random: Random) -> Dream:
    (name, parent), (other, donor) = _published(random), _published(random)
    applied = apply(parent, graft(parent, donor, random, guide), library)
    if applied.recipe == parent:
        raise EditError(f"nothing of {other} came into {name}")
    return Dream(applied.recipe, (f"from {name} and {other}", *applied.descriptions))


_METHODS: Mapping[Method, Callable[[Guide, Library, Random], Dream]] = {
    "greedy": _greedy,
    "random": _random,
    "mutate": _mutated,
    "crossover": _crossed,
}


def _published(random: Random) -> tuple[str, Recipe]:
    architectures = load_architectures()
    name = random.choice(list(architectures))
    return name, architectures[name].recipe


def _kinds(library: Library) -> dict[str, str]:
    return {name: component.kind for name, component in library.items()}
