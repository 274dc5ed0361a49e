"""What searches found, as rows of the store: who searched, and the evidence of each."""

from __future__ import annotations

from dataclasses import dataclass

TABLES = """
CREATE TABLE searches (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    created_at TEXT NOT NULL,
    seed INTEGER NOT NULL,
    task TEXT NOT NULL,
    scale TEXT NOT NULL,
    CONSTRAINT a_search_is_known_once UNIQUE (name, created_at, seed, task, scale)
) STRICT;

CREATE TABLE pair_evidence (
    search INTEGER NOT NULL REFERENCES searches(id),
    first TEXT NOT NULL,
    second TEXT NOT NULL,
    arrangement TEXT NOT NULL CHECK (arrangement IN ('before', 'beside')),
    recipes INTEGER NOT NULL,
    strength REAL NOT NULL,
    cases INTEGER NOT NULL,
    mean REAL NOT NULL,
    low REAL NOT NULL,
    high REAL NOT NULL,
    PRIMARY KEY (search, first, second, arrangement)
) STRICT;
CREATE INDEX pair_evidence_pair ON pair_evidence(first, second);

CREATE TABLE configuration_evidence (
    search INTEGER NOT NULL REFERENCES searches(id),
    configuration TEXT NOT NULL,
    recipes INTEGER NOT NULL,
    strength REAL NOT NULL,
    cases INTEGER NOT NULL,
    mean REAL NOT NULL,
    low REAL NOT NULL,
    high REAL NOT NULL,
    PRIMARY KEY (search, configuration)
) STRICT;

CREATE TABLE findings (
    search INTEGER NOT NULL REFERENCES searches(id),
    kind TEXT NOT NULL,
    finding TEXT NOT NULL,
    place TEXT NOT NULL,
    cases INTEGER NOT NULL,
    mean REAL NOT NULL,
    low REAL NOT NULL,
    high REAL NOT NULL,
    PRIMARY KEY (search, kind, finding, place)
) STRICT;
"""

EVIDENCE = ("pair_evidence", "configuration_evidence", "findings")
"""Tables of what a search found; each row names its search."""


@dataclass(frozen=True, slots=True)
class Searched:
    """The identity of a search; `created_at` is an ISO 8601 time, `task` its tasks with commas between."""

    name: str
    created_at: str
    seed: int
    task: str
    scale: str


@dataclass(frozen=True, slots=True)
class MeasuredPair:
    """A pair over all searches that measured it: cases in all, means weighted by cases."""

    searches: int
    cases: int
    mean: float
    strength: float
