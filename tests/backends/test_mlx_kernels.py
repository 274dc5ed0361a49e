"""Every fast form of MLX agrees with the plain reference in JAX: outputs and all gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from backends.jax.kernels import reference
from backends.mlx.kernels import (
    attention,
    convolution,
    delta_rule,
    experts,
    generalized_delta_rule,
    linear_attention,
    lstm,
    scan,
)
from tests.backends.mlx_present import mx

FAST: dict[str, Callable[..., Any]] = {
    "attend": attention.attend,
    "linear_attention": linear_attention.linear_attention,
    "delta_rule": delta_rule.delta_rule,
    "generalized_delta_rule": generalized_delta_rule.generalized_delta_rule,
    "linear_scan": scan.linear_scan,
    "lstm": lstm.lstm,
    "causal_conv": convolution.causal_conv,
    "long_conv": convolution.long_conv,
    "mixture_of_experts": experts.mixture_of_experts,
}

LONGEST = 130
LENGTHS = (1, 7, 64, 65, LONGEST)
BATCH, HEADS, KEY, VALUE, FEATURES = 2, 4, 6, 5, 3


def normal(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def heads(size: int, seed: int, count: int = HEADS) -> np.ndarray:
    return normal(BATCH, LONGEST, count, size, seed=seed)


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


Q, K, V = heads(KEY, 1), heads(KEY, 2), heads(VALUE, 3)
UNIT_K = unit(K)
DOUBLE_K, DOUBLE_V = unit(heads(KEY, 14, 2 * HEADS)), heads(VALUE, 15, 2 * HEADS)
TRIPLE_K, TRIPLE_V = unit(heads(KEY, 16, 3 * HEADS)), heads(VALUE, 17, 3 * HEADS)
BETAS = np.random.default_rng(18).uniform(high=2, size=(BATCH, LONGEST, 3 * HEADS)).astype(np.float32)
REMOVED = unit(heads(KEY, 19))
RATES = np.random.default_rng(20).uniform(size=(BATCH, LONGEST, HEADS, KEY)).astype(np.float32)
BETA = np.random.default_rng(4).uniform(size=(BATCH, LONGEST, HEADS)).astype(np.float32)
HEAD_DECAY = -np.abs(normal(BATCH, LONGEST, HEADS, seed=5))
CHANNEL_DECAY = -np.abs(normal(BATCH, LONGEST, HEADS, KEY, seed=6))
X = normal(BATCH, LONGEST, FEATURES, seed=7)
GATED = (Q, K, heads(KEY, 14), heads(KEY, 15), normal(4, HEADS, KEY, KEY, seed=16) * KEY**-0.5)
GATES = np.maximum(normal(BATCH, LONGEST, 3, seed=10), 0)
EXPERTS = (normal(3, 3, 7, seed=11), normal(3, 3, 7, seed=12), normal(3, 7, 3, seed=13))

CASES: dict[str, tuple[str, tuple[np.ndarray, ...], dict[str, Any]]] = {
    "attend": ("attend", (Q, K, K[..., ::-1]), {}),
    "attend-values": ("attend", (Q, K, V), {"scale": 0.3}),
    "attend-fast-grouped": ("attend", (Q, K[:, :, :2], K[:, :, 2:]), {"scale": 0.7}),
    "attend-grouped": ("attend", (Q, K[:, :, :2], V[:, :, :2], HEAD_DECAY[:1]), {"alibi": True}),
    "attend-window": ("attend", (Q, K[:, :, :1], V[:, :, :1], HEAD_DECAY), {"window": 5, "scale": 0.7}),
    "linear": ("linear_attention", (Q, K, V), {}),
    "linear-head": ("linear_attention", (Q, K, V, HEAD_DECAY), {}),
    "linear-head-constant": ("linear_attention", (Q, K, V, HEAD_DECAY[:1, :1]), {}),
    "linear-channel": ("linear_attention", (Q, K, V, CHANNEL_DECAY), {}),
    "linear-channel-constant": ("linear_attention", (Q, K, V, CHANNEL_DECAY[:1, :1]), {}),
    "delta": ("delta_rule", (Q, UNIT_K, V, BETA), {}),
    "delta-decay": ("delta_rule", (Q, UNIT_K, V, BETA, HEAD_DECAY), {}),
    "delta-channel": ("delta_rule", (Q, UNIT_K, V, BETA, CHANNEL_DECAY), {}),
    "delta-channel-constant": ("delta_rule", (Q, UNIT_K, V, BETA[:1, :1], CHANNEL_DECAY[:1, :1, :, :1]), {}),
    "delta-twice": ("delta_rule", (Q, DOUBLE_K, DOUBLE_V, BETAS[..., : 2 * HEADS], HEAD_DECAY), {}),
    "delta-thrice": ("delta_rule", (Q, TRIPLE_K, TRIPLE_V, BETAS), {}),
    "delta-channel-thrice": ("delta_rule", (Q, TRIPLE_K, TRIPLE_V, BETAS, CHANNEL_DECAY), {}),
    "generalized-head": ("generalized_delta_rule", (Q, K, V, REMOVED, BETA, HEAD_DECAY), {}),
    "generalized-channel": ("generalized_delta_rule", (Q, K, V, REMOVED, RATES, CHANNEL_DECAY), {}),
    "generalized-constant": (
        "generalized_delta_rule",
        (Q, K, V, REMOVED, RATES[:1, :1, :, :1], CHANNEL_DECAY[:1, :1, :, :1]),
        {},
    ),
    "scan": ("linear_scan", (np.tanh(X), X[..., ::-1]), {}),
    "scan-constant": ("linear_scan", (np.tanh(X[:1, :1, :1]), X), {}),
    "lstm": ("lstm", GATED, {}),
    "slstm": ("lstm", GATED, {"exponential": True}),
    "causal-conv": ("causal_conv", (X, normal(4, FEATURES, seed=8)), {}),
    "long-conv": ("long_conv", (X, X[:, ::-1]), {}),
    "long-conv-shared": ("long_conv", (X, X[:1, ::-1]), {}),
    "experts": ("mixture_of_experts", (X, GATES, *EXPERTS), {}),
}
GATE = {
    "attend": ("log_decay_BxTxH", 3),
    "linear_attention": ("log_decay", 3),
    "delta_rule": ("log_decay", 4),
    "generalized_delta_rule": ("log_decay", 5),
}


def call(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The operation of a case as a function of its arrays alone."""
    operation, _, options = CASES[name]
    gate, first = GATE.get(operation, ("", 99))
    return lambda *arrays: function(*arrays[:first], **dict(zip([gate], arrays[first:], strict=False)), **options)


