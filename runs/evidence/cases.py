"""Cases: differences between fully trained recipes that an edit, and not a long history, sets apart.

Relatives share most of what makes them good, so scores of a lineage are no independent observations. Each fully
trained attempt is compared with its nearest fully trained ancestor through first parents, the recipe that its edits
were applied to: what both have cancels out. Attempts without such an ancestor, the published recipes first of all,
are founders, and compare among themselves.

Only scores of full training count. A score at an earlier rung is biased by how fast a recipe learns, and by how
much differs between components: to add such scores would find what learns fast, not what ends well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from genome.arrangement import Composition


@dataclass(frozen=True, slots=True)
class Case:
    """A fully trained recipe beside its base, the ancestor it is compared with; a founder has none.

    `difference` is its score minus the base's (a founder's: its score).
    """

    own: Composition
    base: Composition | None
    difference: float

    @property
    def change(self) -> Mapping[str, float]:
        """Which components came (1) and went (-1)."""
        new, old = self.own.components, self.base.components if self.base else frozenset[str]()
        return dict.fromkeys(sorted(new - old), 1.0) | dict.fromkeys(sorted(old - new), -1.0)

    @property
    def deeper(self) -> int:
        """Blocks more than the base."""
        return self.own.depth - (self.base.depth if self.base else 0)


def cases(
    parents: Mapping[int, Sequence[int]],
    scores: Mapping[int, float],
    composition: Callable[[int], Composition],
    newest: int | None = None,
) -> list[Case]:
    """A case for every fully trained attempt, or for so many of the newest, in the order of their numbers.

    `parents` holds those of every attempt, `scores` what fully trained ones have; `composition` gives what one of
    these is made of.
    """
    trained = sorted(scores)
    found = []
    for number in trained if newest is None else trained[-newest:]:
        base = _base(number, parents, scores)
        if base is None:
            found.append(Case(composition(number), None, scores[number]))
        else:
            found.append(Case(composition(number), composition(base), scores[number] - scores[base]))
    return found


def _base(number: int, parents: Mapping[int, Sequence[int]], scores: Mapping[int, float]) -> int | None:
    """The nearest fully trained ancestor through first parents."""
    while above := parents.get(number):
        number = above[0]
        if number in scores:
            return number
    return None
