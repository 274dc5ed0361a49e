"""Every fast form agrees with its plain reference: outputs and all gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from backends.jax.kernels import (
    attention,
    convolution,
    delta_rule,
    experts,
    generalized_delta_rule,
    linear_attention,
    lstm,
    reference,
    scan,
)
from tests.backends.compiling import QUICK

LONGEST = 130
LENGTHS = (1, 7, 16, 63, 64, 65, LONGEST)
BATCH, HEADS, KEY, VALUE, FEATURES = 2, 4, 6, 5, 3


def normal(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def heads(size: int, seed: int, count: int = HEADS) -> np.ndarray:
    return normal(BATCH, LONGEST, count, size, seed=seed)


def decay(*shape: int, seed: int) -> np.ndarray:
    return -np.abs(normal(*shape, seed=seed))


Q, K, V = heads(KEY, 1), heads(KEY, 2), heads(VALUE, 3)
UNIT_K = unit(K)
DOUBLE_K, DOUBLE_V = unit(heads(KEY, 12, 2 * HEADS)), heads(VALUE, 13, 2 * HEADS)
TRIPLE_K, TRIPLE_V = unit(heads(KEY, 14, 3 * HEADS)), heads(VALUE, 15, 3 * HEADS)
BETAS = np.random.default_rng(16).uniform(high=2, size=(BATCH, LONGEST, 3 * HEADS)).astype(np.float32)
REMOVED = unit(heads(KEY, 17))
RATES = np.random.default_rng(18).uniform(size=(BATCH, LONGEST, HEADS, KEY)).astype(np.float32)
BETA = np.random.default_rng(4).uniform(size=(BATCH, LONGEST, HEADS)).astype(np.float32)
HEAD_DECAY = decay(BATCH, LONGEST, HEADS, seed=5)
CHANNEL_DECAY = decay(BATCH, LONGEST, HEADS, KEY, seed=6)
X = normal(BATCH, LONGEST, FEATURES, seed=7)
GATES = (Q, K, heads(KEY, 14), heads(KEY, 15))
RECURRENT = normal(4, HEADS, KEY, KEY, seed=16) * KEY**-0.5


def attend_grouped(family: Any, q, k, v, gate):
    return family.attend(q, k, v, alibi=True, log_decay_BxTxH=gate)


def attend_near(family: Any, q, k, v, gate):
    return family.attend(q, k, v, window=5, log_decay_BxTxH=gate, scale=0.7)


def attend_linearly(family: Any, q, k, v, gate):
    return family.linear_attention(q, k, v, log_decay=gate)


def apply_delta(family: Any, q, k, v, beta, gate):
    return family.delta_rule(q, k, v, beta, log_decay=gate)


def remove_and_store(family: Any, q, k, v, remove, rate, gate):
    return family.generalized_delta_rule(q, k, v, remove, rate, log_decay=gate)


def apply_lstm(family: Any, *gates_and_weight):
    return family.lstm(*gates_and_weight)


def apply_slstm(family: Any, *gates_and_weight):
    return family.lstm(*gates_and_weight, exponential=True)


Call = Callable[..., jax.Array]
CASES: dict[str, tuple[Any, Call, tuple[np.ndarray, ...]]] = {
    "attend": (attention, lambda family, *a: family.attend(*a), (Q, K, V)),
    "attend-grouped": (attention, attend_grouped, (Q, K[:, :, :2], V[:, :, :2], HEAD_DECAY[:1])),
    "attend-window": (attention, attend_near, (Q, K[:, :, :1], V[:, :, :1], HEAD_DECAY)),
    "linear": (linear_attention, lambda family, *a: family.linear_attention(*a), (Q, K, V)),
    "linear-head": (linear_attention, attend_linearly, (Q, K, V, HEAD_DECAY)),
    "linear-head-constant": (linear_attention, attend_linearly, (Q, K, V, HEAD_DECAY[:1, :1])),
    "linear-channel": (linear_attention, attend_linearly, (Q, K, V, CHANNEL_DECAY)),
    "linear-channel-constant": (linear_attention, attend_linearly, (Q, K, V, CHANNEL_DECAY[:1, :1])),
    "delta": (delta_rule, lambda family, *a: family.delta_rule(*a), (Q, UNIT_K, V, BETA)),
    "delta-decay": (delta_rule, apply_delta, (Q, UNIT_K, V, BETA, HEAD_DECAY)),
    "delta-channel": (delta_rule, apply_delta, (Q, UNIT_K, V, BETA, CHANNEL_DECAY)),
    "delta-channel-constant": (
        delta_rule,
        apply_delta,
        (Q, UNIT_K, V, BETA[:1, :1], CHANNEL_DECAY[:1, :1, :, :1]),
    ),
    "delta-twice": (delta_rule, apply_delta, (Q, DOUBLE_K, DOUBLE_V, BETAS[..., : 2 * HEADS], HEAD_DECAY)),
    "delta-channel-thrice": (delta_rule, apply_delta, (Q, TRIPLE_K, TRIPLE_V, BETAS, CHANNEL_DECAY)),
    "generalized-head": (generalized_delta_rule, remove_and_store, (Q, K, V, REMOVED, BETA, HEAD_DECAY[:1])),
    "generalized-channel": (generalized_delta_rule, remove_and_store, (Q, K, V, REMOVED, RATES, CHANNEL_DECAY)),
    "scan": (scan, lambda family, *a: family.linear_scan(*a), (np.tanh(X), X[..., ::-1].copy())),
    "scan-constant": (scan, lambda family, *a: family.linear_scan(*a), (np.tanh(X[:1, :1, :1]), X)),
    "lstm": (lstm, apply_lstm, (*GATES, RECURRENT)),
    "slstm": (lstm, apply_slstm, (*GATES, RECURRENT)),
    "slstm-constant": (lstm, apply_slstm, (Q[:1, :1], K[:1, :1], *GATES[2:], RECURRENT)),
    "causal-conv": (convolution, lambda family, *a: family.causal_conv(*a), (X, normal(4, FEATURES, seed=8))),
    "long-conv": (convolution, lambda family, *a: family.long_conv(*a), (X, X[:, ::-1].copy())),
    "long-conv-shared": (convolution, lambda family, *a: family.long_conv(*a), (X, X[:1, ::-1].copy())),
}
ATTENTION = ("attend-grouped", "attend-window")
GATED = ("lstm", "slstm")
CHUNKED = ("linear-head", "linear-channel", "delta-decay")
SHORT = ("delta-channel", "delta-twice", "delta-channel-thrice", "generalized-head", "generalized-channel")


@lru_cache
def with_gradients(name: str, fast: bool) -> Call:
    family, call, _ = CASES[name]

    def run(cotangent, *inputs):
        out, pullback = jax.vjp(lambda *a: call(family if fast else reference, *a), *inputs)
        return out, *pullback(cotangent.astype(out.dtype))

    return jax.jit(run, compiler_options=QUICK)


def relative_error(got: jax.Array, want: jax.Array) -> float:
    """Root mean square error over that of what is wanted; the latter counts as at least 1e-2."""
    a, b = np.asarray(got, np.float64), np.asarray(want, np.float64)
    assert a.shape == b.shape
    assert np.isfinite(a).all()
    return float(np.sqrt(((a - b) ** 2).mean()) / max(np.sqrt((b**2).mean()), 1e-2))


def assert_agrees(
    name: str, length: int, inputs: tuple[np.ndarray, ...], tolerance: float = 1e-4, dtype: Any = jnp.float32
) -> None:
    """Compare a prefix, in `dtype`, with the reference on the longest input in float32.

    Causality makes them the same numbers, and one compiled reference serves all lengths.
    """
    along_time = [a.ndim > 1 and a.shape[1] == LONGEST for a in inputs]
    out_shape = jax.eval_shape(lambda *a: CASES[name][1](reference, *a), *inputs).shape
    cotangent = normal(*out_shape, seed=9)
    cotangent[:, length:] = 0
    want = with_gradients(name, False)(cotangent, *inputs)
    prefix = [jnp.asarray(a[:, :length] if cut else a, dtype) for a, cut in zip(inputs, along_time, strict=True)]
    got = with_gradients(name, True)(cotangent[:, :length], *prefix)
    assert all(a.dtype == dtype for a in got)
    labels = ["output", *(f"gradient {i}" for i in range(len(inputs)))]
    for label, a, b, cut in zip(labels, got, want, [True, *along_time], strict=True):
        error = relative_error(a, b[:, :length] if cut else b)
        assert error <= tolerance, f"{name}, {label}, T={length}: relative error {error:.1e}"


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", CHUNKED)
def test_chunked_forms_agree_at_every_length(name: str, length: int) -> None:
    assert_agrees(name, length, CASES[name][2])


@pytest.mark.parametrize(
    ("name", "length"),  # one chunk, then two and more: the lengths between are alike
    [
        *(("delta-channel", length) for length in (1, 7, 17, LONGEST)),
        ("delta-twice", LONGEST),
        *(("delta-channel-thrice", length) for length in (7, LONGEST)),
        *(("generalized-head", length) for length in (1, LONGEST)),
        *(("generalized-channel", length) for length in (7, LONGEST)),
    ],
)
def test_short_chunks_agree_at_every_length(name: str, length: int) -> None:
    assert_agrees(name, length, CASES[name][2])


@pytest.mark.parametrize("length", [1, 7, 65, LONGEST])  # one block, then two: the lengths between are alike
@pytest.mark.parametrize("name", ATTENTION)
def test_attention_agrees_in_one_block_and_in_several(name: str, length: int) -> None:
    assert_agrees(name, length, CASES[name][2])


@pytest.mark.parametrize("name", [name for name in CASES if name not in (*ATTENTION, *CHUNKED, *GATED, *SHORT)])
def test_other_forms_agree(name: str) -> None:
    assert_agrees(name, LONGEST, CASES[name][2])


@pytest.mark.parametrize("length", [1, 7, LONGEST])
@pytest.mark.parametrize("name", GATED)
def test_gated_forms_agree_at_every_length(name: str, length: int) -> None:
    assert_agrees(name, length, CASES[name][2])


@pytest.mark.parametrize("input_gate", [-200.0, 30.0, 200.0])
@pytest.mark.parametrize("forget_gate", [-200.0, 200.0, None])
@pytest.mark.parametrize("name", GATED)
def test_gates_that_are_shut_or_wide_open_agree(name: str, forget_gate: float | None, input_gate: float) -> None:
    """None shuts the forget gate at every third position."""
    shut = np.where(np.arange(LONGEST) % 3, 200.0, -200.0)[None, :, None, None]
    i, f, *rest = CASES[name][2]
    assert_agrees(name, LONGEST, (i + np.float32(input_gate), f + np.float32(forget_gate or shut), *rest))


def test_the_first_step_of_exponential_gates_is_right_from_nothing() -> None:
    """Of one value an average is that value, whatever its gates are."""
    i, f, z, o = (x[:, :1] for x in GATES)
    for shift in (-1000.0, 0.0, 1000.0):
        h = lstm.lstm(*map(jnp.asarray, (i + shift, f - shift, z, o, RECURRENT)), exponential=True)
        np.testing.assert_allclose(h, np.tanh(z) / (1 + np.exp(-o)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("gate", ["closed", "open", "both"])
@pytest.mark.parametrize(
    "name",
    [
        "attend-window",
        "linear-head",
        "linear-channel",
        "delta-decay",
        "delta-channel",
        "delta-twice",
        "delta-channel-thrice",
        "generalized-head",
        "generalized-channel",
    ],
)
def test_extreme_gates_agree(name: str, gate: str) -> None:
    inputs = CASES[name][2]
    values = {"closed": -30.0, "open": -1e-6, "both": np.where(np.arange(LONGEST) % 3, -1e-6, -30.0)}[gate]
    shape = inputs[-1].shape
    extreme = np.broadcast_to(np.reshape(values, (1, -1, *[1] * (len(shape) - 2))), shape)
    assert_agrees(name, LONGEST, (*inputs[:-1], extreme.astype(np.float32)))


@pytest.mark.parametrize("name", ["linear-channel", "delta-channel", "generalized-channel"])
def test_closed_channel_gates_have_accurate_gradients(name: str) -> None:
    """The gradient of a closed gate is tiny but not noise: the shortcut that yields it must not lose it."""
    inputs = (*CASES[name][2][:-1], np.full_like(CHANNEL_DECAY, -20.0))
    cotangent = normal(*V.shape, seed=9)
    got, want = (with_gradients(name, fast)(cotangent, *inputs)[-1] for fast in (True, False))
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3 * float(np.abs(want).max()))


@pytest.mark.parametrize("beta", [1.0, 1.9])
def test_delta_rule_agrees_where_all_keys_are_equal(beta: float) -> None:
    keys = np.broadcast_to(UNIT_K[:, :1], K.shape).copy()
    assert_agrees("delta", LONGEST, (Q, keys, V, np.full_like(BETA, beta)))
    open_gates = np.full_like(CHANNEL_DECAY, -1e-6)
    assert_agrees("delta-channel", LONGEST, (Q, keys, V, np.full_like(BETA, beta), open_gates))
    keys = np.broadcast_to(TRIPLE_K[:, :1, :1], TRIPLE_K.shape).copy()
    assert_agrees("delta-channel-thrice", LONGEST, (Q, keys, TRIPLE_V, np.full_like(BETAS, beta), open_gates))


@pytest.mark.parametrize("rate", [0.5, 1.0])
def test_generalized_delta_rule_agrees_where_all_keys_are_equal(rate: float) -> None:
    removed = np.broadcast_to(REMOVED[:, :1], REMOVED.shape).copy()
    open_gates = np.full_like(CHANNEL_DECAY, -1e-6)
    assert_agrees(
        "generalized-channel", LONGEST, (Q, rate * removed, V, removed, np.full_like(RATES, rate), open_gates)
    )


def test_channels_that_never_fade_beside_channels_that_fade_at_once_agree() -> None:
    """A strong gate of one channel, or at one position, must not cost the others their digits."""
    gates = np.full_like(CHANNEL_DECAY, -1e-4)
    gates[..., ::2] = -200.0
    gates[:, ::5] = -200.0
    assert_agrees("delta-channel", LONGEST, (Q, UNIT_K, V, BETA, gates))
    assert_agrees("generalized-channel", LONGEST, (Q, K, V, REMOVED, RATES, gates))


@pytest.mark.parametrize(
    "name",
    ["attend-grouped", "linear-channel", "delta-decay", "delta-channel", "generalized-channel"],
)
def test_bfloat16_inputs_agree_and_keep_their_type(name: str) -> None:
    inputs = tuple(np.asarray(jnp.asarray(a, jnp.bfloat16), np.float32) for a in CASES[name][2])
    tolerance = 1e-2 if name in SHORT else 2e-2
    assert_agrees(name, LONGEST, inputs, tolerance, dtype=jnp.bfloat16)


@pytest.mark.parametrize("name", GATED)
def test_gated_forms_agree_in_bfloat16(name: str) -> None:
    inputs = tuple(np.asarray(jnp.asarray(a, jnp.bfloat16), np.float32) for a in CASES[name][2])
    assert_agrees(name, LONGEST, inputs, tolerance=1e-2, dtype=jnp.bfloat16)


def test_many_blocks_of_queries_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long contexts are cut into several blocks; shrink the blocks instead of lengthening the context."""
    monkeypatch.setattr(attention, "BLOCK", 16)
    q, k, v = (jnp.asarray(x[:1, :65]) for x in (Q, K, V))
    for window in (None, 20):
        got, want = (
            jax.jit(lambda *a, family=family, window=window: family.attend(*a, window=window))(q, k, v)
            for family in (attention, reference)
        )
        assert relative_error(got, want) <= 1e-4


@pytest.mark.parametrize("count", [1, 3])
def test_mixture_of_experts_agrees(count: int) -> None:
    up, gate, down = normal(count, 3, 7, seed=1), normal(count, 3, 7, seed=2), normal(count, 7, 3, seed=3)
    gates = normal(BATCH, LONGEST, count, seed=4)
    gates[:, ::2, 0] = 0
    cotangent = normal(*X.shape, seed=9)
    both = []
    for family in (experts, reference):
        out, pullback = jax.vjp(family.mixture_of_experts, X, gates, up, gate, down)
        both.append((out, *pullback(cotangent)))
    for got, want in zip(*both, strict=True):
        assert relative_error(got, want) <= 1e-4


def test_cumulative_sum_is_the_sum_so_far() -> None:
    assert relative_error(scan.cumulative_sum(jnp.asarray(X)), jnp.cumsum(X, axis=1)) <= 1e-5
