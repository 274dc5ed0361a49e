"""The books on language-model calls: every call in its place, paid for as told, and known by the attempt it led to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import fsum, isclose

from evolve.configuration import RECORDING
from evolve.llm.replay import MODELS
from runs.archive import Archive
from runs.calls import ANALYST_SLOT, LANGUAGE_MODEL, Call, Role, operator
from runs.language_models import role_summaries
from runs.ledger import Ledger
from runs.records import Attempt

TURNS: Mapping[int, Role] = {1: "planner", 2: "repairer"}
"""The role of each turn of a planner's conversation."""


def ledger_problems(archive: Archive, ledger: Ledger) -> Iterator[str]:
    """A line for everything in the ledger that the search or the ledger itself contradicts."""
    calls = ledger.calls(texts=False)
    attempts = {attempt.id: attempt for attempt in archive.attempts()}
    named = [name for event in archive.events(kind=MODELS) for name in event.detail]
    replays = any(text.startswith(RECORDING) for text in archive.run.configuration.get("llm", ()))
    for call in calls:
        yield from (f"{_named(call)}: {problem}" for problem in _call_problems(call, named, replays))
    yield from _slot_problems(calls, attempts)
    yield from _attempt_problems(calls, attempts)
    for prediction in ledger.predictions():
        attempt = attempts.get(prediction.attempt)
        if attempt is not None and not attempt.operator.startswith(LANGUAGE_MODEL):
            yield f"attempt {attempt.id}: has a prediction of {prediction.skill}, but is of {attempt.operator}"
    yield from _conclusion_problems(calls, attempts, ledger)
    yield from _sum_problems(calls, ledger)


def _call_problems(call: Call, named: Sequence[str], replays: bool) -> Iterator[str]:
    """What is wrong with a call whatever the others are."""
    own, place = call.outcome, call.place
    if call.name not in named:
        yield f"is of {call.name}, which is no model of the search"
    due = "analyst" if place.slot == ANALYST_SLOT else TURNS.get(place.turn)
    if call.role != due:
        yield f"is a {call.role}'s; its place is {f'a {due}' if due else 'nobody'}'s"
    counts = {"input": own.input, "cached": own.cached, "written": own.written, "output": own.output}
    for name, count in counts.items():
        if count is None and own.state == "answered":
            yield f"answered, but its {name} tokens are not known"
        elif count is not None and count < 0:
            yield f"has {count} {name} tokens"
    if own.state in ("skipped", "started") and any(value is not None for value in (*counts.values(), own.cost)):
        yield f"{own.state}, but took tokens or dollars"
    if own.state != "skipped" and call.replayed != replays:
        yield "replayed in a search that pays for its calls" if call.replayed else "paid for in a replay"
    if own.state not in ("answered", "started") and not own.reason:
        yield f"{own.state} without a reason"


def _slot_problems(calls: Sequence[Call], attempts: Mapping[int, Attempt]) -> Iterator[str]:
    """Conversations in order, each of a proposed generation with one attempt or with the reason why not."""
    proposed = max((attempt.generation for attempt in attempts.values()), default=0)
    slots: dict[tuple[int, int], list[Call]] = defaultdict(list)
    for call in calls:
        slots[call.place.generation, call.place.slot].append(call)
    for (generation, slot), own in slots.items():
        ended = {call.place.turn: call for call in own if call.state != "started"}
        first = ended.get(1)
        for call in own:
            if call.place.turn not in ended and generation <= proposed:
                yield f"{_named(call)}: was cut off and never asked again, but its generation is proposed"
            if call.place.turn > 1 and (first is None or first.state != "answered"):
                yield f"{_named(call)}: repairs what was not answered"
        led = generation <= proposed and slot != ANALYST_SLOT and first is not None and first.state != "skipped"
        for call in own:
            wanted = led and call.state != "started"
            if wanted and call.attempt is None:
                yield f"{_named(call)}: led to no attempt"
            elif not wanted and call.attempt is not None:
                yield f"{_named(call)}: is said to have led to attempt {call.attempt}"
        if led and len({call.attempt for call in ended.values() if call.attempt is not None}) > 1:
            yield f"generation {generation}, slot {slot}: its calls led to several attempts"


def _attempt_problems(calls: Sequence[Call], attempts: Mapping[int, Attempt]) -> Iterator[str]:
    """Attempts and the calls that led to them agree."""
    led: dict[int, set[int]] = defaultdict(set)
    for call in calls:
        attempt = attempts.get(call.attempt or 0)
        if attempt is None:
            continue
        led[attempt.id].add(call.place.slot)
        if attempt.generation != call.place.generation:
            yield f"{_named(call)}: led to attempt {attempt.id} of generation {attempt.generation}"
        if attempt.operator != operator(call.name):
            yield f"{_named(call)}: is of {call.name}, its attempt {attempt.id} of {attempt.operator}"
    for attempt in attempts.values():
        if attempt.operator.startswith(LANGUAGE_MODEL) and len(led[attempt.id]) != 1:
            yield f"attempt {attempt.id}: is of {attempt.operator}, and {len(led[attempt.id])} conversations led to it"


def _conclusion_problems(calls: Sequence[Call], attempts: Mapping[int, Attempt], ledger: Ledger) -> Iterator[str]:
    """Conclusions are an answered analyst's and cite attempts that were known then."""
    answered = {c.place.generation for c in calls if c.role == "analyst" and c.state == "answered"}
    for generation in ledger.concluded():
        if generation not in answered:
            yield f"generation {generation}: has conclusions, but no analyst answered"
        for conclusion in ledger.conclusions(generation):
            for cited in (*conclusion.attempts, *conclusion.held):
                if cited not in attempts or attempts[cited].generation >= generation:
                    yield f"generation {generation}: a conclusion cites attempt {cited}, which was not known then"


def _sum_problems(calls: Sequence[Call], ledger: Ledger) -> Iterator[str]:
    """Sums that are printed and that limits are compared with are those of the rows."""
    booked = fsum(call.outcome.cost or 0.0 for call in calls)
    told = fsum(own.dollars or 0.0 for own in role_summaries(calls))
    if not isclose(booked, told, rel_tol=1e-9, abs_tol=1e-12):
        yield f"calls: cost {booked:g} dollars, but `llm` tells of {told:g}"
    paid = [call for call in calls if not call.replayed and call.state != "skipped"]
    costs = [call.outcome.cost if call.outcome.cost is not None else call.reserved.cost for call in paid]
    due, spent = fsum(cost or 0.0 for cost in costs), ledger.spent().cost or 0.0
    if not isclose(due, spent, rel_tol=1e-9, abs_tol=1e-12):
        yield f"calls: {due:g} dollars count against the budget, but {spent:g} are counted"


def _named(call: Call) -> str:
    place = call.place
    return f"call {call.id} (generation {place.generation}, slot {place.slot}, turn {place.turn})"
