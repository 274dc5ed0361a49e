"""Routing to experts."""

from __future__ import annotations

import mlx.core as mx

from backends.arguments import check_top_k


def top_k(x: mx.array, count: int) -> mx.array:
    """Keep the `count` largest entries of the last axis and set the others to -inf; of equals, keep the first."""
    size = x.shape[-1]
    check_top_k(count, size)
    own, other = x[..., :, None], x[..., None, :]
    index = mx.arange(size)
    before = (other > own) | ((other == own) & (index[None, :] < index[:, None]))
    return mx.where(before.sum(axis=-1) < count, x, mx.array(-mx.inf, x.dtype))


def mixture_of_experts(
    x_BxTxD: mx.array,
    gates_BxTxE: mx.array,
    up_ExDxF: mx.array,
    gate_ExDxF: mx.array,
    down_ExFxD: mx.array,
) -> mx.array:
    """The sum over experts of gates_e * down_e(silu(gate_e x) * up_e x): gated units (2002.05202) behind a router.

    Every expert runs at every position, all of them as one batch of products; a gate of zero removes its expert's
    output and its gradient.
    """
    x_NxD = x_BxTxD.reshape(-1, x_BxTxD.shape[-1])
    gates_ExN = gates_BxTxE.reshape(-1, gates_BxTxE.shape[-1]).T
    opened_ExNxF = x_NxD[None] @ gate_ExDxF
    hidden_ExNxF = opened_ExNxF * mx.sigmoid(opened_ExNxF) * (x_NxD[None] @ up_ExDxF)
    y_NxD = ((hidden_ExNxF * gates_ExN[..., None]) @ down_ExFxD).sum(axis=0)
    return y_NxD.reshape(*x_BxTxD.shape[:-1], -1)