@lru_cache
def wanted(name: str) -> Callable[..., Any]:
    operation = call(getattr(reference, CASES[name][0]), name)

    def run(cotangent, *arrays):
        out, pullback = jax.vjp(operation, *arrays)
        return out, *pullback(cotangent)

    return jax.jit(run)


def found(name: str, cotangent: np.ndarray, arrays: tuple[np.ndarray, ...], dtype: Any = None) -> list[np.ndarray]:
    given = [mx.array(a.copy()).astype(dtype or mx.float32) for a in arrays]
    operation = call(FAST[CASES[name][0]], name)
    (out,), gradients = mx.vjp(
        lambda *a: [operation(*a)], given, [mx.array(cotangent).astype(given[2 % len(given)].dtype)]
    )
    return [np.array(a.astype(mx.float32)) for a in (out, *gradients)]


def relative_error(got: np.ndarray, want: Any) -> float:
    """Root mean square error over that of what is wanted; the latter counts as at least 1e-2."""
    a, b = np.asarray(got, np.float64), np.asarray(want, np.float64)
    assert a.shape == b.shape
    assert np.isfinite(a).all()
    return float(np.sqrt(((a - b) ** 2).mean()) / max(np.sqrt((b**2).mean()), 1e-2))


def assert_agrees(
    name: str, length: int, arrays: tuple[np.ndarray, ...], tolerance: float = 1e-4, dtype: Any = None
) -> None:
    """Compare a prefix with the reference on the longest input: causality makes them the same numbers."""
    in_time = [a.ndim > 2 and a.shape[1] == LONGEST for a in arrays]
    shape = jax.eval_shape(call(getattr(reference, CASES[name][0]), name), *arrays).shape
    cotangent = normal(*shape, seed=9)
    cotangent[:, length:] = 0
    want = wanted(name)(cotangent, *map(jnp.asarray, arrays))
    prefix = tuple(a[:, :length] if cut else a for a, cut in zip(arrays, in_time, strict=True))
    got = found(name, cotangent[:, :length], prefix, dtype)
    for i, (a, b, cut) in enumerate(zip(got, want, [True, *in_time], strict=True)):
        error = relative_error(a, b[:, :length] if cut else b)
        assert error <= tolerance, f"{name}, {f'gradient {i - 1}' if i else 'output'}, T={length}: {error:.1e}"


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", CASES)
def test_fast_forms_agree_at_every_length(name: str, length: int) -> None:
    assert_agrees(name, length, CASES[name][1])


