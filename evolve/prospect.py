"""What a recipe is expected to reach in a full training run, from the first part of it and from its parent.

Recipes learn at different times: some lead after a quarter of the training and are overtaken. A child learns much
like its parent, so that its loss after the first rung, divided by the parent's there, carries over to the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evaluators.scores import References, recipe_score
from runs.records import Evaluation

Losses = Mapping[str, float]

LEAST = 1e-6
"""A loss below this, in nats, is none: what it is divided by stays finite."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """Loss of every task after the first rung and at the end (measured or expected), in nats, and the end's score."""

    screen: Losses = field(default_factory=dict)
    full: Losses = field(default_factory=dict)
    score: float = 0.0


def losses_by_rung(evaluations: Iterable[Evaluation]) -> dict[tuple[int | None, int], dict[str, float]]:
    """Losses by task of every attempt at every rung that it finished."""
    found: dict[tuple[int | None, int], dict[str, float]] = {}
    for evaluation in evaluations:
        if evaluation.loss is not None:
            found.setdefault((evaluation.attempt, evaluation.rung), {})[evaluation.task] = evaluation.loss
    return found


def measured(screen: Losses, full: Losses, references: References) -> Prospect:
    """The prospect of a fully trained recipe."""
    return Prospect(screen, full, recipe_score(full, references))


def expected(screen: Losses, parent: Prospect | None, references: References) -> Prospect:
    """The prospect of a recipe after its first rung; without a parent it is expected to learn nothing more."""
    full = {
        task: loss if parent is None else parent.full[task] * loss / max(parent.screen[task], LEAST)
        for task, loss in screen.items()
    }
    return measured(screen, full, references)
