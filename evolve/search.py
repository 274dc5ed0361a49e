"""The search: generations of proposals, screened, trained, scored and committed, until the target is reached."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from time import perf_counter
from typing import Any

from deap import tools

from cognition.knowledge import Knowledge
from evaluators.tasks.protocol import Task
from evolve.configuration import Configuration
from evolve.credit import UNTRAINED, Credit, counts, credited
from evolve.errors import SearchError
from evolve.families import recipe_family
from evolve.guidance.guide import Guide, guide
from evolve.guidance.snapshot import known
from evolve.history import PARENTAL, History, Individual, fitness_class
from evolve.llm.briefing import Briefing
from evolve.llm.desk import Desk
from evolve.llm.proposers import LAG, LanguageModels
from evolve.measurement import Laboratory, Subject
from evolve.naming import recipe_of
from evolve.proposals import Offer, Proposer
from evolve.prospect import Losses, Prospect, losses_by_rung
from evolve.settlement import settlements
from evolve.statistics import generation_statistics
from evolve.strategies import make_strategy
from evolve.trials import Trials
from evolve.variation import SEED
from evolve.yardstick import Yardstick, measure_yardstick
from genome.component import Component
from genome.recipe import Recipe
from runs import records

RECIPES = 2048
"""Recipes of the past that are held in memory; others are read when they become parents."""


@dataclass(frozen=True, slots=True)
class Report:
    """One finished generation, for whoever watches."""

    generation: int
    statistics: dict[str, Any]


@dataclass
class Search:
    """One search over a laboratory. What it knows is a function of the store's rows.

    `library` holds published components and those the store has; new ones are added to it. `seeds` are recipes of
    the user's, by name, that begin the first generation. At the `desk`, if there is one, language models are asked
    for proposals too; `tell` gets what is to be said of them.
    """

    configuration: Configuration
    laboratory: Laboratory
    tasks: Sequence[Task]
    library: dict[str, Component]
    report: Callable[[Report], None] = lambda report: None
    seeds: Mapping[str, Recipe] = field(default_factory=dict)
    desk: Desk | None = None
    tell: Callable[[str], None] = lambda line: None
    history: History = field(init=False)
    credit: dict[str, Credit] = field(default_factory=dict)
    hall: tools.HallOfFame = field(init=False)
    knowledge: Knowledge | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.history = History(self.library)
        self.hall = tools.HallOfFame(10, similar=_same_recipe)
        self.fitness = fitness_class(self.configuration.objective)
        strategy = make_strategy(self.configuration.strategy, self.configuration.population)
        config = self.configuration
        self.proposer = Proposer(config.seed, config.population, strategy, self.laboratory, self.seeds)
        self.language = None
        if self.desk is not None:
            self.language = LanguageModels(config, self.desk, self.proposer, self.tell)
        store = self.laboratory.store
        self._recipe = lru_cache(RECIPES)(lambda digest: Recipe.from_json(store.recipe(digest).recipe))

    def run(self) -> Yardstick:
        """Go on until the configured number of generations is finished; returns what its scores are measured by."""
        self.knowledge = known(self.laboratory.store, self.configuration.guidance)
        yardstick = measure_yardstick(self.laboratory, self.tasks, self.configuration.seed)
        trials = Trials(self.laboratory, self.history, yardstick, self.configuration.seed)
        with _no_collection():
            self._restore(trials)
        for generation in range(self.laboratory.store.generation_count() + 1, self.configuration.generations + 1):
            self._generation(generation, trials)
        return yardstick

    def _generation(self, generation: int, trials: Trials) -> None:
        started, store = perf_counter(), self.laboratory.store
        clock = self.laboratory.clock
        clock.compile = clock.train = clock.other = 0.0
        subjects = self._pending() if self._proposed(generation) else self._propose(generation, trials.yardstick)
        if not subjects:
            raise SearchError(f"generation {generation} has no new legal recipe; another --seed or strategy may")
        if self.language is not None:
            self.language.stored(generation)
        if generation < self.configuration.generations:
            self._ask(generation + 1, trials.yardstick)
        clock.other += perf_counter() - started
        done = trials.run(subjects)
        outcomes = settlements(done, trials.yardstick, self.laboratory.scale.last_rung)
        if all(outcome.score is None for outcome in outcomes):
            raise SearchError(
                f"every candidate of generation {generation} failed, the last: {outcomes[-1].reason}"
            )
        new = self._absorb(outcomes, {a: trial.losses for a, trial in done.items() if not trial.failure}, trials)
        credit = self._credited(generation, new, trials.yardstick.noise.score)
        settled = {outcome.attempt: outcome.status for outcome in outcomes}
        statistics = generation_statistics(
            [replace(a, status=settled.get(a.id, a.status)) for a in store.attempts(generation=generation)],
            self.history,
            self.credit,
            self.hall[0].score if self.hall else None,
            clock,
            perf_counter() - started,
        )
        store.finish_generation(generation, outcomes, credit, statistics)
        self.laboratory.discard_checkpoints()
        self.report(Report(generation, statistics))

    def _propose(self, generation: int, yardstick: Yardstick) -> list[Subject]:
        store = self.laboratory.store
        first = store.attempt_count() + 1
        offers = self._offers(generation, yardstick)
        drafts = self.proposer.draft(
            generation, first, self.history, self.credit, self.guide(self.history), offers
        )
        for draft in drafts:
            self.library.update({c.name: c for c in draft.variation.components if draft.subject is not None})
        if generation == 1:
            store.add_components(_library_rows(self.library))
        state = {"seed": self.configuration.seed, "next_attempt": first + len(drafts)}
        store.propose(generation, [draft.proposal for draft in drafts], state)
        return [draft.subject for draft in drafts if draft.subject is not None]

    def _ask(self, generation: int, yardstick: Yardstick) -> None:
        """Ask language models for a generation, of what was known two generations before: training never waits."""
        last = generation - LAG
        if self.language is None or last < 1:
            return
        ledger, past = self.language.desk.ledger, self.history.until(last)
        briefing = Briefing(
            self.laboratory.store,
            ledger,
            past,
            self.library,
            yardstick,
            self.laboratory.scale,
            last,
            ledger.newest_conclusions(generation - 1),
            self.guide(past),
            self.proposer.partners(past),
        )
        self.language.ask(generation, briefing, self._credit_until(last))

    def _offers(self, generation: int, yardstick: Yardstick) -> Sequence[Offer]:
        """What language models propose for a generation; they are asked now where a stop came before."""
        if self.language is None or generation - LAG < 1:
            return ()
        if not self.language.asked(generation):
            self._ask(generation, yardstick)
        return self.language.collect(generation, self.library)

    def guide(self, history: History) -> Guide | None:
        """What weighs in the generation after such a history, where the search is guided."""
        return None if self.knowledge is None else guide(self.knowledge, history, self.tasks)

    def _proposed(self, generation: int) -> bool:
        return bool(self.laboratory.store.attempts(generation=generation))

    def _pending(self) -> list[Subject]:
        """Subjects of a generation that was proposed and not finished before a stop."""
        subjects = []
        for attempt in self.laboratory.store.pending():
            recipe = recipe_of(self.laboratory.store, attempt)
            subjects.append(self.laboratory.subject(recipe, str(attempt.recipe), attempt.id))
        return subjects

    def _restore(self, trials: Trials) -> None:
        """Read back what the store holds of finished generations."""
        store = self.laboratory.store
        self.credit = self._credit_until(store.generation_count())
        losses = losses_by_rung(store.losses("search"))
        for attempt in store.attempts():
            if attempt.status in PARENTAL:
                self._remember(attempt, None, trials.prospect(attempt.parents, losses[attempt.id]))
            elif attempt.status not in ("duplicate", "rejected", "proposed"):
                self._remember(attempt, None, Prospect())

    def _absorb(
        self, settlements: Sequence[records.Settlement], losses: Mapping[int, Sequence[Losses]], trials: Trials
    ) -> list[Individual]:
        """Add a generation's outcomes to the history; returns its individuals."""
        attempts = [self.laboratory.store.attempt(settlement.attempt) for settlement in settlements]
        prospects = {a.id: trials.prospect(a.parents, losses[a.id]) for a in attempts if a.id in losses}
        for attempt, settlement in zip(attempts, settlements, strict=True):
            self._remember(attempt, settlement, prospects.get(attempt.id, Prospect()))
        return [self.history.individuals[settlement.attempt] for settlement in settlements]

    def _credit_until(self, generation: int) -> dict[str, Credit]:
        """What every operator had achieved when this generation was finished."""
        credit: dict[str, Credit] = {}
        for number, rows in self.laboratory.store.credit().items():
            for row in rows if number <= generation else ():
                own = Credit(row.attempts, row.improved, row.gain, row.cost_flops, row.untrained)
                credit[row.operator] = credit.get(row.operator, Credit()).plus(own)
        return credit

    def _remember(self, attempt: records.Attempt, settled: records.Settlement | None, prospect: Prospect) -> None:
        status = settled.status if settled else attempt.status
        score = settled.score if settled else attempt.score
        rung = (settled.rung if settled else attempt.rung) or 0
        step = (settled.step_seconds if settled else attempt.step_seconds) or 0.0
        if status == "evaluated":
            prospect = replace(prospect, score=score or 0.0)
        values = {
            "score": prospect.score,
            "parameters": attempt.parameters or 0,
            "flops": attempt.flops_per_token or 0,
            "state_bytes": attempt.state_bytes or 0,
            "step_seconds": step,
        }
        fitness = self.fitness()
        if status in PARENTAL:
            fitness.values = tuple(values[objective] for objective in self.configuration.objective)
        individual = Individual(
            attempt.id,
            attempt.generation,
            attempt.operator,
            attempt.parents,
            status,
            self._recipe,
            str(attempt.recipe),
            attempt.family or recipe_family(self._recipe(str(attempt.recipe)), self.library),
            attempt.state_bytes or 0,
            attempt.flops_per_token or 0,
            score or 0.0,
            prospect,
            rung,
            fitness,
        )
        self.history.add(individual)
        if status == "evaluated":
            self.hall.update([individual])

    def _credited(self, generation: int, new: Sequence[Individual], noise: float) -> list[records.OperatorCredit]:
        """Credit of this generation by operator, added to what was known."""
        refused = [
            attempt
            for attempt in self.laboratory.store.attempts(generation=generation)
            if attempt.status in UNTRAINED and counts(attempt.operator, attempt.status)
        ]
        varied = [*(individual for individual in new if individual.operator != SEED), *refused]
        tasks = len(self.laboratory.tasks)
        gained = credited(varied, self.history.individuals, self.laboratory.scale, tasks, noise)
        for operator, own in gained.items():
            self.credit[operator] = self.credit.get(operator, Credit()).plus(own)
        return [
            records.OperatorCredit(operator, own.attempts, own.improved, own.gain, own.flops, own.untrained)
            for operator, own in sorted(gained.items())
        ]


@contextmanager
def _no_collection() -> Iterator[None]:
    """No search for garbage while nothing but long-lived values is made: with 100,000 attempts it takes two fifths."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _same_recipe(left: Individual, right: Individual) -> bool:
    return left.hash == right.hash


def _library_rows(library: dict[str, Component]) -> list[records.Component]:
    return [
        records.Component(
            component.name,
            component.hash,
            component.kind,
            component.source,
            "library",
            component.provenance.arxiv if component.provenance else None,
        )
        for component in library.values()
    ]
