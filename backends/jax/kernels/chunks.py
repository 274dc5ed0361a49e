"""Time in chunks, and the way back."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def chunked(x_BxTxHxK: jax.Array, chunk: int) -> jax.Array:
    """Cut time into chunks, zeros after the end: N x B x H x C x K, in float32."""
    x = jnp.pad(x_BxTxHxK.astype(jnp.float32), ((0, 0), (0, -x_BxTxHxK.shape[1] % chunk), (0, 0), (0, 0)))
    return jnp.transpose(x.reshape(x.shape[0], -1, chunk, *x.shape[2:]), (1, 0, 3, 2, 4))


def unchunked(x_NxBxHxCxK: jax.Array, time: int) -> jax.Array:
    """The inverse of `chunked`, for the first `time` positions."""
    chunks, batch, heads, chunk, size = x_NxBxHxCxK.shape
    x = jnp.transpose(x_NxBxHxCxK, (1, 0, 3, 2, 4)).reshape(batch, chunks * chunk, heads, size)
    return x[:, :time]
