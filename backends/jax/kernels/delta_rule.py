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
from backends.jax.kernels.chunks import chunked, unchunked
from backends.jax.kernels.products import multiply, scaled, sum_last, transposed
from backends.updates import decaying_columns, read_rows
from genome.operations.time import delta_chunk

SMALL_BLOCK = 4
"""Up to so many rows XLA multiplies blocks of the inverse faster as sums than as products."""


def delta_rule(
    q_BxTxHxK: jax.Array,
    k_BxTxJxK: jax.Array,
    v_BxTxJxV: jax.Array,
    beta_BxTxJ: jax.Array,
    *,
    log_decay: jax.Array | None = None,
) -> jax.Array:
    """S_t = (I - beta_t k_t k_t^T) exp(g_t) S_{t-1} + beta_t k_t v_t^T and o_t = K ** -0.5 q_t S_t, in float32.

    `log_decay` g, at most 0, is None (the delta rule of 2406.06484), BxTxH (one per head, 2412.06464) or BxTxHxK (one
    per channel of the key, 2510.26692: the rows of S fade by themselves). With J = n H every head makes n such updates
    per position, of which the first alone decays (2502.10297): those of head h, in order, lie at n h up to n (h + 1).
    The state stays bounded where beta_t |k_t|^2 is within [0, 2], as for keys of unit norm. In beta and in the decay
    axes may have size 1 where they repeat. Raises ValueError for gates of another shape, and for J that do not fit.
    """
    shape = None if log_decay is None else log_decay.shape
    check_delta_rule(beta_BxTxJ.shape, shape, q_BxTxHxK.shape, k_BxTxJxK.shape)
    batch, time, heads, key_size = q_BxTxHxK.shape
    updates = k_BxTxJxK.shape[2] // heads
    decay = jnp.zeros((1, 1, 1)) if log_decay is None else log_decay
    per_channel = decay.ndim == 4
    decay = jnp.broadcast_to(decay, (*decay.shape[:3], key_size)) if per_channel else decay[..., None]
    chunk = delta_chunk(time, per_channel, updates)
    positions = chunk // updates

    def cut(x: jax.Array, updates: int = 1) -> jax.Array:
        """N x B x H x P x K, P being the positions of a chunk; or x C x K, where each has updates."""
        x = chunked(jnp.broadcast_to(x, (x.shape[0], time, heads * updates, x.shape[3])), positions)
        if updates == 1:
            return x
        x = jnp.swapaxes(x.reshape(*x.shape[:2], heads, updates, *x.shape[3:]), 3, 4)
        x = x.reshape(*x.shape[:3], -1, x.shape[5])
        return jnp.pad(x, (*((0, 0),) * 3, (0, chunk - positions * updates), (0, 0)))

    query, decay = cut(q_BxTxHxK) * key_size**-0.5, cut(decay)
    k, v, beta = (cut(x, updates) for x in (k_BxTxJxK, v_BxTxJxV, beta_BxTxJ[..., None]))
    pairs = _channel_pairs if per_channel else _head_pairs
    score, overlap, total, remaining = pairs(query, k, beta, decay, updates)
    if query.shape[0] == 1:
        out = score @ solve_unit_triangular(overlap, scaled(v, beta))
    else:
        from_start, until_end = jnp.exp(total), jnp.exp(remaining)
        recalled = multiply(scaled(k, beta), from_start)
        solved = solve_unit_triangular(overlap, jnp.concatenate([scaled(v, beta), recalled], axis=-1))
        kept = jnp.swapaxes(from_start[..., -1:, :], -1, -2)
        query = multiply(query, read_rows(from_start, updates))

        def step(state: jax.Array, inputs: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
            solved, score, query, key, kept = inputs
            stored = solved[..., : v.shape[-1]] - solved[..., v.shape[-1] :] @ state
            return multiply(state, kept) + key @ stored, query @ state + score @ stored

        start = jnp.zeros((batch, heads, key_size, v.shape[-1]), jnp.float32)
        _, out = loops.scan(step, start, (solved, score, query, transposed(multiply(k, until_end)), kept))
    return unchunked(out, time).astype(v_BxTxJxV.dtype)


def _head_pairs(
    query: jax.Array, k: jax.Array, beta: jax.Array, decay: jax.Array, updates: int
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Decayed products within each chunk of queries with keys up to their own (N x B x H x P x C) and of keys with
    earlier ones, the latter times beta (x C x C), and the log decays from the start of the chunk and until its end."""
    chunk = k.shape[3]
    earlier = np.tril(np.ones((chunk, chunk), np.float32))
    total = jnp.asarray(decaying_columns(earlier, updates)) @ decay
    gap = jnp.where(earlier > 0, total - jnp.swapaxes(total, -1, -2), -jnp.inf)
    pair = jnp.exp(gap)
    k_transposed = transposed(k)
    overlap = jnp.tril(scaled(k, beta) @ k_transposed * pair, -1)
    return query @ k_transposed * read_rows(pair, updates), overlap, total, total[..., -1:, :] - total


def _channel_pairs(
    query: jax.Array, k: jax.Array, beta: jax.Array, decay: jax.Array, updates: int
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """The same for a decay of each channel."""
    summed, met = halves(k.shape[3])
    levels, chunk = met.shape[:2]
    sums = jnp.asarray(decaying_columns(summed, updates).reshape(-1, decay.shape[3])) @ decay
    sums = sums.reshape(*decay.shape[:3], levels + 2, chunk, decay.shape[-1])

    def products_of(level: int) -> jax.Array:
        left = jnp.exp(sums[:, :, :, level])
        keys = k * left  # their swap is folded into the product: here a barrier costs more than it saves
        both = jnp.concatenate([query * read_rows(left, updates), keys], axis=-2) @ jnp.swapaxes(keys, -1, -2)
        return both * np.concatenate([read_rows(met[level], updates), met[level]])

    products = checkpoint_name(reduce(jnp.add, map(products_of, range(levels))), "pairs")  # keep these, no level's
    score, overlap = products[..., :-chunk, :], products[..., -chunk:, :]
    own = sum_last(query * read_rows(k, updates))
    score = score + read_rows(np.eye(chunk, dtype=np.float32), updates) * own
    return score, scaled(overlap, beta), sums[:, :, :, levels], sums[:, :, :, levels + 1]


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
    more = jnp.pad(lower.reshape(-1, size, size), ((0, 0), (0, 1), (0, 0)))
    flat = more.reshape(-1, size * (size + 1))  # a block further down the diagonal is a fixed step further on
    inverse = jnp.ones((flat.shape[0], size, 1, 1), lower.dtype)
    width = 1
    while width < size:
        pair = 2 * width
        rows = flat.reshape(-1, size // pair, pair * (size + 1))[..., : pair * size]
        corner = rows.reshape(-1, size // pair, pair, size)[..., width:, :width]
        blocks = inverse.reshape(-1, size // pair, 2, width, width)
        above, below = blocks[:, :, 0], blocks[:, :, 1]
        product = jnp.matmul if width > SMALL_BLOCK else _small_product
        joined = -product(product(below, corner), above)
        top = jnp.concatenate([above, jnp.zeros_like(above)], axis=-1)
        inverse = jnp.concatenate([top, jnp.concatenate([joined, below], axis=-1)], axis=-2)
        width = pair
    return inverse.reshape(lower.shape)


def _small_product(x: jax.Array, y: jax.Array) -> jax.Array:
    """`x @ y` without a call for each of many small matrices."""
    return (x[..., None] * y[..., None, :, :]).sum(axis=-2)
