"""Tables of a search's evidence, and their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from genome.arrangement import Pair
from runs.evidence.evidence import Evidence
from runs.evidence.findings import Finding
from runs.evidence.interval import Interval
from runs.evidence.lifts import Lift

TABLES = """
CREATE TABLE pair_evidence (
    first TEXT NOT NULL,
    second TEXT NOT NULL,
    arrangement TEXT NOT NULL CHECK (arrangement IN ('before', 'beside')),
    recipes INTEGER NOT NULL,
    strength REAL NOT NULL,
    cases INTEGER NOT NULL,
    mean REAL NOT NULL,
    low REAL NOT NULL,
    high REAL NOT NULL,
    PRIMARY KEY (first, second, arrangement),
    CONSTRAINT an_interval_holds_its_mean CHECK (low <= mean AND mean <= high)
) STRICT;

CREATE TABLE configuration_evidence (
    configuration TEXT PRIMARY KEY NOT NULL,
    recipes INTEGER NOT NULL,
    strength REAL NOT NULL,
    cases INTEGER NOT NULL,
    mean REAL NOT NULL,
    low REAL NOT NULL,
    high REAL NOT NULL,
    CONSTRAINT an_interval_holds_its_mean CHECK (low <= mean AND mean <= high)
) STRICT;

CREATE TABLE findings (
    kind TEXT NOT NULL,
    finding TEXT NOT NULL,
    place TEXT NOT NULL,
    cases INTEGER NOT NULL,
    mean REAL NOT NULL,
    low REAL NOT NULL,
    high REAL NOT NULL,
    PRIMARY KEY (kind, finding, place),
    CONSTRAINT an_interval_holds_its_mean CHECK (low <= mean AND mean <= high)
) STRICT;
"""

STEP = " > "


def evidence_rows(evidence: Evidence) -> dict[str, list[dict[str, Any]]]:
    """Rows by table."""
    return {
        "pair_evidence": [
            {"first": p.first, "second": p.second, "arrangement": p.arrangement} | _lift(lift)
            for p, lift in evidence.pairs
        ],
        "configuration_evidence": [
            {"configuration": STEP.join(steps)} | _lift(lift) for steps, lift in evidence.configurations
        ],
        "findings": [
            {"kind": own.kind, "finding": own.text, "place": own.place} | _interval(own.interval)
            for own in evidence.findings
        ],
    }


def evidence_of_rows(tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> Evidence:
    """What `evidence_rows` made rows of, in the order of the rows."""
    return Evidence(
        tuple(
            (Pair(row["first"], row["second"], row["arrangement"]), _lift_of(row))
            for row in tables["pair_evidence"]
        ),
        tuple(
            (tuple(row["configuration"].split(STEP)), _lift_of(row)) for row in tables["configuration_evidence"]
        ),
        tuple(Finding(row["kind"], row["finding"], row["place"], _interval_of(row)) for row in tables["findings"]),
    )


def _lift(lift: Lift) -> dict[str, Any]:
    return {"recipes": lift.recipes, "strength": lift.strength} | _interval(lift.interval)


def _interval(own: Interval) -> dict[str, Any]:
    return {"cases": own.cases, "mean": own.mean, "low": own.low, "high": own.high}


def _lift_of(row: Mapping[str, Any]) -> Lift:
    return Lift(_interval_of(row), row["recipes"], row["strength"])


def _interval_of(row: Mapping[str, Any]) -> Interval:
    return Interval(row["cases"], row["mean"], row["low"], row["high"])
