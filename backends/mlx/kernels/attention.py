"""Causal softmax attention."""

from __future__ import annotations

import mlx.core as mx
import numpy as np

from backends.arguments import check_attend
from backends.mlx.kernels.scan import cumulative_sum
from backends.positions import alibi_slopes


def attend(
    q_BxTxHxK: mx.array,
    k_BxTxGxK: mx.array,
    v_BxTxGxV: mx.array,
    *,
    window: int | None = None,
    alibi: bool = False,
    log_decay_BxTxH: mx.array | None = None,
    scale: float | None = None,
) -> mx.array:
    """Causal softmax attention (1706.03762), BxTxHxV; the softmax is computed in float32.

    H must be a multiple of G (grouped queries, 2305.13245): head h reads the keys of group h // (H // G).
    `window` is the number of positions a query sees, itself included. `alibi` subtracts a slope per head times the
    distance from each score (2108.12409). `log_decay`, at most 0, adds to the score of key j at query i the sum of
    the decays at positions j + 1 .. i (forgetting attention, 2503.02130); its batch size may be 1.
    `scale` multiplies the products of queries and keys, K ** -0.5 by default.

    Without window, slopes and decay this is `mx.fast.scaled_dot_product_attention`, where keys and values have one
    size. Raises ValueError for heads that do not divide or a window below 1.
    """
    heads, groups, key_size = q_BxTxHxK.shape[2], k_BxTxGxK.shape[2], q_BxTxHxK.shape[3]
    check_attend(heads, groups, window)
    scale = float(key_size**-0.5 if scale is None else scale)
    q, k, v = (x.swapaxes(1, 2) for x in (q_BxTxHxK, k_BxTxGxK, v_BxTxGxV))
    if window is None and not alibi and log_decay_BxTxH is None and key_size == v.shape[3]:
        return mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask="causal").swapaxes(1, 2)
    time = q.shape[2]
    q_BxGxRxTxK = (q * scale).reshape(q.shape[0], groups, heads // groups, time, key_size)
    score = (q_BxGxRxTxK @ k[:, :, None].swapaxes(-1, -2)).astype(mx.float32)
    score = score + mx.array(_visible_bias(time, window, alibi_slopes(heads) if alibi else None, groups))
    if log_decay_BxTxH is not None:
        total_BxHxT = cumulative_sum(log_decay_BxTxH.astype(mx.float32)).swapaxes(1, 2)
        total = total_BxHxT.reshape(total_BxHxT.shape[0], groups, heads // groups, time)
        score = score + (total[..., :, None] - total[..., None, :])
    weight = mx.softmax(score, axis=-1, precise=True).astype(v.dtype)
    out_BxHxTxV = (weight @ v[:, :, None]).reshape(q.shape[0], heads, time, v.shape[3])
    return out_BxHxTxV.swapaxes(1, 2)


def _visible_bias(time: int, window: int | None, slope_H: np.ndarray | None, groups: int) -> np.ndarray:
    """What each score gains (1 x G x R x T x T, sizes of 1 where it repeats): -inf hides a key from a query."""
    distance_TxT = np.arange(time)[:, None] - np.arange(time)
    visible_TxT = (distance_TxT >= 0) & (distance_TxT < (time if window is None else window))
    slopes = np.zeros((1, 1), np.float32) if slope_H is None else slope_H.reshape(groups, -1)
    bias = np.where(visible_TxT, -slopes[..., None, None] * distance_TxT, -np.inf)
    return bias[None].astype(np.float32)
