"""Attention whose scores are plain products, and whose past may decay: a recurrence over a K x V state per head.

Computed in chunks, as in 2312.06635. Within a chunk every pair of positions is scored directly; between chunks
the state is carried. Every exponent is a sum of log decays of consecutive positions, thus at most 0: no decay,
however strong, overflows or divides by zero. Positions are chunked to B x N (chunks) x H x C (in the chunk) x K.
"""

from __future__ import annotations

import mlx.core as mx
import numpy as np

from backends.arguments import check_linear_attention
from backends.mlx.kernels.chunks import chunked, unchunked
from backends.mlx.kernels.scan import linear_scan
from genome.operations.time import linear_chunk


def linear_attention(
    q_BxTxHxK: mx.array, k_BxTxHxK: mx.array, v_BxTxHxV: mx.array, *, log_decay: mx.array | None = None
) -> mx.array:
    """S_t = exp(g_t) S_{t-1} + k_t v_t^T and o_t = K ** -0.5 q_t S_t, BxTxHxV, computed in float32.

    `log_decay` g, at most 0, is None (no decay, 2006.16236), BxTxH (one per head, as in Mamba-2, 2405.21060) or
    BxTxHxK (one per channel of the key, as in gated linear attention, 2312.06635). Its axes may have size 1 where
    they repeat. The state is read after its update, so o_t includes k_t v_t^T.

    Raises ValueError for a decay of another shape.
    """
    time, _, key_size = q_BxTxHxK.shape[1:]
    decay = mx.zeros((1, 1, 1)) if log_decay is None else log_decay
    per_channel = decay.ndim == 4
    full = (*q_BxTxHxK.shape[:3], key_size)[: decay.ndim]
    check_linear_attention(decay.shape, q_BxTxHxK.shape)
    decay = mx.broadcast_to(decay, (decay.shape[0], *full[1:]))
    chunk = linear_chunk(time, per_channel)
    q, k, v = (chunked(x, chunk) for x in (q_BxTxHxK * key_size**-0.5, k_BxTxHxK, v_BxTxHxV))
    total = triangle(chunk) @ chunked(decay if per_channel else decay[..., None], chunk)
    score = _channel_scores(q, k, total) if per_channel else (q @ k.swapaxes(-1, -2)) * head_decay(total)
    out = score @ v
    if q.shape[1] > 1:
        until_end = k * mx.exp(total[..., -1:, :] - total)
        out = out + (q * mx.exp(total)) @ _carried(total, until_end.swapaxes(-1, -2) @ v)
    return unchunked(out, time).astype(v_BxTxHxV.dtype)


def triangle(size: int) -> mx.array:
    """The matrix that sums the rows up to each row."""
    return mx.array(np.tril(np.ones((size, size), np.float32)))


def head_decay(total: mx.array) -> mx.array:
    """What is left at row i of what entered at column j <= i, from running totals of log decays (... x C x 1).

    Masked before the exponential: masked after it, an infinity would meet a zero gradient.
    """
    gap = total - total.swapaxes(-1, -2)
    return mx.exp(mx.where(_not_later(total.shape[-2]), gap, mx.array(-mx.inf)))


def _channel_scores(q: mx.array, k: mx.array, total: mx.array) -> mx.array:
    """Products of each query with the keys up to its own, decayed channel by channel: B x N x H x C x C."""
    gap = total[..., :, None, :] - total[..., None, :, :]
    pair = mx.exp(mx.where(_not_later(total.shape[-2])[..., None], gap, mx.array(-mx.inf)))
    return (q[..., :, None, :] * k[..., None, :, :] * pair).sum(axis=-1)


def _carried(total: mx.array, update: mx.array) -> mx.array:
    """The state that enters each chunk from before it: B x N x H x K x V."""
    factor = mx.exp(total[..., -1, :])[..., None]
    state = linear_scan(factor[:, :-1], update[:, :-1])
    return mx.concatenate([mx.zeros_like(state[:, :1]), state], axis=1)


def _not_later(size: int) -> mx.array:
    return mx.array(np.tril(np.ones((size, size), bool)))
