"""One call of a language model, with its row: read back where it was made before, replayed, or made and paid for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic

from evolve.llm.access import Model
from evolve.llm.answers import one_line
from evolve.llm.protocol import ProviderError, Request, Usage
from evolve.llm.replay import Recording
from runs.calls import Call, Limits, Outcome, Place, Reservation, Role
from runs.ledger import Ledger, storable

MOST_TOKENS = 8192
"""Bound of an answer, and of what a model may think before it."""

OVERHEAD_TOKENS, REPAIR_TOKENS = 1024, 2048
"""What servers put around a request, and a repairer's question."""

LEAST_SECONDS = 1.0
"""With less time left until the deadline a call is not made."""

CUT_OFF = ("timeout", "connection")
"""Faults after which a server may have worked and billed, without anyone knowing."""


@dataclass(frozen=True)
class Desk:
    """Where calls are made: any number of threads may use it."""

    ledger: Ledger
    models: Mapping[str, Model]
    limits: Limits = field(default_factory=Limits)
    keep_texts: bool = True
    recording: Recording | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The models in the user's order, or those of the recorded search."""
        return tuple(self.models) if self.recording is None else self.recording.models

    def begin(self, place: Place, role: Role, name: str, request: Request, *, repairable: bool = False) -> Call:
        """The row of a call, committed before it is made; one that ended before a kill is taken as it is.

        Where the call is `repairable`, a repair is reserved with it if the limits leave room, so that which
        conversations get one does not depend on how fast others are.
        """
        ended = self.ledger.ended(place)
        if ended is not None:
            return ended
        if self.recording is not None:
            recorded = self.recording.call(place, name)
            if recorded is None:
                return self.ledger.skip(place, role, name, "the recorded search has no such call")
            return self.ledger.copy(recorded if self.keep_texts else replace(recorded, prompt=None))
        own = self._bound(name, request)
        reserved = [own] if not repairable else [_both(own, self._bound(name, request, repair=True)), own]
        text = storable(request.messages[-1].text) if self.keep_texts else None
        return self.ledger.start(place, role, name, text, reserved, self.limits)

    def skip(self, place: Place, role: Role, name: str, reason: str) -> Call:
        """The row of a call that is not made, unless it has one."""
        return self.ledger.ended(place) or self.ledger.skip(place, role, name, reason)

    def complete(self, call: Call, request: Request, deadline: float) -> Call:
        """Make a call that has begun; one that has ended is returned as it is."""
        if call.state != "started":
            return call
        model, began = self.models[call.name], monotonic()
        try:
            answer = model.ask(request, deadline)
        except ProviderError as error:
            outcome = _without_answer(model, error)
        except Exception as error:
            # Whatever is wrong with a provider is a failure of its call; its text may hold what was sent.
            outcome = Outcome("failed", fault="protocol", reason=f"the provider raised {type(error).__name__}")
        else:
            outcome = replace(_taken(model, answer.usage), answer=storable(answer.text))
        return self.ledger.finish(call.id, replace(outcome, seconds=monotonic() - began))

    def _bound(self, name: str, request: Request, *, repair: bool = False) -> Reservation:
        """More than a call can take, or the `repair` that may follow it.

        No tokenizer makes more tokens than bytes, nor more than one from two bytes of plain English; a model's own
        answer, given back to it, is no longer than it may be.
        """
        schemas = [len(json.dumps(schema)) for schema in (request.schema, request.grammar or {})]
        plain = len(request.stable.encode()) + max(schemas)
        sizes = [(message.role, len(storable(message.text).encode())) for message in request.messages]
        quoted = sum(min(size, request.most_tokens) if role == "assistant" else size for role, size in sizes)
        tokens = plain // 2 + quoted + OVERHEAD_TOKENS + (request.most_tokens + REPAIR_TOKENS if repair else 0)
        output = request.most_tokens
        usages = (Usage(input=tokens, output=output), Usage(written=tokens, output=output))
        costs = [cost for cost in map(self.models[name].cost, usages) if cost is not None]
        return Reservation(1, tokens + output, max(costs, default=None))


def _both(one: Reservation, other: Reservation) -> Reservation:
    cost = None if one.cost is None or other.cost is None else one.cost + other.cost
    return Reservation(one.calls + other.calls, one.tokens + other.tokens, cost)


def _taken(model: Model, usage: Usage) -> Outcome:
    return Outcome(
        "answered",
        input=usage.input,
        cached=usage.cached,
        written=usage.written,
        output=usage.output,
        cost=model.cost(usage),
    )


def _without_answer(model: Model, error: ProviderError) -> Outcome:
    unknown = error.fault in CUT_OFF and error.usage == Usage()
    taken = Outcome("failed") if unknown else _taken(model, error.usage)
    state = "refused" if error.fault == "refused" else "failed"
    return replace(taken, state=state, fault=error.fault, reason=one_line(str(error)) or error.fault)


def settled_reason(calls: Sequence[Call]) -> str:
    """Why the last of these calls brought no answer."""
    last = calls[-1]
    return f"{last.name}: {last.outcome.fault or last.state}: {last.outcome.reason}"
