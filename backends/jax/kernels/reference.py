"""The plain forms: one position after another or one pair after another, in float32. Slow, and plainly right.

Each has the name, the signature and the meaning of the fast form it is the measure of.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from backends import steps
from backends.positions import alibi_slopes


def attend(
    q_BxTxHxK: jax.Array,
    k_BxTxGxK: jax.Array,
    v_BxTxGxV: jax.Array,
    *,
    window: int | None = None,
    alibi: bool = False,
    log_decay_BxTxH: jax.Array | None = None,
    scale: float | None = None,
) -> jax.Array:
    """The full matrix of scores of every head, masked."""
    time, heads = q_BxTxHxK.shape[1:3]
    q, k, v = (x.astype(jnp.float32) for x in (q_BxTxHxK, k_BxTxGxK, v_BxTxGxV))
    k, v = (jnp.repeat(x, heads // x.shape[2], axis=2) for x in (k, v))
    score_BxHxTxS = jnp.einsum("bthk,bshk->bhts", q, k) * (q.shape[-1] ** -0.5 if scale is None else scale)
    distance_TxS = jnp.arange(time)[:, None] - jnp.arange(time)
    if alibi:
        score_BxHxTxS -= alibi_slopes(heads)[:, None, None] * distance_TxS
    if log_decay_BxTxH is not None:
        total_BxHxT = jnp.swapaxes(jnp.cumsum(log_decay_BxTxH.astype(jnp.float32), axis=1), 1, 2)
        score_BxHxTxS += total_BxHxT[..., None] - total_BxHxT[..., None, :]
    visible_TxS = (distance_TxS >= 0) & (distance_TxS < (window or time))
    weight_BxHxTxS = jax.nn.softmax(jnp.where(visible_TxS, score_BxHxTxS, -jnp.inf), axis=-1)
    return jnp.einsum("bhts,bshv->bthv", weight_BxHxTxS, v)


def linear_attention(
    q_BxTxHxK: jax.Array, k_BxTxHxK: jax.Array, v_BxTxHxV: jax.Array, *, log_decay: jax.Array | None = None
) -> jax.Array:
    """Carry the state from position to position."""
    q, k, v = (x.astype(jnp.float32) for x in (q_BxTxHxK, k_BxTxHxK, v_BxTxHxV))
    decay = jnp.zeros((1, 1, 1)) if log_decay is None else log_decay.astype(jnp.float32)
    decay = jnp.broadcast_to(decay if decay.ndim == 4 else decay[..., None], q.shape)

    def step(state_BxHxKxV: jax.Array, inputs: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        q, k, v, decay = inputs
        out, state_BxHxKxV = steps.linear_attention(state_BxHxKxV, q, k, v, jnp.exp(decay))
        return state_BxHxKxV, out

    start = jnp.zeros((*k.shape[:1], *k.shape[2:], v.shape[-1]))
    _, out = jax.lax.scan(step, start, tuple(jnp.moveaxis(x, 1, 0) for x in (q, k, v, decay)))
    return jnp.moveaxis(out, 0, 1)


def delta_rule(
    q_BxTxHxK: jax.Array,
    k_BxTxJxK: jax.Array,
    v_BxTxJxV: jax.Array,
    beta_BxTxJ: jax.Array,
    *,
    log_decay: jax.Array | None = None,
) -> jax.Array:
    """Carry the state from position to position, and at each from update to update."""
    q, k, v = (x.astype(jnp.float32) for x in (q_BxTxHxK, k_BxTxJxK, v_BxTxJxV))
    beta = jnp.broadcast_to(beta_BxTxJ.astype(jnp.float32), k.shape[:3])
    decay = jnp.zeros((1, 1, 1)) if log_decay is None else log_decay.astype(jnp.float32)
    decay = jnp.broadcast_to(decay if decay.ndim == 4 else decay[..., None], q.shape)

    def step(state_BxHxKxV: jax.Array, inputs: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        q, k, v, beta, decay = inputs
        out, state_BxHxKxV = steps.delta_rule(state_BxHxKxV, q, k, v, beta, jnp.exp(decay))
        return state_BxHxKxV, out

    start = jnp.zeros((*q.shape[:1], *q.shape[2:], v.shape[-1]))
    _, out = jax.lax.scan(step, start, tuple(jnp.moveaxis(x, 1, 0) for x in (q, k, v, beta, decay)))
    return jnp.moveaxis(out, 0, 1)


def generalized_delta_rule(
    q_BxTxHxK: jax.Array,
    k_BxTxHxK: jax.Array,
    v_BxTxHxV: jax.Array,
    remove_BxTxHxK: jax.Array,
    rate: jax.Array,
    *,
    log_decay: jax.Array,
) -> jax.Array:
    """Carry the state from position to position."""
    q, k, v, remove = (x.astype(jnp.float32) for x in (q_BxTxHxK, k_BxTxHxK, v_BxTxHxV, remove_BxTxHxK))
    rate, decay = (x.astype(jnp.float32) for x in (rate, log_decay))
    rate, decay = (jnp.broadcast_to(x if x.ndim == 4 else x[..., None], q.shape) for x in (rate, decay))

    def step(state_BxHxKxV: jax.Array, inputs: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        q, k, v, remove, rate, decay = inputs
        out, state_BxHxKxV = steps.generalized_delta_rule(state_BxHxKxV, q, k, v, remove, rate, jnp.exp(decay))
        return state_BxHxKxV, out

    start = jnp.zeros((*k.shape[:1], *k.shape[2:], v.shape[-1]))
    _, out = jax.lax.scan(step, start, tuple(jnp.moveaxis(x, 1, 0) for x in (q, k, v, remove, rate, decay)))
    return jnp.moveaxis(out, 0, 1)


def linear_scan(a: jax.Array, x: jax.Array) -> jax.Array:
    """One position after another."""
    a, x = jnp.broadcast_to(a, x.shape).astype(jnp.float32), x.astype(jnp.float32)

    def step(h: jax.Array, inputs: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        h = inputs[0] * h + inputs[1]
        return h, h

    _, out = jax.lax.scan(step, jnp.zeros_like(x[:, 0]), (jnp.moveaxis(a, 1, 0), jnp.moveaxis(x, 1, 0)))
    return jnp.moveaxis(out, 0, 1)


def lstm(
    input: jax.Array,
    forget: jax.Array,
    cell: jax.Array,
    output: jax.Array,
    weight_4xHxSxS: jax.Array,
    *,
    exponential: bool = False,
) -> jax.Array:
    """One position after another; where exponential by the published equations, from a state of nothing."""
    gates = jnp.broadcast_arrays(*(x.astype(jnp.float32) for x in (input, forget, cell, output)))
    recurrent_i, recurrent_f, recurrent_z, recurrent_o = weight_4xHxSxS.astype(jnp.float32)
    h = c = n = jnp.zeros_like(gates[0][:, 0])
    m = jnp.full_like(h, -1e30)

    def step(state: tuple[jax.Array, ...], inputs: tuple[jax.Array, ...]) -> tuple[Any, jax.Array]:
        h, c, n, m = state
        i, f, z, o = inputs
        i += jnp.einsum("bhk,hks->bhs", h, recurrent_i)
        f += jnp.einsum("bhk,hks->bhs", h, recurrent_f)
        z = jnp.tanh(z + jnp.einsum("bhk,hks->bhs", h, recurrent_z))
        o = jax.nn.sigmoid(o + jnp.einsum("bhk,hks->bhs", h, recurrent_o))
        if not exponential:
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * z
            h = o * jnp.tanh(c)
            return (h, c, n, m), h
        before, m = m, jnp.maximum(jax.nn.log_sigmoid(f) + m, i)
        stable_i, stable_f = jnp.exp(i - m), jnp.exp(jax.nn.log_sigmoid(f) + before - m)
        c, n = stable_f * c + stable_i * z, stable_f * n + stable_i
        h = o * c / n
        return (h, c, n, m), h

    _, out = jax.lax.scan(step, (h, c, n, m), tuple(jnp.moveaxis(x, 1, 0) for x in gates))
    return jnp.moveaxis(out, 0, 1)


def causal_conv(x_BxTxD: jax.Array, weight_KxD: jax.Array) -> jax.Array:
    """Each position's window of past inputs, zeros before the first, against the filter."""
    return long_conv(x_BxTxD, jnp.pad(weight_KxD, ((0, x_BxTxD.shape[1]), (0, 0)))[None, : x_BxTxD.shape[1]])


def long_conv(x_BxTxD: jax.Array, filter_BxTxD: jax.Array) -> jax.Array:
    """The T x T matrix of each channel's filter, filter_{t-s} at row t and column s."""
    time = x_BxTxD.shape[1]
    lag_TxS = jnp.arange(time)[:, None] - jnp.arange(time)
    matrix_BxTxSxD = jnp.where((lag_TxS >= 0)[..., None], filter_BxTxD[:, lag_TxS % time], 0.0)
    return (matrix_BxTxSxD * x_BxTxD[:, None]).sum(axis=2)


def mixture_of_experts(
    x_BxTxD: jax.Array,
    gates_BxTxE: jax.Array,
    up_ExDxF: jax.Array,
    gate_ExDxF: jax.Array,
    down_ExFxD: jax.Array,
) -> jax.Array:
    """One expert after another."""
    y = jnp.zeros((*x_BxTxD.shape[:-1], down_ExFxD.shape[-1]))
    for expert, (up, gate, down) in enumerate(zip(up_ExDxF, gate_ExDxF, down_ExFxD, strict=True)):
        y += gates_BxTxE[..., expert, None] * ((jax.nn.silu(x_BxTxD @ gate) * (x_BxTxD @ up)) @ down)
    return y
