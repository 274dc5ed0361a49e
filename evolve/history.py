"""What a search has learnt so far: every settled attempt as an individual, in the order of proposal.

The history is a function of the committed rows, so that a resumed search proposes what the unbroken one would.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from deap import base, tools

from evolve.prospect import Prospect
from genome.arrangement import Composition
from genome.component import Component
from genome.recipe import Recipe

PARENTAL = ("evaluated", "screened")
"""Statuses with a score: these individuals are ranked and may be parents."""


class Fitness(base.Fitness):
    """DEAP's fitness; `weights` are set per search by `fitness_class`, the crowding distance by each ranking."""

    weights = (1.0,)
    crowding_dist = 0.0


def fitness_class(objectives: Sequence[str]) -> type[Fitness]:
    """A fitness in which the score is maximised and every other objective minimised."""
    weights = tuple(1.0 if objective == "score" else -1.0 for objective in objectives)
    return type("Fitness", (Fitness,), {"weights": weights})


@dataclass(eq=False, slots=True)
class Individual:
    """One settled attempt with a recipe, which is read when it is needed. `rung` is the last rung it finished,
    `fitness` DEAP's.

    `prospect` is the score of a full training run: measured, or expected where the attempt was stopped early.
    """

    attempt: int
    generation: int
    operator: str
    parents: tuple[int, ...]
    status: str
    recipes: Callable[[str], Recipe]
    hash: str
    family: str
    state_bytes: int
    flops_per_token: float
    score: float
    prospect: Prospect
    rung: int
    fitness: Fitness

    @property
    def recipe(self) -> Recipe:
        return self.recipes(self.hash)

    @property
    def parental(self) -> bool:
        return self.status in PARENTAL


@dataclass
class History:
    """Individuals by attempt, and the components that recipes may use."""

    library: dict[str, Component]
    individuals: dict[int, Individual] = field(default_factory=dict)
    hashes: dict[str, int] = field(default_factory=dict)
    compositions: dict[str, Composition] = field(default_factory=dict)
    _ranked: list[Individual] | None = None

    def add(self, individual: Individual) -> None:
        """Append a settled attempt."""
        self.individuals[individual.attempt] = individual
        if self._ranked is not None and individual.parental:
            if len(individual.fitness.wvalues) > 1:
                self._ranked = None
            else:
                insort(self._ranked, individual, key=_place)
        self.hashes.setdefault(individual.hash, individual.attempt)

    def composition(self, individual: Individual) -> Composition:
        """What an individual is made of, read from its recipe once."""
        found = self.compositions.get(individual.hash)
        if found is None:
            kinds = {name: component.kind for name, component in self.library.items()}
            found = self.compositions[individual.hash] = Composition.of(individual.recipe, kinds)
        return found

    def until(self, generation: int) -> History:
        """What was known when this generation was finished."""
        past = History(self.library, compositions=self.compositions)
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
            return [individual for front in _fronts(parental) for individual in front]
        return sorted(parental, key=_place)


def _fronts(individuals: list[Individual]) -> Iterator[list[Individual]]:
    """Fronts of NSGA-II (Deb et al., 2002), each from its least crowded individual to the most crowded one.

    The sort is that of Fortin et al. (GECCO 2013), n log n in the number of individuals for a few objectives.
    """
    for front in tools.sortLogNondominated(individuals, len(individuals)):
        tools.emo.assignCrowdingDist(front)
        yield sorted(front, key=lambda own: (-own.fitness.crowding_dist, *_place(own)))


def _place(individual: Individual) -> tuple[float, int]:
    """What individuals are ranked by where the score is all that counts."""
    return -individual.prospect.score, individual.attempt
