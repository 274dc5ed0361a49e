"""What language models did in a search, as its report shows it: without the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runs.calls import Effect, Role
from runs.language_models import ModelSummary, RoleSummary, Summary


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of one model in one role; `input` tokens are all that were read, `cached` those from a cache.

    `dollars` is None where no price is known; `unknown` calls have no known cost.
    """

    name: str
    role: Role
    calls: int
    answered: int
    refused: int
    failed: int
    replayed: int
    input: int
    cached: int
    output: int
    dollars: float | None
    unknown: int


@dataclass(frozen=True, slots=True)
class Models:
    """Calls by model and role, what became of proposals, and how many predictions were judged and held."""

    calls: tuple[Calls, ...]
    proposals: tuple[ModelSummary, ...]
    predictions: int
    judged: int
    held: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What a model expected of one skill, and what was measured, None where it could not be judged."""

    skill: str
    effect: Effect
    measured: Effect | None
    difference: float | None


def models(summary: Summary) -> Models | None:
    """None where no model was asked."""
    if not summary.roles:
        return None
    calls = tuple(map(_calls, summary.roles))
    return Models(calls, summary.models, len(summary.predictions), len(summary.verdicts), summary.held)


def expectations(summary: Summary) -> Mapping[int, tuple[Expected, ...]]:
    """The predictions of every attempt that has any."""
    verdicts = {verdict.prediction: verdict for verdict in summary.verdicts}
    found: dict[int, tuple[Expected, ...]] = {}
    for one in summary.predictions:
        verdict = verdicts.get(one)
        measured = (None, None) if verdict is None else (verdict.effect, verdict.difference)
        found[one.attempt] = (*found.get(one.attempt, ()), Expected(one.skill, one.effect, *measured))
    return found


def _calls(own: RoleSummary) -> Calls:
    read = own.input + own.cached + own.written
    return Calls(
        own.name,
        own.role,
        own.calls,
        own.answered,
        own.refused,
        own.failed,
        own.replayed,
        read,
        own.cached,
        own.output,
        own.dollars,
        own.unknown,
    )
