"""First-order linear recurrences with a diagonal transition, along time."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from backends.arguments import check_linear_scan
from backends.arrays import sum_to
from backends.jax.kernels import loops


def linear_scan(a: jax.Array, x: jax.Array) -> jax.Array:
    """h_t = a_t * h_{t-1} + x_t along axis 1, from h = 0, accumulated in float32.

    `x` is BxTx... with any trailing shape; `a`, in [-1, 1], has the same rank and broadcasts to `x`.
    Raises ValueError where it does not.
    """
    check_linear_scan(a.shape, x.shape)
    a = jnp.broadcast_to(a, (a.shape[0], *x.shape[1:2], *a.shape[2:]))  # one factor per position, other axes free
    h = _scan(jnp.swapaxes(a, 0, 1).astype(jnp.float32), jnp.swapaxes(x, 0, 1).astype(jnp.float32))
    return jnp.swapaxes(h, 0, 1).astype(x.dtype)


def cumulative_sum(x: jax.Array) -> jax.Array:
    """The sum of positions 0 .. t along axis 1, accumulated in float32."""
    return linear_scan(jnp.ones((1,) * x.ndim, x.dtype), x)


def recurrence(a: jax.Array, x: jax.Array, reverse: bool = False) -> jax.Array:
    """h_t = a_t * h_{t-1} + x_t along axis 0 (h_t = a_t * h_{t+1} + x_t in reverse); no gradient rule of its own.

    A loop on a CPU, where it compiles and runs faster; a tree of depth log T elsewhere. Its steps are cheap, but all of
    them together are not: by its name a policy of `jax.checkpoint` knows what to keep.
    """
    return checkpoint_name(_recurrence(a, x, reverse), "recurrence")


def _recurrence(a: jax.Array, x: jax.Array, reverse: bool) -> jax.Array:
    if jax.default_backend() != "cpu":

        def compose(early: tuple[jax.Array, jax.Array], late: tuple[jax.Array, jax.Array]):
            return early[0] * late[0], late[0] * early[1] + late[1]

        return jax.lax.associative_scan(compose, (jnp.broadcast_to(a, x.shape), x), reverse=reverse)[1]

    def step(h: jax.Array, inputs: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        h = inputs[0] * h + inputs[1]
        return h, h

    return loops.scan(step, jnp.zeros_like(x[0]), (a, x), reverse=reverse)[1]


@jax.custom_vjp
def _scan(a: jax.Array, x: jax.Array) -> jax.Array:
    return recurrence(a, x)


def _forward(a: jax.Array, x: jax.Array):
    h = recurrence(a, x)
    return h, (a, h)


def _backward(saved: tuple[jax.Array, jax.Array], dh: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The gradient runs the same recurrence from the end: dx_t = dh_t + a_{t+1} dx_{t+1}, da_t = dx_t h_{t-1}."""
    a, h = saved
    later_a = jnp.concatenate([a[1:], jnp.zeros_like(a[:1])])
    earlier_h = jnp.concatenate([jnp.zeros_like(h[:1]), h[:-1]])
    dx = recurrence(later_a, dh, reverse=True)
    return sum_to(dx * earlier_h, a.shape), dx


_scan.defvjp(_forward, _backward)
