"""Matrix products in the forms that XLA runs fast on a CPU."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from backends.arrays import sum_to


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


def multiply(x: jax.Array, y: jax.Array) -> jax.Array:
    """`x * y`, as fast to differentiate where one of them has one number for each row of the other."""
    if x.ndim and y.ndim and x.shape[-1] != y.shape[-1]:
        return scaled(x, y) if y.shape[-1] == 1 else scaled(y, x)
    return x * y


@jax.custom_vjp
def scaled(x: jax.Array, factor: jax.Array) -> jax.Array:
    """`x * factor` for a factor whose last axis has size 1; leading axes of both broadcast.

    The factor's gradient sums a product over short rows, which XLA on a CPU fuses into one loop that takes eight times
    as long as the two apart.
    """
    return x * factor


def _scaled_forward(x: jax.Array, factor: jax.Array):
    return x * factor, (x, factor)


def _scaled_backward(saved: tuple[jax.Array, jax.Array], dy: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, factor = saved
    return _reduced(dy * factor, x.shape), _reduced(sum_last(dy * x), factor.shape)


scaled.defvjp(_scaled_forward, _scaled_backward)


def _reduced(gradient: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Summed over the axes along which `shape` was broadcast, those that it lacks included."""
    missing = gradient.ndim - len(shape)
    return sum_to(gradient.sum(tuple(range(missing))) if missing else gradient, shape)
