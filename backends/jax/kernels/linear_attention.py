"""Attention whose scores are plain products, and whose past may decay: a recurrence over a K x V state per head.

Computed in chunks, as in 2312.06635. Within a chunk every pair of positions is scored directly; between chunks
the state is carried. Every exponent is a sum of log decays of consecutive positions, thus at most 0: no decay,
however strong, overflows or divides by zero. Positions are chunked to N (chunks) x B x H x C (in the chunk) x K.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from backends.arguments import check_linear_attention
from backends.arrays import sum_to
from backends.jax.kernels.chunks import chunked, unchunked
from backends.jax.kernels.products import sum_last, transposed
from backends.jax.kernels.scan import recurrence

CHUNK = 64
"""Positions per chunk when a head has one decay, and a chunk's scores are a matrix product."""

CHANNEL_CHUNK = 8
"""Positions per chunk when every channel decays by itself, and each pair of positions costs K exponentials."""


def linear_attention(
    q_BxTxHxK: jax.Array, k_BxTxHxK: jax.Array, v_BxTxHxV: jax.Array, *, log_decay: jax.Array | None = None
) -> jax.Array:
    """S_t = exp(g_t) S_{t-1} + k_t v_t^T and o_t = K ** -0.5 q_t S_t, BxTxHxV, computed in float32.

    `log_decay` g, at most 0, is None (no decay, 2006.16236), BxTxH (one per head, as in Mamba-2, 2405.21060) or
    BxTxHxK (one per channel of the key, as in gated linear attention, 2312.06635). Its axes may have size 1 where
    they repeat. The state is read after its update, so o_t includes k_t v_t^T.

    Raises ValueError for a decay of another shape.
    """
    time, _, key_size = q_BxTxHxK.shape[1:]
    if log_decay is None:
        log_decay = jnp.zeros((1, 1, 1), jnp.float32)
    per_channel = log_decay.ndim == 4
    full = (*q_BxTxHxK.shape[:3], key_size)[: log_decay.ndim]
    check_linear_attention(log_decay.shape, q_BxTxHxK.shape)
    decay = jnp.broadcast_to(log_decay, (log_decay.shape[0], *full[1:]))
    decay = decay if per_channel else decay[..., None]
    chunk = min(CHANNEL_CHUNK if per_channel else CHUNK, time)

    q, k, v, decay = (chunked(x, chunk) for x in (q_BxTxHxK, k_BxTxHxK, v_BxTxHxV, decay))
    out = _attend_linearly(q * key_size**-0.5, k, v, decay)
    return unchunked(out, time).astype(v_BxTxHxV.dtype)


@jax.custom_vjp
def _attend_linearly(q: jax.Array, k: jax.Array, v: jax.Array, decay: jax.Array) -> jax.Array:
    return _forward(q, k, v, decay)[0]


def _forward(q, k, v, decay):
    total = _triangle(decay.shape[3]) @ decay  # from the start of the chunk
    score = _scores(q, k, total)
    out = score @ v
    state = None
    if q.shape[0] > 1:
        until_end = k * jnp.exp(total[..., -1:, :] - total)
        state = _carried(total, transposed(until_end) @ v)
        out = out + (q * jnp.exp(total)) @ state
    return out, (q, k, v, total, score, state)


def _backward(saved, dout):
    """The gradient of the decay needs no pass over the scores: by the telescoping of the exponents it is the sum
    over all later positions of q dq - k dk (2312.06635, appendix), here without the part of each position's own
    key, which no decay touches and which would only leave rounding errors.
    """
    q, k, v, total, score, state = saved
    dscore = dout @ transposed(v)
    dq, dk = _score_gradients(dscore, q, k, total)
    dv = transposed(score) @ dout
    if state is not None:
        from_start, until_end = jnp.exp(total), jnp.exp(total[..., -1:, :] - total)
        dstate = _carried(total, transposed(q * from_start) @ dout, reverse=True)
        dq += from_start * (dout @ transposed(state))
        dk += until_end * (v @ transposed(dstate))
        dv += (k * until_end) @ dstate
    dtotal = q * dq - k * dk
    if total.shape[-1] == 1:
        dtotal = sum_last(dtotal)
    dtotal = sum_to(dtotal, total.shape)
    later = dtotal.sum(axis=3, keepdims=True)
    later = recurrence(jnp.ones_like(later), later, reverse=True) - later
    ddecay = transposed(_triangle(total.shape[3])) @ dtotal + later
    own = sum_last(dout * v, copies=q.shape[-1])
    return dq + own * k, dk + own * q, dv, ddecay


