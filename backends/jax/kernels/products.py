"""Matrix products in the forms that XLA runs fast on a CPU."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def project(x: jax.Array, weight_DxE: jax.Array) -> jax.Array:
    """`x @ weight` over the last axis, for any leading axes.

    The leading axes are flattened first: the weight's gradient then contracts one axis instead of several,
    which is several times faster on a CPU.
    """
    return (x.reshape(-1, x.shape[-1]) @ weight_DxE).reshape(*x.shape[:-1], weight_DxE.shape[-1])


def transposed(x: jax.Array) -> jax.Array:
    """The last two axes swapped, as an array of its own.

    Without the barrier XLA folds the swap into the product that follows; batches of small products whose left
    side is read across its rows take three times as long on a CPU.
    """
    return jax.lax.optimization_barrier(jnp.swapaxes(x, -1, -2))


def sum_last(x: jax.Array, copies: int = 1) -> jax.Array:
    """The sum over the last axis, in `copies` equal columns: a product with ones, which XLA runs faster on a CPU
    than a reduction whose result is broadcast again."""
    return x @ jnp.ones((x.shape[-1], copies), x.dtype)
