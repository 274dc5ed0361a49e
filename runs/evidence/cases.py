"""Cases: differences between fully trained recipes that an edit, and not a long history, sets apart.

Relatives share most of what makes them good, so scores of a lineage are no independent observations. Each fully
trained attempt is compared with its nearest fully trained ancestor through first parents, the recipe that its edits
were applied to: what both have cancels out. Attempts without such an ancestor, the published recipes first of all,
are founders, and compare among themselves.

Only scores of full training count. A score at an earlier rung is biased by how fast a recipe learns, and by how
much differs between components: to add such scores would find what learns fast, not what ends well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from genome.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Observation:
    """One attempt with a recipe; `score` is that of full training, None where it was not trained in full."""

    attempt: int
    parents: tuple[int, ...]
    recipe: Recipe
    score: float | None


@dataclass(frozen=True, slots=True)
class Case:
    """A fully trained recipe beside its base, the ancestor it is compared with; a founder has none.

    `difference` is its score minus the base's (a founder's: its score).
    """

    recipe: Recipe
    base: Recipe | None
    difference: float

    @property
    def change(self) -> Mapping[str, float]:
        """Which components came (1) and went (-1)."""
        new, old = (_components(recipe) for recipe in (self.recipe, self.base))
        return dict.fromkeys(sorted(new - old), 1.0) | dict.fromkeys(sorted(old - new), -1.0)

    @property
    def deeper(self) -> int:
        """Blocks more than the base."""
        return _depth(self.recipe) - _depth(self.base)


@dataclass
class Lineages:
    """Attempts by number, whose cases come out in the order of their numbers whatever order they come in."""

    known: dict[int, Observation] = field(default_factory=dict)

    @classmethod
    def of(cls, observations: Iterable[Observation]) -> Lineages:
        return cls({own.attempt: own for own in observations})

    def cases(self) -> list[Case]:
        """A case for every fully trained attempt."""
        found = []
        for _, own in sorted(self.known.items()):
            if own.score is None:
                continue
            base = self._base(own)
            before = 0.0 if base is None else base.score or 0.0
            found.append(Case(own.recipe, base.recipe if base else None, own.score - before))
        return found

    def _base(self, own: Observation) -> Observation | None:
        while own.parents and own.parents[0] in self.known:
            own = self.known[own.parents[0]]
            if own.score is not None:
                return own
        return None


def _components(recipe: Recipe | None) -> set[str]:
    return set() if recipe is None else {gene.component for _, gene in recipe.genes()}


def _depth(recipe: Recipe | None) -> int:
    return 0 if recipe is None else sum(block.repeat for block in recipe.blocks)
