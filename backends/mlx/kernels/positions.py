"""Where a position is: rotations."""

from __future__ import annotations

import mlx.core as mx

from backends.positions import rotary_frequencies


def rope(x_BxTxK: mx.array, base: float, first: mx.array | int = 0) -> mx.array:
    """Rotate the last axis by angles that grow with the position (rotary embedding, 2104.09864).

    Channel i is paired with channel i + K // 2, and pair i turns by t * base ** (-i / (K // 2)) at position t.
    Positions count from `first`. The last channel of an odd K is left alone. Axes between time and the last one are
    free: BxTxHxK works too.
    """
    time, size = x_BxTxK.shape[1], x_BxTxK.shape[-1]
    half = size // 2
    if half == 0:
        return x_BxTxK
    frequency_P = mx.array(rotary_frequencies(size, base))
    angle_TxP = (first + mx.arange(time, dtype=mx.float32))[:, None] * frequency_P
    wide = (time, *(1,) * (x_BxTxK.ndim - 3), half)
    cosine, sine = mx.cos(angle_TxP).reshape(wide), mx.sin(angle_TxP).reshape(wide)
    x = x_BxTxK.astype(mx.float32)
    first, second, still = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    turned = [first * cosine - second * sine, second * cosine + first * sine, still]
    return mx.concatenate(turned[: 2 + size % 2], axis=-1).astype(x_BxTxK.dtype)
