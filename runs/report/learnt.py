"""What a search learnt, as its report shows it: the clearest of its evidence, of both signs."""

from __future__ import annotations

from dataclasses import dataclass

from runs.evidence.findings import Finding
from runs.evidence.lifts import Lift
from runs.evidence.values import Evidence, extremes

MOST = 8


@dataclass(frozen=True, slots=True)
class Lifted:
    """A pair of neighbours or an ordered configuration in words, with its lift."""

    text: str
    lift: Lift


@dataclass(frozen=True, slots=True)
class Learnt:
    """Gains of edits, and lifts of pairs and of ordered configurations, the strongest first."""

    findings: tuple[Finding, ...]
    pairs: tuple[Lifted, ...]
    configurations: tuple[Lifted, ...]


def learnt(evidence: Evidence) -> Learnt:
    """Up to so many of either end of each."""
    return Learnt(
        extremes(evidence.findings, MOST),
        tuple(Lifted(str(pair), lift) for pair, lift in extremes(evidence.pairs, MOST)),
        tuple(Lifted(" > ".join(steps), lift) for steps, lift in extremes(evidence.configurations, MOST)),
    )
