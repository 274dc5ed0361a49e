"""No output reads a later position, by gradient; and loops can be unrolled to be counted."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.jax.kernels import (
    attention,
    convolution,
    delta_rule,
    generalized_delta_rule,
    linear_attention,
    loops,
    lstm,
    scan,
)

LENGTH = 133


def heads(seed: int, size: int = 4, count: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(1, LENGTH, count, size)).astype(np.float32)


Q, K, V = heads(1), heads(2), heads(3)
GATE = -np.abs(heads(4)[..., 0])
CHANNEL_GATE = -np.abs(heads(5))
X = heads(6)[..., 0]
PAIRS = heads(7, count=4)
UNIT_PAIRS = PAIRS / np.linalg.norm(PAIRS, axis=-1, keepdims=True)
RECURRENT = jnp.full((4, 2, 4, 4), 0.25)

Kernel = tuple[Callable[..., jax.Array], tuple[np.ndarray, ...]]
KERNELS: dict[str, Kernel] = {
    "attend": (lambda q, k, v, g: attention.attend(q, k, v, log_decay_BxTxH=g), (Q, K, V, GATE)),
    "attend-window": (partial(attention.attend, window=4, alibi=True), (Q, K, V)),
    "linear-head": (lambda *a: linear_attention.linear_attention(*a[:3], log_decay=a[3]), (Q, K, V, GATE)),
    "linear-channel": (
        lambda *a: linear_attention.linear_attention(*a[:3], log_decay=a[3]),
        (Q, K, V, CHANNEL_GATE),
    ),
    "delta": (
        lambda *a: delta_rule.delta_rule(*a[:4], log_decay=a[4]),
        (Q, K / np.linalg.norm(K, axis=-1, keepdims=True), V, np.exp(GATE), GATE),
    ),
    "delta-channel": (
        lambda *a: delta_rule.delta_rule(*a[:4], log_decay=a[4]),
        (Q, K / np.linalg.norm(K, axis=-1, keepdims=True), V, np.exp(GATE), CHANNEL_GATE),
    ),
    "delta-twice": (
        lambda *a: delta_rule.delta_rule(*a[:4], log_decay=a[4]),
        (Q, UNIT_PAIRS, np.concatenate([V, V], axis=2), np.exp(np.concatenate([GATE, GATE], axis=2)), GATE),
    ),
    "generalized": (
        lambda *a: generalized_delta_rule.generalized_delta_rule(*a[:5], log_decay=a[5]),
        (Q, K, V, UNIT_PAIRS[:, :, :2], np.exp(CHANNEL_GATE), CHANNEL_GATE),
    ),
    "scan": (scan.linear_scan, (np.tanh(X), X)),
    "lstm": (lambda i, f, z, o: lstm.lstm(i, f, z, o, RECURRENT), (Q, K, V, heads(7))),
    "slstm": (lambda i, f, z, o: lstm.lstm(i, f, z, o, RECURRENT, exponential=True), (Q, K, V, heads(7))),
    "causal-conv": (lambda x: convolution.causal_conv(x, jnp.ones((4, 2))), (X,)),
    "long-conv": (convolution.long_conv, (X, X[:, ::-1].copy())),
    "shift": (lambda x: convolution.shift(x, 2), (X,)),
}


@lru_cache
def influence(name: str) -> Callable[[int], list[np.ndarray]]:
    """For a position: how much each position of each input sways its output."""
    kernel, inputs = KERNELS[name]

    @jax.jit
    def run(position: jax.Array) -> tuple[jax.Array, ...]:
        out, pullback = jax.vjp(kernel, *inputs)
        chosen = jnp.arange(LENGTH) == position
        cotangent = jnp.where(chosen.reshape(1, LENGTH, *[1] * (out.ndim - 2)), out + 1.0, 0.0)
        return tuple(jnp.abs(d).reshape(LENGTH, -1).max(axis=-1) for d in pullback(cotangent))

    return lambda position: [np.asarray(a) for a in run(jnp.asarray(position))]


@pytest.mark.parametrize("name", KERNELS)
@settings(max_examples=15, deadline=None, derandomize=True)
@given(position=st.integers(0, LENGTH - 1))
def test_no_output_reads_a_later_position(name: str, position: int) -> None:
    noise = 1e-5 if name == "long-conv" else 0.0  # a Fourier transform spreads its rounding over all positions
    for sway_T in influence(name)(position):
        assert np.isfinite(sway_T).all()
        assert (sway_T[position + 1 :] <= noise * max(1.0, sway_T.max())).all()


@settings(max_examples=10, deadline=None, derandomize=True)
@given(position=st.integers(0, LENGTH - 1))
def test_a_window_hides_what_is_before_it(position: int) -> None:
    _, keys_T, values_T = influence("attend-window")(position)
    visible = (np.arange(LENGTH) <= position) & (np.arange(LENGTH) > position - 4)
    assert (values_T[visible] > 0).all()
    assert (values_T[~visible] == 0).all()
    assert (keys_T[~visible] == 0).all()


def test_unrolled_loops_are_counted_by_the_compiler() -> None:
    x = X[:, :16]

    def flops() -> float:
        analysis = jax.jit(lambda a, x: scan.linear_scan(a, x)).lower(x, x).compile().cost_analysis()
        assert analysis is not None
        return float(analysis["flops"])

    rolled = flops()
    with loops.unrolled_loops():
        unrolled = flops()
    assert unrolled >= 2 * x.size > rolled
    assert flops() == rolled
