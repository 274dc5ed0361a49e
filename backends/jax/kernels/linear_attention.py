"""Attention whose scores are plain products, and whose past may decay: a recurrence over a K x V state per head.

Computed in chunks, as in 2312.06635. Within a chunk the scores are products of queries with keys, one where a head
has one decay, one for each size of `backends.halves` where every channel decays by itself; between chunks the state is
carried. Every exponent is a sum of log decays of consecutive positions, thus at most 0: no decay, however strong,
overflows or divides by zero. Positions are chunked to N (chunks) x B x H x C (in the chunk) x K.
"""

from __future__ import annotations

from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np

from backends.arguments import check_linear_attention
from backends.arrays import sum_to
from backends.halves import halves
from backends.jax.kernels.chunks import chunked, unchunked
from backends.jax.kernels.products import sum_last, transposed
from backends.jax.kernels.scan import recurrence
from genome.operations.time import linear_chunk


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
    chunk = linear_chunk(time, per_channel)

    q, k, v, decay = (chunked(x, chunk) for x in (q_BxTxHxK, k_BxTxHxK, v_BxTxHxV, decay))
    out = _attend_linearly(q * key_size**-0.5, k, v, decay)
    return unchunked(out, time).astype(v_BxTxHxV.dtype)


@jax.custom_vjp
def _attend_linearly(q: jax.Array, k: jax.Array, v: jax.Array, decay: jax.Array) -> jax.Array:
    return _forward(q, k, v, decay)[0]


def _forward(q, k, v, decay):
    from_start, until_end, left = _sums(decay)
    score = _scores(q, k, from_start, left)
    out = score @ v
    state = None
    if q.shape[0] > 1:
        state = _carried(from_start, transposed(k * jnp.exp(until_end)) @ v)
        out = out + (q * jnp.exp(from_start)) @ state
    return out, (q, k, v, decay, score, state)


def _backward(saved, dout):
    """The gradient of the decay needs no pass over the scores: by the telescoping of the exponents it is the sum
    over all later positions of q dq - k dk (2312.06635, appendix), here without the part of each position's own
    key, which no decay touches and which would only leave rounding errors.
    """
    q, k, v, decay, score, state = saved
    from_start, until_end, left = _sums(decay)
    dscore = dout @ transposed(v)
    dq, dk = _score_gradients(dscore, q, k, from_start, left)
    dv = transposed(score) @ dout
    if state is not None:
        read, kept = jnp.exp(from_start), jnp.exp(until_end)
        dstate = _carried(from_start, transposed(q * read) @ dout, reverse=True)
        dq += read * (dout @ transposed(state))
        dk += kept * (v @ transposed(dstate))
        dv += (k * kept) @ dstate
    dtotal = q * dq - k * dk
    if decay.shape[-1] == 1:
        dtotal = sum_last(dtotal)
    dtotal = sum_to(dtotal, decay.shape)
    later = dtotal.sum(axis=3, keepdims=True)
    later = recurrence(jnp.ones_like(later), later, reverse=True) - later
    ddecay = transposed(_triangle(decay.shape[3])) @ dtotal + later
    own = sum_last(dout * v, copies=q.shape[-1])
    return dq + own * k, dk + own * q, dv, ddecay


_attend_linearly.defvjp(_forward, _backward)


def _triangle(size: int) -> jax.Array:
    """The matrix that sums the rows up to each row; on a CPU it compiles far faster than a cumulative sum."""
    return jnp.asarray(np.tril(np.ones((size, size), np.float32)))


def _sums(decay: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array | None]:
    """Log decays from the start of a chunk and until its end, and, where every channel decays by itself, what they
    leave where halves meet: N x B x H x L (sizes of blocks) x C x K."""
    chunk, size = decay.shape[3:]
    if size == 1:
        total = _triangle(chunk) @ decay
        return total, total[..., -1:, :] - total, None
    summed, met = halves(chunk)
    sums = jnp.asarray(summed.reshape(-1, chunk)) @ decay
    sums, levels = sums.reshape(*decay.shape[:3], -1, chunk, size), len(met)
    return sums[:, :, :, levels], sums[:, :, :, levels + 1], jnp.exp(sums[:, :, :, :levels])


def _carried(from_start: jax.Array, update: jax.Array, reverse: bool = False) -> jax.Array:
    """The state that enters each chunk from before it, or, in reverse, the gradient that enters from after it."""
    factor = jnp.exp(from_start[..., -1, :])[..., None]
    nothing = jnp.zeros_like(update[:1])
    if reverse:
        return jnp.concatenate([recurrence(factor[1:], update[1:], reverse=True), nothing])
    return jnp.concatenate([nothing, recurrence(factor[:-1], update[:-1])])


def _scores(q: jax.Array, k: jax.Array, from_start: jax.Array, left: jax.Array | None) -> jax.Array:
    """Decayed products of each query with the keys up to its own in its chunk: N x B x H x C x C."""
    if left is None:
        return (q @ transposed(k)) * _head_decay(from_start, own=True)
    rows, columns = (x[:, :, :, None] * left for x in (q, k))
    products = (rows @ jnp.swapaxes(columns, -1, -2)) * halves(q.shape[3])[1]
    own = sum_last(q * k) * np.eye(q.shape[3], dtype=np.float32)
    levels = [products[:, :, :, level] for level in range(left.shape[3])]
    return reduce(jnp.add, levels, own)  # faster than one sum


def _score_gradients(
    dscore: jax.Array, q: jax.Array, k: jax.Array, from_start: jax.Array, left: jax.Array | None
) -> tuple[jax.Array, jax.Array]:
    """What the scores of each query with the keys strictly before it give to the queries and the keys."""
    if left is None:
        dproduct = dscore * _head_decay(from_start, own=False)
        return dproduct @ k, transposed(dproduct) @ q
    dproducts = dscore[:, :, :, None] * halves(q.shape[3])[1]
    dq = left * (dproducts @ (k[:, :, :, None] * left))
    dk = left * (transposed(dproducts) @ (q[:, :, :, None] * left))
    return dq.sum(axis=3), dk.sum(axis=3)


def _head_decay(total: jax.Array, own: bool) -> jax.Array:
    """What is left at row i of what entered at an earlier column j, or, with `own`, at column i itself.

    Masked before the exponential: masked after it, an infinity would meet a zero gradient.
    """
    gap, size = total - jnp.swapaxes(total, -1, -2), total.shape[3]
    return jnp.exp(jnp.where(np.tril(np.ones((size, size), bool), 0 if own else -1), gap, -jnp.inf))
