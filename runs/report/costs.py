"""What a search was paid with: trainings and tokens by purpose and rung, and the seconds they took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from runs.records import Evaluation, Purpose

ORDER: tuple[Purpose, ...] = get_args(Purpose)


@dataclass(frozen=True, slots=True)
class Cost:
    """Trainings of one purpose up to one rung, each of one recipe on one task, and their tokens."""

    purpose: Purpose
    rung: int
    trainings: int
    failed: int
    tokens: int


@dataclass(frozen=True, slots=True)
class PurposeTime:
    """Seconds that workers spent on one purpose and rung."""

    purpose: Purpose
    rung: int
    compile: float
    train: float
    total: float


def costs(evaluations: Iterable[Evaluation]) -> tuple[Cost, ...]:
    """By purpose and rung."""
    return tuple(
        Cost(purpose, rung, len(own), sum(e.status != "evaluated" for e in own), sum(e.tokens for e in own))
        for (purpose, rung), own in _grouped(evaluations)
    )


def times(evaluations: Iterable[Evaluation]) -> tuple[PurposeTime, ...]:
    """By purpose and rung, in the same order."""
    return tuple(
        PurposeTime(
            purpose,
            rung,
            sum(e.compile_seconds or 0.0 for e in own),
            sum(e.train_seconds or 0.0 for e in own),
            sum(e.total_seconds or 0.0 for e in own),
        )
        for (purpose, rung), own in _grouped(evaluations)
    )


def _grouped(evaluations: Iterable[Evaluation]) -> list[tuple[tuple[Purpose, int], list[Evaluation]]]:
    grouped: dict[tuple[Purpose, int], list[Evaluation]] = {}
    for evaluation in evaluations:
        grouped.setdefault((evaluation.purpose, evaluation.rung), []).append(evaluation)
    return sorted(grouped.items(), key=lambda item: (ORDER.index(item[0][0]), item[0][1]))
