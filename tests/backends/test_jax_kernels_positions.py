"""Positions, routing and refusals of the JAX kernels."""

from __future__ import annotations

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
    experts,
    linear_attention,
    lstm,
    positions,
    scan,
)
from backends.jax.kernels.generalized_delta_rule import generalized_delta_rule as remove_and_store
from backends.positions import alibi_slopes, sinusoid_table

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1, 12, 2, 7)).astype(np.float32)


def test_rope_keeps_norms_the_first_position_and_an_odd_channel() -> None:
    y = np.asarray(positions.rope(jnp.asarray(X), 100.0))
    np.testing.assert_allclose(np.linalg.norm(y, axis=-1), np.linalg.norm(X, axis=-1), rtol=1e-5)
    np.testing.assert_array_equal(y[:, 0], X[:, 0])
    np.testing.assert_array_equal(y[..., -1], X[..., -1])
    assert np.abs(y[:, 1:, :, :-1] - X[:, 1:, :, :-1]).max() > 0.1


def test_rope_makes_products_depend_on_distance_alone() -> None:
    q, k = (jnp.broadcast_to(x, (1, 12, 7)) for x in (X[:, :1, 0], X[:, :1, 1]))
    score_TxS = np.asarray(jnp.einsum("btk,bsk->ts", positions.rope(q, 100.0), positions.rope(k, 100.0)))
    for distance in range(1, 12):
        diagonal = np.diagonal(score_TxS, -distance)
        np.testing.assert_allclose(diagonal, np.full_like(diagonal, diagonal[0]), atol=1e-4)
    assert np.ptp(score_TxS[:, 0]) > 0.1


def test_sinusoid_is_the_published_table() -> None:
    table = sinusoid_table(50, 7)
    for t, channel in ((0, 0), (3, 0), (3, 1), (49, 4), (49, 5), (20, 6)):
        angle = t / 10000 ** ((channel - channel % 2) / 7)
        assert table[t, channel] == pytest.approx(np.cos(angle) if channel % 2 else np.sin(angle), abs=1e-6)


def test_alibi_slopes_are_the_published_ones() -> None:
    np.testing.assert_allclose(alibi_slopes(8), [2.0**-i for i in range(1, 9)])
    between = [2.0 ** -(i + 0.5) for i in range(4)]
    np.testing.assert_allclose(alibi_slopes(12), [*alibi_slopes(8), *between])
    assert alibi_slopes(1) == pytest.approx(2.0**-8)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(row=st.lists(st.integers(-2, 2), min_size=6, max_size=6), count=st.integers(1, 6))
def test_top_k_keeps_exactly_the_largest_and_of_equals_the_first(row: list[int], count: int) -> None:
    x = np.asarray(row, np.float32)
    y = np.asarray(experts.top_k(jnp.asarray(x)[None], count))[0]
    kept = np.argsort(-x, kind="stable")[:count]
    want = np.full(6, -np.inf)
    want[kept] = x[kept]
    np.testing.assert_array_equal(y, want)


def test_gradients_pass_top_k_only_where_it_keeps() -> None:
    weight, gradient = jax.value_and_grad(lambda x: jax.nn.softmax(experts.top_k(x, 2))[0])(
        jnp.asarray([1.0, 3.0, 2.0, 0.0])
    )
    assert weight == 0
    np.testing.assert_array_equal(np.isfinite(gradient), True)
    gradient = jax.grad(lambda x: jax.nn.softmax(experts.top_k(x, 2))[1])(jnp.asarray([1.0, 3.0, 2.0, 0.0]))
    np.testing.assert_array_equal(gradient != 0, [False, True, True, False])


def test_an_expert_whose_gate_is_zero_gives_nothing_and_learns_nothing() -> None:
    x = jnp.asarray(X[..., 0, :])
    up, gate, down = (jnp.asarray(RNG.normal(size=s), jnp.float32) for s in ((2, 7, 5), (2, 7, 5), (2, 5, 7)))
    gates = jnp.stack([jnp.zeros((1, 12)), jnp.ones((1, 12))], axis=-1)
    out, pullback = jax.vjp(lambda *w: experts.mixture_of_experts(x, gates, *w), up, gate, down)
    alone = experts.mixture_of_experts(x, gates[..., 1:], up[1:], gate[1:], down[1:])
    np.testing.assert_allclose(out, alone, rtol=1e-4, atol=1e-5)
    for d in pullback(jnp.ones_like(out)):
        assert (np.asarray(d[0]) == 0).all()
        assert np.abs(d[1]).max() > 0


@settings(max_examples=20, deadline=None, derandomize=True)
@given(steps=st.integers(0, 15))
def test_shift_moves_positions_and_fills_with_zeros(steps: int) -> None:
    y = np.asarray(convolution.shift(jnp.asarray(X), steps))
    np.testing.assert_array_equal(y[:, steps:], X[:, : max(12 - steps, 0)])
    assert not y[:, :steps].any()


def test_what_cannot_be_computed_is_refused_in_one_line() -> None:
    q, three, gate = jnp.ones((1, 4, 4, 2)), jnp.ones((1, 4, 3, 2)), jnp.ones((1, 4, 5))
    many = jnp.ones((1, 4, 17, 2))
    refusals = [
        (lambda: attention.attend(q, three, three), "multiple"),
        (lambda: attention.attend(q, q, q, window=0), "at least 1"),
        (lambda: linear_attention.linear_attention(q, q, q, log_decay=gate), "log_decay"),
        (lambda: delta_rule.delta_rule(q, q, q, gate), "beta"),
        (lambda: delta_rule.delta_rule(q, three, three, three[..., 0]), "multiple"),
        (lambda: delta_rule.delta_rule(q[:, :, :1], many, many, many[..., 0]), "most 16"),
        (lambda: delta_rule.delta_rule(q, q, q, q[..., 0], log_decay=jnp.ones((1, 4, 4, 3))), "log_decay"),
        (lambda: remove_and_store(q, q, q, q, gate, log_decay=q), "rate"),
        (lambda: remove_and_store(q, q, q, q, q, log_decay=jnp.ones((4,))), "log_decay"),
        (lambda: lstm.lstm(q, q, q, q, jnp.ones((4, 1, 2, 2))), "lstm"),
        (lambda: lstm.lstm(q, q, three, q, jnp.ones((4, 4, 2, 2))), "lstm"),
        (lambda: scan.linear_scan(jnp.ones((4,)), q), "linear_scan"),
        (lambda: convolution.shift(q, -1), "shift"),
        (lambda: experts.top_k(q, 3), "top_k"),
    ]
    for call, word in refusals:
        with pytest.raises(ValueError, match=word) as refusal:
            call()
        assert "\n" not in str(refusal.value)
