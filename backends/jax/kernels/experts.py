"""Routing to experts."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from backends.arguments import check_top_k
from backends.jax.kernels import loops


def top_k(x: jax.Array, count: int) -> jax.Array:
    """Keep the `count` largest entries of the last axis and set the others to -inf; of equals, keep the first."""
    size = x.shape[-1]
    check_top_k(count, size)
    chosen = jax.lax.top_k(jax.lax.stop_gradient(x), count)[1]
    kept = (chosen[..., None] == jnp.arange(size)).any(axis=-2)
    return jnp.where(kept, x, -jnp.inf)


def mixture_of_experts(
    x_BxTxD: jax.Array,
    gates_BxTxE: jax.Array,
    up_ExDxF: jax.Array,
    gate_ExDxF: jax.Array,
    down_ExFxD: jax.Array,
) -> jax.Array:
    """The sum over experts of gates_e * down_e(silu(gate_e x) * up_e x): gated units (2002.05202) behind a router.

    Every expert runs at every position; a gate of zero removes its expert's output and its gradient. The experts
    take turns: on a CPU that is twice as fast as all side by side, whose hidden values leave the cache, and compile
    time does not grow with their number. The backward pass computes them again, unless the policy of a
    `jax.checkpoint` around this keeps their products.
    """
    features = x_BxTxD.shape[-1]
    x_NxD = x_BxTxD.reshape(-1, features)
    gates_ExN = gates_BxTxE.reshape(-1, gates_BxTxE.shape[-1]).T

    @jax.checkpoint
    def expert(x_NxD: jax.Array, up_DxF: jax.Array, gate_DxF: jax.Array, down_FxD: jax.Array, gate_N: jax.Array):
        return (jax.nn.silu(x_NxD @ gate_DxF) * (x_NxD @ up_DxF) * gate_N[:, None]) @ down_FxD

    def step(y_NxD: jax.Array, weights: tuple[jax.Array, ...]) -> tuple[jax.Array, None]:
        return y_NxD + expert(x_NxD, *weights), None

    start = jnp.zeros(
        (x_NxD.shape[0], down_ExFxD.shape[-1]), jnp.result_type(x_NxD, gates_ExN, up_ExDxF, down_ExFxD)
    )
    y_NxD, _ = loops.scan(step, start, (up_ExDxF, gate_ExDxF, down_ExFxD, gates_ExN))
    return y_NxD.reshape(*x_BxTxD.shape[:-1], -1)
