"""One deadline for a whole call, whatever its parts wait for: names, connections, headers, bodies, tokens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from evolve.llm.protocol import Answer, ProviderError

_GRACE = 0.25
"""Seconds after the deadline in which the thread's own error, which knows what was paid, may still arrive."""


def within(deadline: float, call: Callable[[], Answer], stop: Callable[[], None]) -> Answer:
    """What `call` returns or raises, in a thread of its own, so that not even a name's look-up holds the caller.

    At `deadline`, a value of time.monotonic(), raises ProviderError. In any case calls `stop`, which ends what the
    thread still waits for. Errors arrive without the thread's frames and without their causes: those hold keys.
    """
    outcome: SimpleQueue[Answer | Exception] = SimpleQueue()

    def run() -> None:
        try:
            outcome.put(call())
        except Exception as error:
            error.__cause__ = error.__context__ = None
            outcome.put(error.with_traceback(None))

    try:
        if deadline <= time.monotonic():
            raise late()
        threading.Thread(target=run, name="language model", daemon=True).start()
        found = outcome.get(timeout=max(0.0, deadline + _GRACE - time.monotonic()))
    except Empty:
        found = late()
    finally:
        stop()
    if isinstance(found, Exception):
        raise found
    return found


def late() -> ProviderError:
    """The error of a call whose deadline passed."""
    return ProviderError("timeout", "no answer before the deadline")
