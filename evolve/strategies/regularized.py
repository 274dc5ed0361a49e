"""Regularized (aging) evolution (Real et al., 1802.01548).

The population holds the youngest individuals; a parent is the best of a random sample of them. Ours proposes a
whole generation before it ages, where the original replaces one individual at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from evolve.history import History, Individual

SAMPLE = 5


class RegularizedEvolution:
    """Tournaments among the youngest individuals; `population` generations' worth of them are alive."""

    learns = True

    def __init__(self, population: int) -> None:
        self.alive = max(20, 2 * population)

    def parent(self, history: History, pending: Sequence[Individual], random: Random) -> Individual | None:
        ranked = history.ranked
        youngest = sorted(ranked, key=lambda individual: individual.attempt)[-self.alive :]
        if not youngest:
            return None
        sample = {i.attempt for i in random.sample(youngest, min(SAMPLE, len(youngest)))}
        return next(individual for individual in ranked if individual.attempt in sample)
