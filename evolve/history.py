"""What a search has learnt so far: every settled attempt as an individual, in the order of proposal.

The history is a function of the committed rows, so that a resumed search proposes what the unbroken one would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from deap import base, tools

from evolve.prospect import Prospect
from genome.component import Component
from genome.recipe import Recipe

PARENTAL = ("evaluated", "screened")
"""Statuses with a score: these individuals are ranked and may be parents."""


class Fitness(base.Fitness):
    """DEAP's fitness; `weights` are set per search by `fitness_class`."""

    weights = (1.0,)


def fitness_class(objectives: Sequence[str]) -> type[Fitness]:
    """A fitness in which the score is maximised and every other objective minimised."""
    weights = tuple(1.0 if objective == "score" else -1.0 for objective in objectives)
    return type("Fitness", (Fitness,), {"weights": weights})


@dataclass(eq=False)
class Individual:
    """One settled attempt with a recipe. `rung` is the last rung it finished, `fitness` DEAP's.

    `prospect` is the score of a full training run: measured, or expected where the attempt was stopped early.
    """

    attempt: int
    generation: int
    operator: str
    parents: tuple[int, ...]
    status: str
    recipe: Recipe
    hash: str
    family: str
    state_bytes: int
    flops_per_token: float
    score: float
    prospect: Prospect
    rung: int
    fitness: Fitness

    @property
    def parental(self) -> bool:
        return self.status in PARENTAL


@dataclass
class History:
    """Individuals by attempt, and the components that recipes may use."""

    library: dict[str, Component]
    individuals: dict[int, Individual] = field(default_factory=dict)
    hashes: dict[str, int] = field(default_factory=dict)
    _ranked: list[Individual] | None = None

    def add(self, individual: Individual) -> None:
        """Append a settled attempt."""
        self.individuals[individual.attempt] = individual
        self._ranked = None
        self.hashes.setdefault(individual.hash, individual.attempt)

    def until(self, generation: int) -> History:
        """What was known when this generation was finished."""
        past = History(self.library)
        for individual in self.individuals.values():
            if individual.generation <= generation:
                past.add(individual)
        return past

    @property
    def ranked(self) -> list[Individual]:
        """Individuals with a score, the greatest prospect first, or in NSGA-II's order of several objectives."""
        if self._ranked is None:
            self._ranked = self._rank()
        return self._ranked

    def _rank(self) -> list[Individual]:
        parental = [individual for individual in self.individuals.values() if individual.parental]
        if parental and len(parental[0].fitness.wvalues) > 1:
            return tools.selNSGA2(parental, len(parental))
        return sorted(parental, key=lambda i: (-i.prospect.score, i.attempt))

    def rewards(self) -> dict[int, float]:
        """Rank of every individual scaled to [0, 1], 1 for the best; failures have 0."""
        ranked = self.ranked
        last = max(1, len(ranked) - 1)
        rewards = dict.fromkeys(self.individuals, 0.0)
        rewards |= {individual.attempt: 1 - position / last for position, individual in enumerate(ranked)}
        return rewards
