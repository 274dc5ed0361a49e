"""What a recipe is expected to reach in a full training run, from the first part of it and from its parent.

Recipes learn at different times: some lead after a quarter of the training and are overtaken. A child learns much
like its parent, so that its loss at a rung, divided by the parent's there, carries over to the later ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from evaluators.scores import References, recipe_score

Losses = Mapping[str, float]

LEAST = 1e-6
"""A loss below this, in nats, is none: what it is divided by stays finite."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """Loss of every task at every rung, measured or expected, in nats; and the score at the end."""

    curve: tuple[Losses, ...] = ()
    score: float = 0.0


def prospect(measured: Sequence[Losses], parent: Prospect | None, references: References, rungs: int) -> Prospect:
    """The prospect of a recipe with these losses at its first rungs, of so many in all.

    Without a parent it is expected to learn nothing more.
    """
    last = len(measured) - 1
    curve = list(measured)
    for rung in range(len(measured), rungs):
        curve.append(
            {
                task: loss
                if parent is None
                else parent.curve[rung][task] * loss / max(parent.curve[last][task], LEAST)
                for task, loss in measured[last].items()
            }
        )
    return Prospect(tuple(curve), recipe_score(curve[-1], references))


def survivors(promise: Mapping[int, float], published: Collection[int], count: int) -> set[int]:
    """Which attempts go on to the next rung: the published, which are what counts, and the most promising others.

    `promise` holds the expected scores; ties go to the earlier attempt.
    """
    others = sorted(promise.keys() - set(published), key=lambda attempt: (-promise[attempt], attempt))
    return {*(promise.keys() & set(published)), *others[:count]}


def losses_by_rung(measured: Iterable[tuple[int, int, str, float]]) -> dict[int, list[dict[str, float]]]:
    """Losses by task of every attempt, at each rung that it finished in turn; from attempt, rung, task and loss."""
    found: dict[int, dict[int, dict[str, float]]] = {}
    for attempt, rung, task, loss in measured:
        found.setdefault(attempt, {}).setdefault(rung, {})[task] = loss
    return {attempt: [losses for _, losses in sorted(rungs.items())] for attempt, rungs in found.items()}
