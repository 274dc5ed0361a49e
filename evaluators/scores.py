"""Scores that compare over tasks, and the noise of a score.

A loss says little by itself: text ends near 1.6 nats where recall ends near 0. A task's score is the part of the
way from guessing to a fixed reference that a recipe covers, so that guessing scores 0 and the reference 1 on
every task, and the score of a recipe is the mean over tasks. References never move during a search.

All values are frozen and all functions pure. Losses are in nats per scored token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot, isfinite
from statistics import fmean, stdev
from typing import Literal

Standing = Literal["tie", "unclear", "better", "worse"]
"""What a difference says of the first of two scores."""

LEAST_GAP = 0.25
"""Part of the chance loss that a score of 1 is worth at least.

Where the reference has learned nothing, or next to it, its distance from chance would turn noise into enormous
scores. Such a task is measured in quarters of its chance loss instead: a recipe that leaves the plateau gains,
one that solves the task scores at most 4, and order is kept.
"""


class ScoreError(ValueError):
    """Losses that do not make a score."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a task is measured by: the loss of guessing, and the mean loss of a published recipe."""

    chance: float
    loss: float

    def __post_init__(self) -> None:
        if not (isfinite(self.chance) and isfinite(self.loss) and self.chance > 0 <= self.loss):
            raise ScoreError(
                f"a reference needs a chance loss > 0 and a loss >= 0, not {self.chance} and {self.loss}"
            )

    @property
    def gap(self) -> float:
        """Nats that a score of 1 is worth; never less than `LEAST_GAP` of the chance loss."""
        return max(self.chance - self.loss, LEAST_GAP * self.chance)

    def score(self, loss: float) -> float:
        """0 for guessing and 1 for the reference; negative below chance, above 1 beyond the reference.

        Raises ScoreError for a loss that is not finite: a failure is a status, not a low score.
        """
        if not isfinite(loss):
            raise ScoreError(f"a loss of {loss} has no score")
        return (self.chance - loss) / self.gap


References = Mapping[str, Reference]
"""The reference of every task of a search, by name."""


def measure_references(
    chances: Mapping[str, float], losses: Sequence[Mapping[str, float]]
) -> dict[str, Reference]:
    """References from a recipe trained with several seeds: `losses` maps tasks to losses, once per seed.

    Raises ScoreError without seeds, or where a seed lacks a task.
    """
    if not losses:
        raise ScoreError("references need at least one trained seed")
    for own in losses:
        _require_tasks(own, chances)
    return {task: Reference(chance, fmean(own[task] for own in losses)) for task, chance in chances.items()}


def task_scores(losses: Mapping[str, float], references: References) -> dict[str, float]:
    """The score of every task. Raises ScoreError unless `losses` has exactly the tasks of the references."""
    _require_tasks(losses, references)
    return {task: reference.score(losses[task]) for task, reference in references.items()}


def recipe_score(losses: Mapping[str, float], references: References) -> float:
    """The mean over tasks, each counting alike. Raises ScoreError as `task_scores` does."""
    return fmean(task_scores(losses, references).values())


@dataclass(frozen=True, slots=True)
class Noise:
    """Standard deviation over seeds of a recipe's score, and of each task's score; from how many seeds."""

    score: float
    tasks: Mapping[str, float]
    seeds: int


def noise_floor(losses: Sequence[Mapping[str, float]], references: References) -> Noise:
    """The noise of one recipe trained again with other seeds, `losses` once per seed.

    The deviation is that of a sample (divided by seeds - 1). Raises ScoreError for fewer than two seeds.
    """
    if len(losses) < 2:
        raise ScoreError(f"a noise floor needs at least 2 seeds, got {len(losses)}")
    scores = [task_scores(own, references) for own in losses]
    return Noise(
        stdev(fmean(own.values()) for own in scores),
        {task: stdev(own[task] for own in scores) for task in references},
        len(scores),
    )


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What a search measures by: the reference loss of every task, and the noise of a score.

    Both are of the published recipe `name`, trained with several seeds.
    """

    name: str
    references: References
    noise: Noise

    @classmethod
    def measured(cls, name: str, chances: Mapping[str, float], losses: Sequence[Mapping[str, float]]) -> Yardstick:
        """The yardstick that a recipe gives: `losses` maps tasks to its losses, once per seed.

        `chances` are the losses of guessing. Raises ScoreError for fewer than two seeds, or where one lacks a task.
        """
        references = measure_references(chances, losses)
        return cls(name, references, noise_floor(losses, references))

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(self.references)

    def score(self, losses: Mapping[str, float]) -> float:
        """Mean over tasks of the way from guessing (0) to the reference (1)."""
        return recipe_score(losses, self.references)


def exceeds_noise(difference: float, noise: float, *errors: float) -> bool:
    """Whether a difference of two means counts: beyond twice the noise floor, and beyond twice its standard error.

    `errors` are the standard errors of the means, which exceed the floor where these recipes vary more.
    """
    return abs(difference) > 2 * max(noise, hypot(*errors))


def standing(difference: float, noise: float, *errors: float) -> Standing:
    """What a difference of two means says of the first: a tie within the noise floor, unclear within its own error.

    `errors` are as in `exceeds_noise`.
    """
    if not exceeds_noise(difference, noise):
        return "tie"
    if not exceeds_noise(difference, noise, *errors):
        return "unclear"
    return "better" if difference > 0 else "worse"


def _require_tasks(losses: Mapping[str, float], tasks: Mapping[str, object]) -> None:
    if losses.keys() != tasks.keys() or not tasks:
        accepted = ", ".join(tasks) or "no task"
        raise ScoreError(f"losses are of {', '.join(losses) or 'no task'}; the references are of {accepted}")
