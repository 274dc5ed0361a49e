"""Where a position is: rotations, sine-cosine tables and distance penalties."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np


def rope(x_BxTxK: jax.Array, base: float) -> jax.Array:
    """Rotate the last axis by angles that grow with the position (rotary embedding, 2104.09864).

    Channel i is paired with channel i + K // 2, and pair i turns by t * base ** (-i / (K // 2)) at position t.
    The last channel of an odd K is left alone. Axes between time and the last one are free: BxTxHxK works too.
    """
    time, size = x_BxTxK.shape[1], x_BxTxK.shape[-1]
    half = size // 2
    if half == 0:
        return x_BxTxK
    frequency_P = jnp.asarray(base ** (-np.arange(half) / half), jnp.float32)
    angle = jnp.arange(time, dtype=jnp.float32)[:, None] * frequency_P
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    still = jnp.zeros((time, size - 2 * half))
    stay_TxK = jnp.concatenate([cosine, cosine, still + 1.0], axis=-1)
    cross_TxK = jnp.concatenate([-sine, sine, still], axis=-1)
    stay, cross = (a.reshape(time, *(1,) * (x_BxTxK.ndim - 3), size) for a in (stay_TxK, cross_TxK))
    x = x_BxTxK.astype(jnp.float32)
    partner = jnp.concatenate([x[..., half : 2 * half], x[..., :half], x[..., 2 * half :]], axis=-1)
    return (x * stay + partner * cross).astype(x_BxTxK.dtype)


def sinusoid(time: int, features: int) -> jax.Array:
    """The TxD table of sines (even channels) and cosines (odd channels) of 1706.03762, section 3.5."""
    position_T = np.arange(time)[:, None]
    rate_P = 10000.0 ** (-np.arange(0, features, 2) / features)
    table_TxD = np.stack([np.sin(position_T * rate_P), np.cos(position_T * rate_P)], axis=-1)
    return jnp.asarray(table_TxD.reshape(time, -1)[:, :features], jnp.float32)


def alibi_slopes(heads: int) -> np.ndarray:
    """Penalty per position of distance, one for each head (2108.12409, section 3 and its released code).

    For a power of two, 2 ** (-8 i / heads) for i = 1 .. heads. For other counts, the slopes of the largest power
    of two below, followed by every other slope of twice that power.
    """
    power = 2 ** math.floor(math.log2(heads))
    slopes_H = 2.0 ** (-8.0 * np.arange(1, power + 1) / power)
    between_H = 2.0 ** (-8.0 * np.arange(1, 2 * power + 1, 2) / (2 * power))
    return np.concatenate([slopes_H, between_H[: heads - power]]).astype(np.float32)
