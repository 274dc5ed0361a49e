"""The operations of the language as one would write them in JAX without a thought for compile time or for this CPU.

Pointwise functions, norms, rotations, shifts, short and Fourier convolutions are plain already and shared with the
product. Written anew are products (`x @ w` on [B, T, D], einsum with batch and time in place) and what mixes
positions. Of the plain forms of those the one that compiled and ran fastest at the scale `tiny` is taken:
`lax.scan` for recurrences (`lax.associative_scan` compiled seven times as long and ran half as fast), the T x T
matrix of scores for attention and for linear attention with one decay per head, a triangular system for the delta
rule, and for the generalized one a loop. Automatic differentiation throughout.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from backends.jax.kernels import reference
from backends.jax.operations import KERNELS
from backends.jax.operations import TABLE as PRODUCT
from backends.sequence import declare_sequence
from backends.table import Applied, Table

TABLE: Table[jax.Array, Any] = replace(PRODUCT, implementations=dict(PRODUCT.implementations))
TABLE.declare_arithmetic({"multiply": jnp.multiply})


@TABLE.lowers("linear")
def linear(call: Applied[jax.Array, Any]) -> jax.Array:
    matrix, *bias = call.parameters
    y = call.x @ matrix
    return y + bias[0] if bias else y


@TABLE.lowers("einsum")
def einsum(call: Applied[jax.Array, Any]) -> jax.Array:
    """Batch and time are leading axes of every value that varies over the stream."""
    inputs, output = str(call.options["equation"]).replace(" ", "").split("->")
    varies = [value.over != "parameter" for _, value in call.inputs()]
    terms = ["..." * own + term for own, term in zip(varies, inputs.split(","), strict=True)]
    arrays = [array for array, _ in call.inputs()]
    return jnp.einsum(f"{','.join(terms)}->{'...' * any(varies)}{output}", *arrays)


def cumulative_sum(x: jax.Array) -> jax.Array:
    return jnp.cumsum(x, axis=1)


def linear_attention(
    q_BxTxHxK: jax.Array, k_BxTxHxK: jax.Array, v_BxTxHxV: jax.Array, *, log_decay: jax.Array | None = None
) -> jax.Array:
    """A loop over positions where every channel decays by itself, else the masked matrix of scores."""
    if log_decay is not None and log_decay.ndim == 4:
        return reference.linear_attention(q_BxTxHxK, k_BxTxHxK, v_BxTxHxV, log_decay=log_decay)
    score_BxHxTxS = _scores(q_BxTxHxK, k_BxTxHxK) * _decay(log_decay, q_BxTxHxK.shape[1])
    return jnp.einsum("bhts,bshv->bthv", score_BxHxTxS, v_BxTxHxV)


def delta_rule(
    q_BxTxHxK: jax.Array,
    k_BxTxHxK: jax.Array,
    v_BxTxHxV: jax.Array,
    beta_BxTxH: jax.Array,
    *,
    log_decay: jax.Array | None = None,
) -> jax.Array:
    """A loop over positions where every channel decays by itself or a head has several updates, else what is stored
    solves a unit lower triangular system over all positions (2406.06484, 2412.06464)."""
    if (log_decay is not None and log_decay.ndim == 4) or k_BxTxHxK.shape != q_BxTxHxK.shape:
        return reference.delta_rule(q_BxTxHxK, k_BxTxHxK, v_BxTxHxV, beta_BxTxH, log_decay=log_decay)
    decay = _decay(log_decay, q_BxTxHxK.shape[1])
    beta_BxTxHx1 = beta_BxTxH[..., None]
    overlap_BxHxTxS = jnp.einsum("bthk,bshk->bhts", beta_BxTxHx1 * k_BxTxHxK, k_BxTxHxK) * decay
    stored_BxHxTxV = jax.scipy.linalg.solve_triangular(
        overlap_BxHxTxS, jnp.swapaxes(beta_BxTxHx1 * v_BxTxHxV, 1, 2), lower=True, unit_diagonal=True
    )
    score_BxHxTxS = _scores(q_BxTxHxK, k_BxTxHxK) * decay
    return jnp.einsum("bhts,bhsv->bthv", score_BxHxTxS, stored_BxHxTxV)


def _scores(q_BxTxHxK: jax.Array, k_BxTxHxK: jax.Array) -> jax.Array:
    return jnp.einsum("bthk,bshk->bhts", q_BxTxHxK, k_BxTxHxK) * q_BxTxHxK.shape[-1] ** -0.5


def _decay(log_decay_BxTxH: jax.Array | None, time: int) -> jax.Array:
    """What is left at each position (rows) of what entered at another: 1 on the diagonal, 0 above it."""
    visible_TxS = np.tril(np.ones((time, time), bool))
    if log_decay_BxTxH is None:
        return jnp.asarray(visible_TxS, jnp.float32)
    total_BxHxT = jnp.swapaxes(jnp.cumsum(log_decay_BxTxH, axis=1), 1, 2)
    gap_BxHxTxS = total_BxHxT[..., None] - total_BxHxT[..., None, :]
    return jnp.exp(jnp.where(visible_TxS, gap_BxHxTxS, -jnp.inf))


def mixture_of_experts(
    x_BxTxD: jax.Array,
    gates_BxTxE: jax.Array,
    up_ExDxF: jax.Array,
    gate_ExDxF: jax.Array,
    down_ExFxD: jax.Array,
) -> jax.Array:
    """All experts side by side."""
    up = jnp.einsum("btd,edf->btef", x_BxTxD, up_ExDxF)
    gate = jax.nn.silu(jnp.einsum("btd,edf->btef", x_BxTxD, gate_ExDxF))
    return jnp.einsum("btef,efd,bte->btd", gate * up, down_ExFxD, gates_BxTxE)


declare_sequence(
    TABLE,
    replace(
        KERNELS,
        cumulative_sum=cumulative_sum,
        linear_scan=reference.linear_scan,
        lstm=reference.lstm,
        attend=reference.attend,
        linear_attention=linear_attention,
        delta_rule=delta_rule,
        generalized_delta_rule=reference.generalized_delta_rule,
        mixture_of_experts=mixture_of_experts,
    ),
)
