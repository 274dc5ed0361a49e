"""A planner's conversation: a question, its answer, and where that is refused one repair with the exact error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from evolve.history import Individual
from evolve.llm.answers import AnswerError, Plan, one_line, parse_plan, plan_schema
from evolve.llm.desk import LEAST_SECONDS, MOST_TOKENS, Desk, settled_reason
from evolve.llm.grammar import grammar
from evolve.llm.prompts import planner_text, repair_text
from evolve.llm.protocol import Message, Request
from evolve.variation import Variation
from genome.component import Library
from genome.edits import Edit, apply
from genome.errors import GenomeError
from genome.recipe import Recipe
from runs.calls import BUDGET, Call, Place, operator

PLAN_NAME = "proposal"

INVENTING = 4
"""One proposal in so many is to define a component of its own, the others are to use known ones."""


@dataclass(frozen=True)
class Slot:
    """One proposal to be asked for: by which model, of which parent, with which question.

    `library` holds what its edits may name, and `refusal` says why a legal child is not wanted, or "".
    """

    generation: int
    number: int
    model: str
    parent: Individual
    request: Request
    library: Library
    refusal: Callable[[Variation], str]


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a conversation led to: edits, or a reason; neither where the model was not asked."""

    slot: Slot
    calls: tuple[Call, ...]
    edits: tuple[Edit, ...] = ()
    reason: str = ""
    expected: Mapping[str, str] = field(default_factory=dict)

    @property
    def asked(self) -> bool:
        return self.calls[0].state != "skipped"

    def variation(self, library: Library) -> Variation:
        """The proposal for the store: the parent with its edits, or refused with the reason."""
        name, parents = operator(self.slot.model), (self.slot.parent.attempt,)
        if not self.reason:
            return varied(name, self.slot.parent, self.edits, library)
        return Variation(name, parents, self.edits, tuple(e.kind for e in self.edits), None, reason=self.reason)


def invents(generation: int, number: int) -> bool:
    """Whether a generation's proposal of this number is to define a component of its own."""
    return (generation + number) % INVENTING == 0


def planner_request(
    recipe: Recipe, stable: str, told: Mapping[str, Any], library: Library, skills: Sequence[str], *, invents: bool
) -> Request:
    """The question about a recipe, with the schema of its answer and the narrower one of this parent."""
    return Request(
        stable,
        (Message("user", planner_text(told, invents=invents)),),
        plan_schema(),
        PLAN_NAME,
        MOST_TOKENS,
        grammar(recipe, library, skills, invents=invents),
    )


def begin(slot: Slot, desk: Desk) -> Call:
    """Commit that a slot's first call goes out."""
    place = Place(slot.generation, slot.number, 1)
    return desk.begin(place, "planner", slot.model, slot.request, repairable=True)


def converse(slot: Slot, first: Call, desk: Desk, seconds: float) -> Proposed:
    """Have a conversation that has begun; all its calls, retries and repair end within these seconds."""
    deadline = monotonic() + seconds
    call = desk.complete(first, slot.request, deadline)
    if call.state == "skipped":
        return Proposed(slot, (call,))
    if call.state != "answered":
        return Proposed(slot, (call,), reason=settled_reason([call]))
    answer = call.outcome.answer or ""
    proposed = judged(slot, answer, (call,))
    if not proposed.reason:
        return proposed
    request = _repair(slot.request, answer, proposed.reason)
    again = _repaired(slot, call, request, desk, deadline)
    calls = (call, again)
    if again.state != "answered":
        return Proposed(
            slot, calls, proposed.edits, one_line(f"{proposed.reason}; not repaired"), proposed.expected
        )
    return judged(slot, again.outcome.answer or "", calls)


def judged(slot: Slot, answer: str, calls: tuple[Call, ...]) -> Proposed:
    """What an answer proposes, with the exact reason where it cannot be taken."""
    try:
        plan = parse_plan(answer)
    except AnswerError as error:
        return Proposed(slot, calls, reason=one_line(str(error)))
    variation = varied(operator(slot.model), slot.parent, plan.edits, slot.library)
    reason = variation.reason or slot.refusal(variation)
    return Proposed(slot, calls, plan.edits, one_line(reason), _expected(plan))


def varied(name: str, parent: Individual, edits: tuple[Edit, ...], library: Library) -> Variation:
    """The parent with edits applied; where they do not apply, a variation with the reason."""
    try:
        applied = apply(parent.recipe, edits, library)
    except GenomeError as error:
        kinds = tuple(edit.kind for edit in edits)
        return Variation(name, (parent.attempt,), edits, kinds, None, reason=one_line(str(error)))
    return Variation(name, (parent.attempt,), edits, applied.descriptions, applied.recipe, applied.components)


def _repaired(slot: Slot, first: Call, request: Request, desk: Desk, deadline: float) -> Call:
    place = Place(slot.generation, slot.number, 2)
    if first.reserved.calls < 2 and not first.replayed:
        return desk.skip(place, "repairer", slot.model, f"{BUDGET} the search left no room for a repair")
    if deadline - monotonic() < LEAST_SECONDS and not first.replayed:
        return desk.skip(place, "repairer", slot.model, "the deadline left no time for a repair")
    return desk.complete(desk.begin(place, "repairer", slot.model, request), request, deadline)


def _repair(request: Request, answer: str, reason: str) -> Request:
    turns = (*request.messages, Message("assistant", answer), Message("user", repair_text(reason)))
    return Request(request.stable, turns, request.schema, request.name, request.most_tokens, request.grammar)


def _expected(plan: Plan) -> dict[str, str]:
    return {own.skill: own.effect for own in plan.expected}