@pytest.mark.parametrize("gate", ["closed", "open", "both"])
@pytest.mark.parametrize(
    "name",
    [
        "attend-window",
        "linear-head",
        "linear-channel",
        "delta-decay",
        "delta-channel",
        "delta-channel-thrice",
        "generalized-head",
        "generalized-channel",
    ],
)
def test_extreme_gates_agree(name: str, gate: str) -> None:
    arrays = CASES[name][1]
    values = {"closed": -30.0, "open": -1e-6, "both": np.where(np.arange(LONGEST) % 3, -1e-6, -30.0)}[gate]
    shape = arrays[-1].shape
    extreme = np.broadcast_to(np.reshape(values, (1, -1, *[1] * (len(shape) - 2))), shape)
    assert_agrees(name, LONGEST, (*arrays[:-1], extreme.astype(np.float32)))


@pytest.mark.parametrize("forget_gate", [-200.0, 200.0])
@pytest.mark.parametrize("name", ["lstm", "slstm"])
def test_gates_that_are_shut_or_wide_open_agree(name: str, forget_gate: float) -> None:
    i, f, *rest = GATED
    assert_agrees(name, 65, (30 * i, f + np.float32(forget_gate), *rest))


@pytest.mark.parametrize("beta", [1.0, 1.9])
def test_delta_rule_agrees_where_all_keys_are_equal(beta: float) -> None:
    keys = np.broadcast_to(UNIT_K[:, :1], K.shape)
    assert_agrees("delta", LONGEST, (Q, keys, V, np.full_like(BETA, beta)))
    open_gates = np.full_like(CHANNEL_DECAY, -1e-6)
    assert_agrees("delta-channel", LONGEST, (Q, keys, V, np.full_like(BETA, beta), open_gates))
    keys = np.broadcast_to(TRIPLE_K[:, :1, :1], TRIPLE_K.shape)
    assert_agrees("delta-thrice", LONGEST, (Q, keys, TRIPLE_V, np.full_like(BETAS, beta)))


@pytest.mark.parametrize("rate", [0.5, 1.0])
def test_generalized_delta_rule_agrees_where_all_keys_are_equal(rate: float) -> None:
    removed = np.broadcast_to(REMOVED[:, :1], REMOVED.shape)
    open_gates = np.full_like(CHANNEL_DECAY, -1e-6)
    arrays = (Q, rate * removed, V, removed, np.full_like(RATES, rate), open_gates)
    assert_agrees("generalized-channel", LONGEST, arrays)


def test_channels_that_never_fade_beside_channels_that_fade_at_once_agree() -> None:
    """A strong gate of one channel, or at one position, must not cost the others their digits."""
    gates = np.full_like(CHANNEL_DECAY, -1e-4)
    gates[..., ::2] = -200.0
    gates[:, ::5] = -200.0
    assert_agrees("delta-channel", LONGEST, (Q, UNIT_K, V, BETA, gates))
    assert_agrees("generalized-channel", LONGEST, (Q, K, V, REMOVED, RATES, gates))


@pytest.mark.parametrize(
    "name",
    [
        "attend",
        "attend-grouped",
        "linear-channel",
        "delta-decay",
        "delta-channel",
        "delta-twice",
        "generalized-channel",
    ],
)
def test_bfloat16_inputs_agree(name: str) -> None:
    arrays = tuple(np.array(mx.array(a.copy()).astype(mx.bfloat16).astype(mx.float32)) for a in CASES[name][1])
    tolerance = 1e-2 if name.startswith("generalized") else 3e-2
    assert_agrees(name, LONGEST, arrays, tolerance, dtype=mx.bfloat16)


@pytest.mark.parametrize("name", ["lstm", "slstm"])
def test_gated_forms_agree_in_bfloat16(name: str) -> None:
    arrays = tuple(np.array(mx.array(a.copy()).astype(mx.bfloat16).astype(mx.float32)) for a in GATED)
    assert_agrees(name, LONGEST, arrays, tolerance=1e-2, dtype=mx.bfloat16)


def test_of_equals_the_first_is_kept() -> None:
    kept = np.array(experts.top_k(mx.array([[1.0, 3.0, 3.0, 3.0, 2.0]]), 2))
    assert kept.tolist() == [[-np.inf, 3.0, 3.0, -np.inf, -np.inf]]
