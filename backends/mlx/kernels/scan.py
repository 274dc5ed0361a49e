"""First-order linear recurrences with a diagonal transition, along time."""

from __future__ import annotations

from typing import Any

import mlx.core as mx

from backends.arguments import check_linear_scan
from backends.arrays import sum_to


def linear_scan(a: mx.array, x: mx.array) -> mx.array:
    """h_t = a_t * h_{t-1} + x_t along axis 1, from h = 0, accumulated in float32.

    `x` is BxTx... with any trailing shape; `a`, in [-1, 1], has the same rank and broadcasts to `x`.
    Raises ValueError where it does not.
    """
    check_linear_scan(a.shape, x.shape)
    a = mx.broadcast_to(a, (a.shape[0], x.shape[1], *a.shape[2:]))  # one factor per position, other axes free
    h: Any = _scan(a.astype(mx.float32), x.astype(mx.float32))
    return h.astype(x.dtype)


def cumulative_sum(x: mx.array) -> mx.array:
    """The sum of positions 0 .. t along axis 1, accumulated in float32."""
    return mx.cumsum(x.astype(mx.float32), axis=1).astype(x.dtype)


def recurrence(a: mx.array, x: mx.array, reverse: bool = False) -> mx.array:
    """h_t = a_t * h_{t-1} + x_t along axis 1 (h_t = a_t * h_{t+1} + x_t in reverse); `a` has the length of `x`.

    By doubling (Hillis and Steele, 1986): after level i every position holds the sum over the 2 ** i positions
    up to its own, and the product of their factors. Factors of 0 and of either sign are as good as any.
    """
    time, reach = x.shape[1], 1
    while reach < time:
        x = x + a * _moved(x, reach, reverse)
        if 2 * reach < time:
            a = a * _moved(a, reach, reverse)
        reach *= 2
    return x


@mx.custom_function
def _scan(a: mx.array, x: mx.array) -> mx.array:
    return recurrence(a, x)


@_scan.vjp
def _scan_backward(primals: tuple[mx.array, mx.array], dh: mx.array, h: mx.array) -> tuple[mx.array, mx.array]:
    """The gradient runs the same recurrence from the end: dx_t = dh_t + a_{t+1} dx_{t+1}, da_t = dx_t h_{t-1}."""
    a, _ = primals
    dx = recurrence(_moved(a, 1, reverse=True), dh, reverse=True)
    return sum_to(dx * _moved(h, 1, reverse=False), a.shape), dx


def _moved(x: mx.array, steps: int, reverse: bool) -> mx.array:
    """Later along axis 1 by `steps`, or, in reverse, earlier; zeros enter."""
    rest = [(0, 0)] * (x.ndim - 2)
    if reverse:
        return mx.pad(x[:, steps:], [(0, 0), (0, steps), *rest])
    return mx.pad(x[:, :-steps], [(0, 0), (steps, 0), *rest])
