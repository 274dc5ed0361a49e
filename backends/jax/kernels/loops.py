"""`lax.scan` with a switch that unrolls it, for counting the operations of a program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import jax

_UNROLL: ContextVar[bool] = ContextVar("unroll", default=False)


@contextmanager
def unrolled_loops() -> Iterator[None]:
    """Unroll every loop traced inside the block: XLA's cost analysis counts the body of a loop only once.

    The switch acts while tracing, so a function that was jitted before keeps the form it was traced in.
    """
    token = _UNROLL.set(True)
    try:
        yield
    finally:
        _UNROLL.reset(token)


def scan(body: Callable[[Any, Any], tuple[Any, Any]], start: Any, inputs: Any, reverse: bool = False) -> Any:
    """`jax.lax.scan` over the leading axis, unrolled inside `unrolled_loops`."""
    return jax.lax.scan(body, start, inputs, reverse=reverse, unroll=_UNROLL.get())
