"""When to go on without a model for a while: a function of the ledger's rows, so that a resumed search agrees."""

from __future__ import annotations

from collections.abc import Iterable

from runs.calls import Call

FAILURES = 5
"""So many calls in a row without an answer, and a model is left alone."""

PAUSE = 3
"""For so many generations."""


def paused_since(calls: Iterable[Call], generation: int) -> int | None:
    """The first generation of the pause in which `generation` lies, or None where the model may be asked.

    `calls` are one model's in the order of generations, slots and turns. Calls that were skipped, or that a kill
    cut off, say nothing about the model.
    """
    failures, first = 0, None
    for call in calls:
        if call.place.generation >= generation:
            break
        if call.state == "answered":
            failures = 0
        elif call.state in ("failed", "refused"):
            failures += 1
        if failures == FAILURES:
            failures, first = 0, call.place.generation + 1
    return first if first is not None and first <= generation < first + PAUSE else None
