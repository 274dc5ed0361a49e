"""Where a position is: rotations."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from backends.positions import rotary_frequencies


def rope(x_BxTxK: jax.Array, base: float, first: ArrayLike = 0) -> jax.Array:
    """Rotate the last axis by angles that grow with the position (rotary embedding, 2104.09864).

    Channel i is paired with channel i + K // 2, and pair i turns by t * base ** (-i / (K // 2)) at position t.
    Positions count from `first`. The last channel of an odd K is left alone. Axes between time and the last one are
    free: BxTxHxK works too.
    """
    time, size = x_BxTxK.shape[1], x_BxTxK.shape[-1]
    half = size // 2
    if half == 0:
        return x_BxTxK
    frequency_P = jnp.asarray(rotary_frequencies(size, base))
    angle = (first + jnp.arange(time, dtype=jnp.float32))[:, None] * frequency_P
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    still = jnp.zeros((time, size - 2 * half))
    stay_TxK = jnp.concatenate([cosine, cosine, still + 1.0], axis=-1)
    cross_TxK = jnp.concatenate([-sine, sine, still], axis=-1)
    stay, cross = (a.reshape(time, *(1,) * (x_BxTxK.ndim - 3), size) for a in (stay_TxK, cross_TxK))
    x = x_BxTxK.astype(jnp.float32)
    partner = jnp.concatenate([x[..., half : 2 * half], x[..., :half], x[..., 2 * half :]], axis=-1)
    return (x * stay + partner * cross).astype(x_BxTxK.dtype)
