"""Language models in a search: asked for a generation while the one before is trained, collected when it is proposed.

What is asked depends on committed results of generations before that one alone, and what comes of it on the answers
in the ledger: so the genealogy is the same for any number of kills, and for a replay.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from queue import Empty, SimpleQueue
from random import Random
from threading import Thread
from time import monotonic
from typing import Any

from cognition.loader import load_library
from evaluators.tasks.registry import TASK_SKILLS
from evolve.configuration import Configuration
from evolve.credit import Credit
from evolve.history import Individual
from evolve.llm.analyst import analyst_request, conclusions_of
from evolve.llm.answers import AnswerError
from evolve.llm.breaker import FAILURES, PAUSE, paused_since
from evolve.llm.briefing import Briefing
from evolve.llm.desk import Desk
from evolve.llm.mix import dollars_by_model, drawn_models
from evolve.llm.planner import Proposed, Slot, begin, converse, invents, planner_request
from evolve.llm.prompts import stable_text
from evolve.proposals import Offer, Proposer
from evolve.strategies import make_strategy
from genome.component import Component, Library
from runs.calls import ANALYST_SLOT, BUDGET, Call, Place

IN_FLIGHT = 8
"""So many conversations at a time."""

LAG = 2
"""Questions for a generation are about results up to so many generations before."""

EVENT = "llm"


@dataclass(frozen=True)
class Asked:
    """What was asked for one generation."""

    briefing: Briefing
    conversations: tuple[Future[Proposed], ...]
    analysis: Future[Call]


@dataclass
class LanguageModels:
    """The language models of one search.

    The first of the desk's models analyses as well. `tell` gets lines for the console, each once.
    """

    configuration: Configuration
    desk: Desk
    proposer: Proposer
    tell: Callable[[str], None] = lambda line: None
    _asked: dict[int, Asked] = field(default_factory=dict)

    @cached_property
    def _published(self) -> Library:
        return load_library()

    @cached_property
    def _stable(self) -> str:
        return stable_text(self._published)

    @property
    def _skills(self) -> list[str]:
        return sorted({TASK_SKILLS[task] for task in self.configuration.task})

    def asked(self, generation: int) -> bool:
        """Whether questions for a generation are out."""
        return generation in self._asked

    def ask(self, generation: int, briefing: Briefing, credit: Mapping[str, Credit]) -> None:
        """Send the questions for a generation and return at once; `credit` is what operators had achieved by then.

        Rows of all first calls are committed before any goes out, in the order of slots.
        """
        calls: dict[str, list[Call]] = defaultdict(list)
        known = self.desk.ledger.calls(texts=False)
        earlier = [call for call in known if call.place.generation < generation]
        for call in earlier:
            calls[call.name].append(call)
        since = {name: paused_since(calls[name], generation) for name in self.desk.names}
        self._tell_pauses(generation, since)
        paused = {name for name, first in since.items() if first is not None}
        slots = self._slots(generation, briefing, credit, dollars_by_model(earlier))
        work: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        analysis = self._begin_analysis(generation, briefing, paused, work)
        conversations = [self._begin(slot, paused, work) for slot in slots]
        for _ in range(min(IN_FLIGHT, 1 + len(slots))):
            Thread(target=_work_through, args=(work,), daemon=True).start()
        self._asked[generation] = Asked(briefing, tuple(conversations), analysis)

    def collect(self, generation: int, library: Library) -> list[Offer]:
        """Wait for a generation's answers; returns what they propose, refused ones too, in the order of slots.

        What the analyst found is stored.
        """
        asked = self._asked.pop(generation)
        done = [conversation.result() for conversation in asked.conversations]
        self._store_conclusions(generation, asked)
        self._say_budget([*(call for own in done for call in own.calls), asked.analysis.result()])
        return [
            Offer(own.variation(library), tuple(call.id for call in own.calls), own.expected)
            for own in done
            if own.asked
        ]

    def stored(self, generation: int) -> None:
        """The attempts of a generation are stored; texts that are not to be kept go."""
        if not self.desk.keep_texts:
            self.desk.ledger.forget(generation)

    def _slots(
        self, generation: int, briefing: Briefing, credit: Mapping[str, Credit], dollars: Mapping[str, float]
    ) -> list[Slot]:
        config = self.configuration
        draw = Random(f"{config.seed}/llm/{generation}")
        models = drawn_models(self.desk.names, credit, dollars, config.population, config.llm_share, draw)
        strategy = make_strategy(config.strategy, config.population)
        pending: list[Individual] = []
        slots = []
        for number, model in enumerate(models, 1):
            random = Random(f"{config.seed}/llm/{generation}/{number}")
            parent = strategy.parent(briefing.past, pending, random)
            assert parent is not None, "strategies without parents are refused at the start"
            pending.append(parent)
            told = {"generation": generation, "proposal": number, "of": len(models), **briefing.of_parent(parent)}
            slots.append(
                self._slot(generation, number, model, parent, briefing.library, briefing.past.hashes, told)
            )
        return slots

    def _slot(
        self,
        generation: int,
        number: int,
        model: str,
        parent: Individual,
        components: Library,
        hashes: Mapping[str, int],
        told: Mapping[str, Any],
    ) -> Slot:
        own = {gene.component: components[gene.component] for _, gene in parent.recipe.genes()}
        library: dict[str, Component] = {**self._published, **own}
        request = planner_request(
            parent.recipe, self._stable, told, library, self._skills, invents=invents(generation, number)
        )
        return Slot(
            generation,
            number,
            model,
            parent,
            request,
            library,
            lambda variation: self.proposer.check(variation, 0, hashes, library).proposal.reason,
        )

    def _begin(self, slot: Slot, paused: set[str], work: SimpleQueue[Any]) -> Future[Proposed]:
        future: Future[Proposed] = Future()
        if slot.model in paused:
            place = Place(slot.generation, slot.number, 1)
            call = self.desk.skip(place, "planner", slot.model, _pause_reason(slot.model))
        else:
            call = begin(slot, self.desk)
        work.put((future, lambda: converse(slot, call, self.desk, self.configuration.llm_deadline)))
        return future

    def _begin_analysis(
        self, generation: int, briefing: Briefing, paused: set[str], work: SimpleQueue[Any]
    ) -> Future[Call]:
        future: Future[Call] = Future()
        name, place = self.desk.names[0], Place(generation, ANALYST_SLOT, 1)
        request = analyst_request(briefing, self._stable, self._skills)
        if name in paused:
            call = self.desk.skip(place, "analyst", name, _pause_reason(name))
        else:
            call = self.desk.begin(place, "analyst", name, request)
        seconds = self.configuration.llm_deadline
        work.put((future, lambda: self.desk.complete(call, request, monotonic() + seconds)))
        return future

    def _store_conclusions(self, generation: int, asked: Asked) -> None:
        call = asked.analysis.result()
        if call.state != "answered":
            return
        try:
            conclusions = conclusions_of(call.outcome.answer or "", asked.briefing.cited())
        except AnswerError as error:
            self._say(f"conclusions for generation {generation} are refused: {error}")
            return
        self.desk.ledger.record_conclusions(generation, conclusions)

    def _tell_pauses(self, generation: int, since: Mapping[str, int | None]) -> None:
        for name, first in since.items():
            if first == generation:
                last = generation + PAUSE - 1
                self._say(f"{_pause_reason(name)}: generations {generation} to {last} go on without it")

    def _say_budget(self, calls: Iterable[Call]) -> None:
        if any(call.state == "skipped" and call.outcome.reason.startswith(BUDGET) for call in calls):
            self._say(
                "the budget of language models does not suffice for all that could be asked; the search goes on"
            )

    def _say(self, line: str) -> None:
        """Store a line as an event and tell it, once in the life of a search."""
        store = self.proposer.laboratory.store
        if all(event.message != line for event in store.events(kind=EVENT)):
            store.log(EVENT, line)
            self.tell(line)


def _pause_reason(name: str) -> str:
    return f"{name} did not answer {FAILURES} times in a row"


def _work_through(work: SimpleQueue[tuple[Future[Any], Callable[[], Any]]]) -> None:
    while True:
        try:
            future, job = work.get_nowait()
        except Empty:
            return
        try:
            future.set_result(job())
        except BaseException as error:
            future.set_exception(error)
