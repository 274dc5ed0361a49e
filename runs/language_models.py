"""What language models did in a search: calls, what became of their proposals, what they cost, what they foresaw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from runs.archive import Archive
from runs.calls import LANGUAGE_MODEL, ROLES, Call, Prediction, Role, operator
from runs.predictions import Verdict, search_verdicts
from runs.records import Attempt, OperatorCredit


@dataclass(frozen=True, slots=True)
class RoleSummary:
    """Calls of one model in one role by state, and what they took.

    `dollars` is None where no price is known; `unknown` calls have no known cost. Replayed calls were paid elsewhere
    and count with what they took there.
    """

    name: str
    role: Role
    calls: int
    answered: int
    refused: int
    failed: int
    skipped: int
    started: int
    replayed: int
    input: int
    cached: int
    written: int
    output: int
    dollars: float | None
    unknown: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """What one model's proposals became, and what they cost with their repairs."""

    name: str
    proposals: int
    accepted: int
    trained: int
    improved: int
    gain: float
    calls: int
    dollars: float | None

    @property
    def acceptance(self) -> float:
        """Part of the proposals that were new and legal."""
        return self.accepted / self.proposals if self.proposals else 0.0

    @property
    def gain_per_call(self) -> float:
        return self.gain / self.calls if self.calls else 0.0

    @property
    def dollars_per_improvement(self) -> float | None:
        """None where the price is not known or nothing improved."""
        return None if self.dollars is None or not self.improved else self.dollars / self.improved


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything about the language models of a search."""

    roles: tuple[RoleSummary, ...]
    models: tuple[ModelSummary, ...]
    predictions: tuple[Prediction, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def held(self) -> int:
        return sum(verdict.held for verdict in self.verdicts)


def summary(archive: Archive) -> Summary:
    """The summary of a search, running or finished; without calls an empty one."""
    ledger = archive.ledger()
    calls, predictions = ledger.calls(texts=False), tuple(ledger.predictions())
    if not calls:
        return Summary((), (), predictions, ())
    credit = {own.operator: own for own in archive.credit_totals()}
    attempts = [a for a in archive.attempts() if a.operator.startswith(LANGUAGE_MODEL)]
    names = sorted({call.name for call in calls})
    return Summary(
        role_summaries(calls),
        tuple(model_summary(name, calls, attempts, credit) for name in names),
        predictions,
        tuple(search_verdicts(archive, predictions, archive.yardstick)),
    )


def role_summaries(calls: Sequence[Call]) -> tuple[RoleSummary, ...]:
    """A summary of each role of each model that has calls, by the model's name."""
    return tuple(
        role_summary(name, role, own)
        for name in sorted({call.name for call in calls})
        for role in ROLES
        if (own := [call for call in calls if (call.name, call.role) == (name, role)])
    )


def role_summary(name: str, role: Role, calls: Sequence[Call]) -> RoleSummary:
    """The summary of these calls of one model in one role."""
    states = [call.state for call in calls]
    made = [call for call in calls if call.state != "skipped"]
    return RoleSummary(
        name,
        role,
        len(made),
        states.count("answered"),
        states.count("refused"),
        states.count("failed"),
        states.count("skipped"),
        states.count("started"),
        sum(call.replayed for call in made),
        sum(call.outcome.input or 0 for call in made),
        sum(call.outcome.cached or 0 for call in made),
        sum(call.outcome.written or 0 for call in made),
        sum(call.outcome.output or 0 for call in made),
        _dollars(made),
        sum(call.outcome.cost is None for call in made),
        sum(call.outcome.seconds or 0.0 for call in made),
    )


def model_summary(
    name: str, calls: Iterable[Call], attempts: Iterable[Attempt], credit: Mapping[str, OperatorCredit]
) -> ModelSummary:
    """What became of one model's proposals, whatever else the calls and attempts are of."""
    made = [c for c in calls if c.name == name and c.role != "analyst" and c.state != "skipped"]
    own = [attempt for attempt in attempts if attempt.operator == operator(name)]
    accepted = [attempt for attempt in own if attempt.status not in ("rejected", "duplicate")]
    trained = [attempt for attempt in accepted if attempt.status != "proposed"]
    known = credit.get(operator(name))
    improved, gain = (known.improved, known.gain) if known else (0, 0.0)
    return ModelSummary(name, len(own), len(accepted), len(trained), improved, gain, len(made), _dollars(made))


def _dollars(calls: Iterable[Call]) -> float | None:
    costs = [call.outcome.cost for call in calls if call.outcome.cost is not None]
    return sum(costs) if costs else None
