"""What a search learnt, as its report shows it: the clearest of its evidence, of both signs."""

from __future__ import annotations

from dataclasses import dataclass

from runs.evidence.evidence import Evidence, extremes
from runs.evidence.findings import Finding
from runs.evidence.lifts import Lift
from runs.evidence.tables import STEP

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
    """Up to so many of either end of each; a configuration that says the same as a pair is left out."""
    pairs = [Lifted(str(pair), lift) for pair, lift in evidence.pairs]
    known = frozenset(pairs)
    longer = [
        own for steps, lift in evidence.configurations if (own := Lifted(STEP.join(steps), lift)) not in known
    ]
    return Learnt(extremes(evidence.findings, MOST), extremes(pairs, MOST), extremes(longer, MOST))
