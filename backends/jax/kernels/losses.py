"""What scores of the next token cost."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from backends.batch import IGNORED


def cross_entropy(logits_BxTxV: jax.Array, targets_BxT: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Loss in nats of every target, zero where it is `IGNORED`, and which targets count; in float32."""
    logits = logits_BxTxV.astype(jnp.float32)
    counts_BxT = targets_BxT != IGNORED
    chosen = jax.nn.one_hot(targets_BxT, logits.shape[-1], dtype=jnp.float32)
    losses_BxT = jax.nn.logsumexp(logits, axis=-1) - (logits * chosen).sum(axis=-1)
    return jnp.where(counts_BxT, losses_BxT, 0.0), counts_BxT
