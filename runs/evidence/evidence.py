"""The evidence of a search as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from genome.arrangement import Kinds, Pair
from runs.evidence.cases import Case
from runs.evidence.findings import Change, Finding, findings
from runs.evidence.lifts import Lift, lifts, strongest_first

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a search teaches: lifts of pairs of neighbours and of ordered configurations, and gains of edits.

    All are strongest first. A configuration is here where two fully trained recipes or more have it.
    """

    pairs: tuple[tuple[Pair, Lift], ...] = ()
    configurations: tuple[tuple[tuple[str, ...], Lift], ...] = ()
    findings: tuple[Finding, ...] = ()


def evidence(cases: Sequence[Case], changes: Sequence[Change], kinds: Kinds) -> Evidence:
    """The evidence of cases and of changes by one edit, the latter in any order."""
    found = lifts(cases, lambda own: own.pairs | own.spans)
    pairs = {own: lift for own, lift in found.items() if isinstance(own, Pair)}
    recurring = {own: lift for own, lift in found.items() if isinstance(own, tuple) and lift.recipes > 1}
    return Evidence(tuple(strongest_first(pairs)), tuple(strongest_first(recurring)), findings(changes, kinds))


def extremes(found: Sequence[Row], count: int) -> tuple[Row, ...]:
    """So many of either end of what is sorted, or all."""
    return tuple(found) if len(found) <= 2 * count else (*found[:count], *found[-count:])
