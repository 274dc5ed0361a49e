"""Where a position is: rotations, sine-cosine tables and distance penalties."""

from __future__ import annotations

import math

import mlx.core as mx
import numpy as np


def rope(x_BxTxK: mx.array, base: float) -> mx.array:
    """Rotate the last axis by angles that grow with the position (rotary embedding, 2104.09864).

    Channel i is paired with channel i + K // 2, and pair i turns by t * base ** (-i / (K // 2)) at position t.
    The last channel of an odd K is left alone. Axes between time and the last one are free: BxTxHxK works too.
    """
    time, size = x_BxTxK.shape[1], x_BxTxK.shape[-1]
    half = size // 2
    if half == 0:
        return x_BxTxK
    frequency_P = mx.array((base ** (-np.arange(half) / half)).astype(np.float32))
    angle_TxP = mx.arange(time, dtype=mx.float32)[:, None] * frequency_P
    wide = (time, *(1,) * (x_BxTxK.ndim - 3), half)
    cosine, sine = mx.cos(angle_TxP).reshape(wide), mx.sin(angle_TxP).reshape(wide)
    x = x_BxTxK.astype(mx.float32)
    first, second, still = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    turned = [first * cosine - second * sine, second * cosine + first * sine, still]
    return mx.concatenate(turned[: 2 + size % 2], axis=-1).astype(x_BxTxK.dtype)


def sinusoid(time: int, features: int) -> mx.array:
    """The TxD table of sines (even channels) and cosines (odd channels) of 1706.03762, section 3.5."""
    position_T = np.arange(time)[:, None]
    rate_P = 10000.0 ** (-np.arange(0, features, 2) / features)
    table_TxD = np.stack([np.sin(position_T * rate_P), np.cos(position_T * rate_P)], axis=-1)
    return mx.array(table_TxD.reshape(time, -1)[:, :features].astype(np.float32))


def alibi_slopes(heads: int) -> np.ndarray:
    """Penalty per position of distance, one for each head (2108.12409, section 3 and its released code).

    For a power of two, 2 ** (-8 i / heads) for i = 1 .. heads. For other counts, the slopes of the largest power
    of two below, followed by every other slope of twice that power.
    """
    power = 2 ** math.floor(math.log2(heads))
    slopes_H = 2.0 ** (-8.0 * np.arange(1, power + 1) / power)
    between_H = 2.0 ** (-8.0 * np.arange(1, 2 * power + 1, 2) / (2 * power))
    return np.concatenate([slopes_H, between_H[: heads - power]]).astype(np.float32)
