"""Which operators pay: a choice among them in proportion to how often they improved, per unit of cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

EXPLORATION = 0.25
"""Part of the choices that ignores credit, so that no operator dies."""

PRIOR_ATTEMPTS, PRIOR_IMPROVED = 4.0, 1.0


@dataclass(frozen=True, slots=True)
class Credit:
    """What an operator achieved: attempts, those better than their best parent, summed gain, training FLOPs.

    Cost counts in FLOPs and not in seconds, so that the choice is the same on every machine.
    """

    attempts: int = 0
    improved: int = 0
    gain: float = 0.0
    flops: float = 0.0

    def plus(self, other: Credit) -> Credit:
        return Credit(
            self.attempts + other.attempts,
            self.improved + other.improved,
            self.gain + other.gain,
            self.flops + other.flops,
        )


def choose(
    operators: Sequence[str], priors: Mapping[str, float], credit: Mapping[str, Credit], random: Random
) -> str:
    """Draw an operator: by its prior weight times its smoothed rate of improvement per relative cost."""
    mean_cost = _mean_cost(credit)

    def worth(name: str) -> float:
        own = credit.get(name, Credit())
        rate = (own.improved + PRIOR_IMPROVED) / (own.attempts + PRIOR_ATTEMPTS)
        cost = (own.flops + PRIOR_ATTEMPTS * mean_cost) / (own.attempts + PRIOR_ATTEMPTS)
        return rate * mean_cost / cost if cost else rate

    explored = random.random() < EXPLORATION
    weights = [priors[name] * (1.0 if explored else worth(name)) for name in operators]
    return random.choices(list(operators), weights)[0]


def _mean_cost(credit: Mapping[str, Credit]) -> float:
    attempts = sum(own.attempts for own in credit.values())
    return sum(own.flops for own in credit.values()) / attempts if attempts else 1.0
