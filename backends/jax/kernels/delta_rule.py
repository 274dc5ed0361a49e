"""The gated delta rule: a state that forgets what it held under a key before it stores a value there.

Chunked as in 2406.06484 and 2412.06464: within a chunk the stored values solve a unit lower triangular system,
inverted in log2 C levels of products; between chunks a loop carries the K x V state. Exponents are at most 0.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from backends.jax.kernels import loops
from backends.jax.kernels.products import transposed

CHUNK = 64


def delta_rule(
    q_BxTxHxK: jax.Array,
    k_BxTxHxK: jax.Array,
    v_BxTxHxV: jax.Array,
    beta_BxTxH: jax.Array,
    *,
    log_decay_BxTxH: jax.Array | None = None,
) -> jax.Array:
    """S_t = exp(g_t) (I - beta_t k_t k_t^T) S_{t-1} + beta_t k_t v_t^T and o_t = K ** -0.5 q_t S_t, in float32.

    Without a decay g (at most 0) this is the delta rule of 2406.06484, with one that of 2412.06464. The state stays
    bounded where beta_t |k_t|^2 is within [0, 2], as for keys of unit norm. The sizes of batch and time of beta and
    of the decay may be 1.
    """
    batch, time, heads, key_size = q_BxTxHxK.shape
    chunk = min(CHUNK, time)
    decay = jnp.zeros((1, 1, 1)) if log_decay_BxTxH is None else log_decay_BxTxH

    def chunked(x: jax.Array) -> jax.Array:
        x = jnp.broadcast_to(x.astype(jnp.float32), (x.shape[0], time, heads, x.shape[3]))
        x = jnp.pad(x, ((0, 0), (0, -time % chunk), (0, 0), (0, 0)))
        return jnp.transpose(x.reshape(x.shape[0], -1, chunk, *x.shape[2:]), (1, 0, 3, 2, 4))

    q, k, v, beta, decay = map(chunked, (q_BxTxHxK, k_BxTxHxK, v_BxTxHxV, beta_BxTxH[..., None], decay[..., None]))
    total = jnp.asarray(np.tril(np.ones((chunk, chunk), np.float32))) @ decay  # from the start of the chunk
    gap = jnp.where(np.tril(np.ones((chunk, chunk), bool)), total - jnp.swapaxes(total, -1, -2), -jnp.inf)
    pair = jnp.exp(gap)
    k_transposed = transposed(k)
    inverse = unit_triangular_inverse(jnp.tril(k @ k_transposed * pair, -1) * beta)
    stored = inverse @ (beta * v)
    score = (q * key_size**-0.5) @ k_transposed * pair
    if q.shape[0] == 1:
        out = score @ stored
    else:
        from_start, until_end = jnp.exp(total), jnp.exp(total[..., -1:, :] - total)
        removed = inverse @ (beta * from_start * k)
        query, key = q * key_size**-0.5 * from_start, transposed(k * until_end)
        kept = jnp.broadcast_to(from_start[..., -1:, :], (q.shape[0], *from_start.shape[1:3], 1, 1))

        def step(state: jax.Array, inputs: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
            stored, removed, score, query, key, kept = inputs
            stored = stored - removed @ state
            return kept * state + key @ stored, query @ state + score @ stored

        start = jnp.zeros((batch, heads, key_size, v.shape[-1]), jnp.float32)
        _, out = loops.scan(step, start, (stored, removed, score, query, key, kept))
    out_BxTxHxV = jnp.transpose(out, (1, 0, 3, 2, 4)).reshape(batch, -1, heads, v.shape[-1])
    return out_BxTxHxV[:, :time].astype(v_BxTxHxV.dtype)


@jax.custom_vjp
def unit_triangular_inverse(lower: jax.Array) -> jax.Array:
    """(I + L)^-1 for strictly lower triangular L, over leading axes: a ladder of blocks of 1, 2, 4, ... rows.

    At each level two neighbouring inverted blocks become one: [[X, 0], [-Y L21 X, Y]]. The product of (I + (-L)^2^i)
    takes as many levels, but overflows where keys repeat.
    """
    size = lower.shape[-1]
    row, column = np.indices((size, size))
    inverse = jnp.broadcast_to(jnp.eye(size, dtype=lower.dtype), lower.shape)
    width = 1
    while width < size:
        corner = (row // (2 * width) == column // (2 * width)) & (row // width > column // width)
        inverse = inverse - inverse @ jnp.where(corner, lower, 0.0) @ inverse
        width *= 2
    return inverse


def _inverse_forward(lower: jax.Array) -> tuple[jax.Array, jax.Array]:
    inverse = unit_triangular_inverse(lower)
    return inverse, inverse


def _inverse_backward(inverse: jax.Array, dinverse: jax.Array) -> tuple[jax.Array]:
    turned = transposed(inverse)
    return (-jnp.tril(turned @ dinverse @ turned, -1),)


unit_triangular_inverse.defvjp(_inverse_forward, _inverse_backward)
