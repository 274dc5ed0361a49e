"""The gated delta rule: a state that forgets what it held under a key before it stores a value there.

Chunked as in 2406.06484 and 2412.06464: within a chunk the stored values solve a unit lower triangular system,
inverted in log2 C levels of products; between chunks a loop carries the K x V state. Exponents are at most 0, also
where every channel of the key decays by itself (2510.26692): `backends.halves` says how.
"""

from __future__ import annotations

from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax.ad_checkpoint import checkpoint_name

from backends.arguments import check_delta_rule
from backends.halves import halves
from backends.jax.kernels import loops
from backends.jax.kernels.products import transposed
from genome.operations.time import delta_chunk


def delta_rule(
    q_BxTxHxK: jax.Array,
    k_BxTxHxK: jax.Array,
    v_BxTxHxV: jax.Array,
    beta_BxTxH: jax.Array,
    *,
    log_decay: jax.Array | None = None,
) -> jax.Array:
    """S_t = (I - beta_t k_t k_t^T) exp(g_t) S_{t-1} + beta_t k_t v_t^T and o_t = K ** -0.5 q_t S_t, in float32.

    `log_decay` g, at most 0, is None (the delta rule of 2406.06484), BxTxH (one per head, 2412.06464) or BxTxHxK (one
    per channel of the key, 2510.26692: the rows of S fade by themselves). The state stays bounded where
    beta_t |k_t|^2 is within [0, 2], as for keys of unit norm. In beta and in the decay axes may have size 1 where
    they repeat. Raises ValueError for gates of another shape.
    """
    check_delta_rule(beta_BxTxH.shape, None if log_decay is None else log_decay.shape, q_BxTxHxK.shape)
    batch, time, heads, key_size = q_BxTxHxK.shape
    decay = jnp.zeros((1, 1, 1)) if log_decay is None else log_decay
    per_channel = decay.ndim == 4
    decay = jnp.broadcast_to(decay, (*decay.shape[:3], key_size)) if per_channel else decay[..., None]
    chunk = delta_chunk(time, per_channel)

    def chunked(x: jax.Array) -> jax.Array:
        x = jnp.broadcast_to(x.astype(jnp.float32), (x.shape[0], time, heads, x.shape[3]))
        x = jnp.pad(x, ((0, 0), (0, -time % chunk), (0, 0), (0, 0)))
        return jnp.transpose(x.reshape(x.shape[0], -1, chunk, *x.shape[2:]), (1, 0, 3, 2, 4))

    q, k, v, beta, decay = map(chunked, (q_BxTxHxK, k_BxTxHxK, v_BxTxHxV, beta_BxTxH[..., None], decay))
    query = q * key_size**-0.5
    pairs = _channel_pairs if per_channel else _head_pairs
    score, overlap, total, remaining = pairs(query, k, beta, decay)
    if q.shape[0] == 1:
        out = score @ solve_unit_triangular(overlap, beta * v)
    else:
        from_start, until_end = jnp.exp(total), jnp.exp(remaining)
        solved = solve_unit_triangular(overlap, jnp.concatenate([beta * v, beta * from_start * k], axis=-1))
        kept = jnp.swapaxes(from_start[..., -1:, :], -1, -2)

        def step(state: jax.Array, inputs: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
            solved, score, query, key, kept = inputs
            stored = solved[..., : v.shape[-1]] - solved[..., v.shape[-1] :] @ state
            return kept * state + key @ stored, query @ state + score @ stored

        start = jnp.zeros((batch, heads, key_size, v.shape[-1]), jnp.float32)
        chunks = (solved, score, query * from_start, transposed(k * until_end), kept)
        _, out = loops.scan(step, start, chunks)
    out_BxTxHxV = jnp.transpose(out, (1, 0, 3, 2, 4)).reshape(batch, -1, heads, v.shape[-1])
    return out_BxTxHxV[:, :time].astype(v_BxTxHxV.dtype)


def _head_pairs(
    query: jax.Array, k: jax.Array, beta: jax.Array, decay: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Decayed products within each chunk of queries with keys up to their own and of keys with earlier ones, the
    latter times beta (N x B x H x C x C), and the log decays from the start of the chunk and until its end."""
    chunk = decay.shape[3]
    total = jnp.asarray(np.tril(np.ones((chunk, chunk), np.float32))) @ decay
    gap = jnp.where(np.tril(np.ones((chunk, chunk), bool)), total - jnp.swapaxes(total, -1, -2), -jnp.inf)
    pair = jnp.exp(gap)
    k_transposed = transposed(k)
    overlap = jnp.tril((beta * k) @ k_transposed * pair, -1)
    return query @ k_transposed * pair, overlap, total, total[..., -1:, :] - total


def _channel_pairs(
    query: jax.Array, k: jax.Array, beta: jax.Array, decay: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """The same for a decay of each channel."""
    summed, met = halves(decay.shape[3])
    levels, chunk = met.shape[:2]
    sums = jnp.asarray(summed.reshape(-1, chunk)) @ decay
    sums = sums.reshape(*decay.shape[:3], levels + 2, chunk, decay.shape[-1])

    def products_of(level: int) -> jax.Array:
        left = jnp.exp(sums[:, :, :, level])
        keys = k * left  # their swap is folded into the product: here a barrier costs more than it saves
        both = jnp.concatenate([query * left, keys], axis=-2) @ jnp.swapaxes(keys, -1, -2)
        return both * np.tile(met[level], (2, 1))

    products = checkpoint_name(reduce(jnp.add, map(products_of, range(levels))), "pairs")  # keep these, no level's
    products = products.reshape(*products.shape[:-2], 2, chunk, chunk)
    own = np.eye(chunk, dtype=np.float32) * (query * k).sum(axis=-1, keepdims=True)
    score, overlap = products[..., 0, :, :] + own, beta * products[..., 1, :, :]
    return score, overlap, sums[:, :, :, levels], sums[:, :, :, levels + 1]


@jax.custom_vjp
def solve_unit_triangular(lower: jax.Array, right: jax.Array) -> jax.Array:
    """(I + L)^-1 R for strictly lower triangular L (C x C) and R (C x M), over leading axes."""
    return _inverse(lower) @ right


def _solve_forward(lower: jax.Array, right: jax.Array):
    inverse = _inverse(lower)
    solution = inverse @ right
    return solution, (inverse, solution)


def _solve_backward(saved: tuple[jax.Array, jax.Array], dsolution: jax.Array) -> tuple[jax.Array, jax.Array]:
    inverse, solution = saved
    dright = transposed(inverse) @ dsolution
    return -jnp.tril(dright @ transposed(solution), -1), dright


solve_unit_triangular.defvjp(_solve_forward, _solve_backward)


def _inverse(lower: jax.Array) -> jax.Array:
    """(I + L)^-1 by a ladder of blocks of 1, 2, 4, ... rows; C is a power of two.

    At each level two neighbouring inverted blocks become one: [[X, 0], [-Y L21 X, Y]]. The product of
    (I + (-L)^2^i) takes as many levels, but overflows where keys repeat.
    """
    size = lower.shape[-1]
    flat = lower.reshape(-1, size * size)
    flat = jnp.pad(flat, ((0, 0), (0, size)))  # a block further down the diagonal is a fixed step further on
    inverse = jnp.ones((flat.shape[0], size, 1, 1), lower.dtype)
    width = 1
    while width < size:
        pair = 2 * width
        rows = flat.reshape(-1, size // pair, pair * (size + 1))[..., : pair * size]
        corner = rows.reshape(-1, size // pair, pair, size)[..., width:, :width]
        blocks = inverse.reshape(-1, size // pair, 2, width, width)
        above, below = blocks[:, :, 0], blocks[:, :, 1]
        joined = -(below @ corner @ above)
        top = jnp.concatenate([above, jnp.zeros_like(above)], axis=-1)
        inverse = jnp.concatenate([top, jnp.concatenate([joined, below], axis=-1)], axis=-2)
        width = pair
    return inverse.reshape(lower.shape)
