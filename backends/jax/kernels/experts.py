"""Routing to experts."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def top_k(x: jax.Array, count: int) -> jax.Array:
    """Keep the `count` largest entries of the last axis and set the others to -inf; of equals the first is kept."""
    size = x.shape[-1]
    if not 1 <= count <= size:
        raise ValueError(f"top_k: count is {count}; it must be between 1 and the size of the axis, {size}")
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

    Every expert runs at every position, as three products with all experts side by side; a gate of zero removes
    its expert's output and its gradient.
    """
    experts, features, hidden = up_ExDxF.shape
    x_NxD = x_BxTxD.reshape(-1, features)
    gates_NxE = gates_BxTxE.reshape(-1, experts)

    def side_by_side(weight_ExDxF: jax.Array) -> jax.Array:
        return x_NxD @ jnp.swapaxes(weight_ExDxF, 0, 1).reshape(features, experts * hidden)

    h_NxEF = jax.nn.silu(side_by_side(gate_ExDxF)) * side_by_side(up_ExDxF)
    h_NxExF = h_NxEF.reshape(-1, experts, hidden) * gates_NxE[..., None]
    y_NxD = h_NxExF.reshape(-1, experts * hidden) @ down_ExFxD.reshape(experts * hidden, -1)
    return y_NxD.reshape(*x_BxTxD.shape[:-1], -1)
