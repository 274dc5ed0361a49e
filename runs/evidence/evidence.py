"""The evidence of a search as values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from genome.arrangement import Kinds, Pair, pairs, spans
from runs.evidence.cases import Lineages, Observation
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


def evidence(observations: Iterable[Observation], changes: Sequence[Change], kinds: Kinds) -> Evidence:
    """The evidence of observations and of changes by one edit, whatever order they come in."""
    cases = Lineages.of(observations).cases()
    runs = lifts(cases, lambda recipe: spans(recipe, kinds))
    recurring = {steps: lift for steps, lift in runs.items() if lift.recipes > 1}
    return Evidence(
        tuple(strongest_first(lifts(cases, lambda recipe: pairs(recipe, kinds)))),
        tuple(strongest_first(recurring)),
        findings(changes, kinds),
    )


def extremes(found: Sequence[Row], count: int) -> tuple[Row, ...]:
    """So many of either end of what is sorted, or all."""
    return tuple(found) if len(found) <= 2 * count else (*found[:count], *found[-count:])