_attend_linearly.defvjp(_forward, _backward)


def _triangle(size: int) -> jax.Array:
    """The matrix that sums the rows up to each row; on a CPU it compiles far faster than a cumulative sum."""
    return jnp.asarray(np.tril(np.ones((size, size), np.float32)))


def _carried(total: jax.Array, update: jax.Array, reverse: bool = False) -> jax.Array:
    """The state that enters each chunk from before it, or, in reverse, the gradient that enters from after it."""
    factor = jnp.exp(total[..., -1, :])[..., None]
    nothing = jnp.zeros_like(update[:1])
    if reverse:
        return jnp.concatenate([recurrence(factor[1:], update[1:], reverse=True), nothing])
    return jnp.concatenate([nothing, recurrence(factor[:-1], update[:-1])])


def _scores(q: jax.Array, k: jax.Array, total: jax.Array) -> jax.Array:
    """Decayed products of each query with the keys up to its own in its chunk: N x B x H x C x C."""
    if total.shape[-1] == 1:
        return (q @ transposed(k)) * _head_decay(total, own=True)
    q_CxKxM, k_CxKxM = _batch_last(q), _batch_last(k)
    score_CxCxM = (q_CxKxM[:, None] * k_CxKxM * _channel_decay(total, q.shape, own=True)).sum(axis=2)
    return _batch_first(score_CxCxM, q.shape)


def _score_gradients(
    dscore: jax.Array, q: jax.Array, k: jax.Array, total: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """What the scores of each query with the keys strictly before it give to the queries and the keys."""
    if total.shape[-1] == 1:
        dproduct = dscore * _head_decay(total, own=False)
        return dproduct @ k, transposed(dproduct) @ q
    dscore_CxCxM = _batch_last(dscore)
    later_CxCxM = jnp.swapaxes(dscore_CxCxM, 0, 1)  # the summed axis second, not first: much faster on a CPU
    before = _channel_decay(total, q.shape, own=False)
    after = _channel_decay(total, q.shape, own=False, key_first=True)
    dq_CxKxM = (dscore_CxCxM[:, :, None] * _batch_last(k) * before).sum(axis=1)
    dk_CxKxM = (later_CxCxM[:, :, None] * _batch_last(q) * after).sum(axis=1)
    return _batch_first(dq_CxKxM, q.shape), _batch_first(dk_CxKxM, q.shape)


def _head_decay(total: jax.Array, own: bool) -> jax.Array:
    """What is left at row i of what entered at an earlier column j, or, with `own`, at column i itself.

    Masked before the exponential: masked after it, an infinity would meet a zero gradient.
    """
    gap = total - jnp.swapaxes(total, -1, -2)
    return jnp.exp(jnp.where(_earlier(total.shape[3], own), gap, -jnp.inf))


def _channel_decay(total: jax.Array, shape: tuple[int, ...], own: bool, key_first: bool = False) -> jax.Array:
    """The same for each channel: query x key (or key x query) x K x M, M being all of N x B x H."""
    total_CxKxM = _batch_last(jnp.broadcast_to(total, shape))
    gap, earlier = total_CxKxM[:, None] - total_CxKxM, _earlier(shape[3], own)
    if key_first:
        gap, earlier = -gap, earlier.T
    return jnp.exp(jnp.where(earlier[..., None, None], gap, -jnp.inf))


def _earlier(size: int, own: bool) -> np.ndarray:
    return np.tril(np.ones((size, size), bool), 0 if own else -1)


def _batch_last(x: jax.Array) -> jax.Array:
    """N x B x H x C x K to C x K x M: the pairs of a chunk are then vectors over independent chunks."""
    rows, columns = x.shape[-2:]
    return x.reshape(-1, rows * columns).T.reshape(rows, columns, -1)


def _batch_first(x_CxKxM: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    rows, columns = x_CxKxM.shape[:2]
    return x_CxKxM.reshape(rows * columns, -1).T.reshape(*shape[:3], rows, columns)
