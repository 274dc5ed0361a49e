"""What a comparison needs of one search: its fully trained attempts in order, and what had been paid by then."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from runs.archive import Archive
from runs.configuration import CHANGEABLE, flattened
from runs.encoding import json_text
from runs.errors import StoreError

Axis = Literal["trained", "evaluations", "tokens"]
"""What the best score so far is drawn against: fully trained attempts, attempts trained at all, training tokens."""

AXES: tuple[Axis, ...] = get_args(Axis)

PUBLISHED = "seed"
"""Operator of the attempts that are published recipes as they are."""

PAID = ("search", "retest")
"""Purposes of the trainings that a search pays for to go on."""


@dataclass(frozen=True, slots=True)
class Point:
    """One fully trained attempt, and the totals of the search once it was done.

    `evaluations` counts attempts that were trained at all, `tokens` training tokens. Attempts count in the order
    of their numbers: those of one generation are trained side by side.
    """

    attempt: int
    score: float
    published: bool
    trained: int
    evaluations: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Trace:
    """One search. `configuration` is flat and without what may change; `measured_by` names what scores mean.

    `paid` is what all of the search took, with what was trained after the last point.
    """

    directory: str
    seed: int
    configuration: Mapping[str, str]
    measured_by: Mapping[str, str]
    noise: float
    points: tuple[Point, ...]
    paid: Mapping[Axis, int]

    @property
    def published(self) -> float | None:
        """The best score of a published recipe; None where none is fully trained."""
        return max((point.score for point in self.points if point.published), default=None)

    def best(self, over: Axis, at: float) -> float | None:
        """The best score once `at` was paid; None where nothing was fully trained by then."""
        paid = [getattr(point, over) for point in self.points]
        until = bisect_right(paid, at)
        return max((point.score for point in self.points[:until]), default=None)

    def reached(self, over: Axis, score: float, limit: float) -> int | None:
        """What was paid when a recipe that is not published first had the score, if within `limit`."""
        own = (point for point in self.points if not point.published and point.score >= score)
        first = next(own, None)
        paid = None if first is None else getattr(first, over)
        return paid if paid is not None and paid <= limit else None


def read_trace(directory: Path) -> Trace:
    """Read a search. Raises StoreError where there is none, or it has no noise floor or no fully trained attempt."""
    with Archive.at(directory) as archive, archive.snapshot():
        run, yardstick = archive.run, archive.yardstick
        if yardstick is None:
            raise StoreError(
                f"{directory}: its noise floor is not measured, so its scores compare with no other's"
            )
        points, paid = _points(archive)
    if not points:
        raise StoreError(f"{directory}: no attempt is fully trained yet")
    # What a corpus is counts, and not where it lies.
    ignored = CHANGEABLE | {"seed"} | ({"data"} if "task_data" in run.configuration else set())
    configuration = {
        key: value if isinstance(value, str) else json_text(key, value)
        for key, value in flattened({k: v for k, v in run.configuration.items() if k not in ignored}).items()
    }
    measured_by = {
        "tasks": ", ".join(sorted(yardstick.references)),
        "scale": configuration.get("scale", "unknown"),
        "reference recipe": f"{yardstick.name}, {yardstick.noise.seeds} seeds",
        "data": json_text("task_data", run.configuration.get("task_data")),
        "loss of guessing": ", ".join(f"{r.chance:.6g} on {t}" for t, r in sorted(yardstick.references.items())),
    }
    return Trace(str(directory), run.seed, configuration, measured_by, yardstick.noise.score, points, paid)


def _points(archive: Archive) -> tuple[tuple[Point, ...], dict[Axis, int]]:
    attempts = archive.attempts()
    paid: dict[int | None, int] = {}
    for evaluation in archive.evaluations():
        if evaluation.purpose in PAID:
            paid[evaluation.attempt] = paid.get(evaluation.attempt, 0) + evaluation.tokens
    points: list[Point] = []
    spent = count = 0
    for attempt in attempts:
        spent, count = spent + paid.get(attempt.id, 0), count + (attempt.id in paid)
        if attempt.status == "evaluated" and attempt.score is not None:
            published = attempt.operator == PUBLISHED
            points.append(Point(attempt.id, attempt.score, published, len(points) + 1, count, spent))
    return tuple(points), {"trained": len(points), "evaluations": count, "tokens": spent}
