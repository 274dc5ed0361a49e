"""Tables of what searches found: who searched, and the evidence of each."""

from __future__ import annotations

EVIDENCE = """
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

EVIDENCE_TABLES = ("pair_evidence", "configuration_evidence", "findings")
"""Tables of what a search found; each row names its search."""
