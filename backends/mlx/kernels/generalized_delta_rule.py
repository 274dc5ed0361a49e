"""The generalized delta rule: a decaying state that loses part of what one key recalls and stores under another.

As `delta_rule`, of which it takes the inverse: within a chunk what is recalled solves a unit lower triangular system,
between chunks a loop carries the K x V state. A removed key reads the state that the position before has left, so it
stands in the row before its own, and pairs decay as those of queries do: no exponent is positive, and no sum of log
decays is found by a difference where channels decay by themselves.
"""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import numpy as np

from backends.arguments import check_generalized_delta_rule
from backends.halves import halves
from backends.mlx.kernels.chunks import chunked, unchunked
from backends.mlx.kernels.delta_rule import invert
from backends.mlx.kernels.linear_attention import head_decay, triangle
from genome.operations.time import delta_chunk

Pair = list[mx.array]
"""Two values for each position, ... x C x K each."""


def generalized_delta_rule(
    q_BxTxHxK: mx.array,
    k_BxTxHxK: mx.array,
    v_BxTxHxV: mx.array,
    remove_BxTxHxK: mx.array,
    rate: mx.array,
    *,
    log_decay: mx.array,
) -> mx.array:
    """S_t = exp(g_t) S_{t-1} - (a_t r_t) (r_t^T S_{t-1}) + k_t v_t^T and o_t = K ** -0.5 q_t S_t, in float32.

    The wkv of RWKV-7 (2503.14456) for keys r to remove, of unit norm, and rates a in [0, 1]. `rate` a and `log_decay`
    g, at most 0, are each BxTxH (one per head) or BxTxHxK (one per channel of the key); their axes may have size 1
    where they repeat. One rate per head keeps the state bounded; rates by channel let it grow where keys are chosen
    against them. Raises ValueError for gates of another shape.
    """
    check_generalized_delta_rule(rate.shape, log_decay.shape, q_BxTxHxK.shape)
    _, time, heads, key_size = q_BxTxHxK.shape
    per_channel = log_decay.ndim == 4
    decay = mx.broadcast_to(log_decay, (*log_decay.shape[:3], key_size)) if per_channel else log_decay[..., None]
    rate = rate if rate.ndim == 4 else rate[..., None]
    chunk = delta_chunk(time, per_channel)

    def cut(x: mx.array) -> mx.array:
        return chunked(mx.broadcast_to(x, (x.shape[0], time, heads, x.shape[3])), chunk)

    k, v, remove, rate, decay = map(cut, (k_BxTxHxK, v_BxTxHxV, remove_BxTxHxK, rate, decay))
    query = cut(q_BxTxHxK) * key_size**-0.5
    rows, columns = [query, mx.roll(remove, -1, -2)], [k, rate * remove]
    products, total, remaining = (_channel_pairs if per_channel else _head_pairs)(rows, columns, decay)
    score, ahead = products[..., :chunk, :], products[..., chunk:, :]
    recall = mx.roll(ahead, 1, -2)
    inverse: Any = invert(mx.tril(recall[..., chunk:], -1))
    removed = -(inverse @ (mx.tril(recall[..., :chunk], -1) @ v))
    if query.shape[1] == 1:
        return unchunked(score @ mx.concatenate([v, removed], axis=-2), time).astype(v_BxTxHxV.dtype)
    from_start, until_end = mx.exp(total), mx.exp(remaining)
    before = mx.concatenate([mx.ones_like(from_start[..., :1, :]), from_start[..., :-1, :]], axis=-2)
    erased, query = inverse @ (before * remove), query * from_start
    keys, kept = _joined(columns, until_end).swapaxes(-1, -2), from_start[..., -1:, :].swapaxes(-1, -2)
    state = mx.zeros((*query.shape[:1], heads, key_size, v.shape[-1]))
    out = []
    for n in range(query.shape[1]):
        change = mx.concatenate([v[:, n], removed[:, n] - erased[:, n] @ state], axis=-2)
        out.append(query[:, n] @ state + score[:, n] @ change)
        state = kept[:, n] * state + keys[:, n] @ change
    return unchunked(mx.stack(out, axis=1), time).astype(v_BxTxHxV.dtype)


def _head_pairs(rows: Pair, columns: Pair, decay: mx.array) -> tuple[mx.array, mx.array, mx.array]:
    """Decayed products within each chunk of rows with columns up to their own position (B x N x H x 2C x 2C, of two
    rows and two columns for each), and the log decays from the start of the chunk and until its end."""
    total = triangle(decay.shape[3]) @ decay
    products = mx.concatenate(rows, axis=-2) @ mx.concatenate(columns, axis=-2).swapaxes(-1, -2)
    pair = mx.tile(head_decay(total), [1] * (total.ndim - 2) + [2, 2])
    return products * pair, total, total[..., -1:, :] - total


def _channel_pairs(rows: Pair, columns: Pair, decay: mx.array) -> tuple[mx.array, mx.array, mx.array]:
    """The same for a decay of each channel."""
    summed, met = halves(decay.shape[3])
    levels, chunk = met.shape[:2]
    sums = mx.array(summed.reshape(-1, chunk)) @ decay
    sums = sums.reshape(*decay.shape[:3], levels + 2, chunk, decay.shape[-1])
    left = mx.exp(sums[:, :, :, :levels])
    late, early = (_joined([x[:, :, :, None] for x in pair], left) for pair in (rows, columns))
    products = (late @ early.swapaxes(-1, -2) * mx.array(np.tile(met, (1, 2, 2)))).sum(axis=3)
    diagonal = mx.array(np.eye(chunk, dtype=np.float32))
    own = [
        mx.concatenate([diagonal * (row * column).sum(axis=-1, keepdims=True) for column in columns], axis=-1)
        for row in rows
    ]
    return products + mx.concatenate(own, axis=-2), sums[:, :, :, levels], sums[:, :, :, levels + 1]


def _joined(pair: Pair, left: mx.array) -> mx.array:
    """What a decay leaves of two values for each position, as rows of one matrix: ... x 2C x K."""
    return mx.concatenate([x * left for x in pair], axis=-2)
