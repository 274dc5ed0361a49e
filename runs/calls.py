"""Calls of language models as rows: what was asked and answered, what it took, what it was reserved for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["planner", "repairer", "analyst"]
CallState = Literal["started", "answered", "refused", "failed", "skipped"]
Effect = Literal["better", "same", "worse"]

ROLES: tuple[Role, ...] = get_args(Role)

LANGUAGE_MODEL = "llm:"
"""What the names of operators that are language models begin with."""

ANALYST_SLOT = 0
"""Slot of a generation's analyst; planners have 1, 2, ..."""

BUDGET = "the budget of"
"""What reasons begin with where a limit left no room for a call."""

TABLES = """
CREATE TABLE calls (
    id INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    slot INTEGER NOT NULL CONSTRAINT slots_are_not_negative CHECK (slot >= 0),
    turn INTEGER NOT NULL CONSTRAINT turns_are_numbered_from_one CHECK (turn >= 1),
    role TEXT NOT NULL CHECK (role IN ('planner', 'repairer', 'analyst')),
    provider TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('started', 'answered', 'refused', 'failed', 'skipped')),
    fault TEXT NOT NULL,
    reason TEXT NOT NULL,
    input INTEGER,
    cached INTEGER,
    written INTEGER,
    output INTEGER,
    cost REAL CONSTRAINT cost_is_finite_and_not_negative CHECK (cost >= 0 AND cost < 9e999),
    reserved_calls INTEGER NOT NULL,
    reserved_tokens INTEGER NOT NULL,
    reserved_cost REAL,
    replayed INTEGER NOT NULL CHECK (replayed IN (0, 1)),
    seconds REAL,
    prompt TEXT,
    answer TEXT,
    attempt INTEGER REFERENCES attempts(id),
    started_at TEXT NOT NULL,
    ended_at TEXT,
    CONSTRAINT what_brought_no_answer_has_a_reason
        CHECK (state IN ('started', 'answered') OR reason <> ''),
    CONSTRAINT only_a_started_call_has_not_ended CHECK ((state = 'started') = (ended_at IS NULL)),
    CONSTRAINT the_analyst_has_slot_zero CHECK ((role = 'analyst') = (slot = 0))
) STRICT;
CREATE UNIQUE INDEX calls_answered_once ON calls(generation, slot, turn) WHERE state <> 'started';
CREATE INDEX calls_attempt ON calls(attempt);

CREATE TABLE predictions (
    attempt INTEGER NOT NULL REFERENCES attempts(id),
    skill TEXT NOT NULL,
    effect TEXT NOT NULL CHECK (effect IN ('better', 'same', 'worse')),
    PRIMARY KEY (attempt, skill)
) STRICT;

CREATE TABLE conclusions (
    generation INTEGER NOT NULL,
    position INTEGER NOT NULL,
    text TEXT NOT NULL,
    skills TEXT NOT NULL,
    attempts TEXT NOT NULL,
    held TEXT NOT NULL,
    PRIMARY KEY (generation, position)
) STRICT;

ALTER TABLE operator_credit ADD COLUMN untrained INTEGER NOT NULL DEFAULT 0;
"""


def operator(model: str) -> str:
    """The operator's name of a model."""
    return f"{LANGUAGE_MODEL}{model}"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Which call of a search: of the slot of a generation that it is asked for, and the turn of its conversation."""

    generation: int
    slot: int
    turn: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """Upper bounds of what a conversation may still take; the cost in dollars is None where no price is known."""

    calls: int = 1
    tokens: int = 0
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Hard ceilings over all calls of a search, those in flight with their reservations; None is no ceiling."""

    dollars: float | None = None
    tokens: int | None = None
    calls: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call. Tokens and cost are None where nobody knows them: they count as reserved.

    `cost` is in dollars. `cached` tokens were read from a provider's cache, `written` put into it, `input` neither.
    """

    state: CallState
    answer: str | None = None
    fault: str = ""
    reason: str = ""
    input: int | None = None
    cached: int | None = None
    written: int | None = None
    output: int | None = None
    cost: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One stored call. One that is `started` is in flight, or was when its process was killed.

    A `replayed` one was read from another search's ledger: its tokens and cost were paid there.
    """

    id: int
    place: Place
    role: Role
    name: str
    outcome: Outcome
    reserved: Reservation
    replayed: bool
    prompt: str | None
    attempt: int | None
    started_at: str
    ended_at: str | None

    @property
    def state(self) -> CallState:
        return self.outcome.state

    @property
    def tokens(self) -> int | None:
        """All tokens, in and out; None where they are not known."""
        own = self.outcome
        counts = [count for count in (own.input, own.cached, own.written, own.output) if count is not None]
        return sum(counts) if counts else None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model that proposed an attempt expected of one skill, beside its parent."""

    attempt: int
    skill: str
    effect: Effect


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What an analyst concluded: a text, the skills it is about, attempts as evidence, whose predictions held."""

    text: str
    skills: tuple[str, ...] = ()
    attempts: tuple[int, ...] = ()
    held: tuple[int, ...] = ()
