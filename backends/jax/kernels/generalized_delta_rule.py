"""The generalized delta rule: a decaying state that loses part of what one key recalls and stores under another.

As `delta_rule`, of which it takes the inverse: within a chunk what is recalled solves a unit lower triangular system,
between chunks a loop carries the K x V state. A removed key reads the state that the position before has left, so it
stands in the row before its own, and pairs decay as those of queries do: no exponent is positive, and no sum of log
decays is found by a difference where channels decay by themselves.
"""

from __future__ import annotations

from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax.ad_checkpoint import checkpoint_name

from backends.arguments import check_generalized_delta_rule
from backends.halves import halves
from backends.jax.kernels import loops
from backends.jax.kernels.chunks import chunked, unchunked
from backends.jax.kernels.delta_rule import solve_unit_triangular
from backends.jax.kernels.products import sum_last, transposed
from genome.operations.time import delta_chunk

Pair = tuple[jax.Array, jax.Array]
"""Two values for each position, ... x C x K each."""


def generalized_delta_rule(
    q_BxTxHxK: jax.Array,
    k_BxTxHxK: jax.Array,
    v_BxTxHxV: jax.Array,
    remove_BxTxHxK: jax.Array,
    rate: jax.Array,
    *,
    log_decay: jax.Array,
) -> jax.Array:
    """S_t = exp(g_t) S_{t-1} - (a_t r_t) (r_t^T S_{t-1}) + k_t v_t^T and o_t = K ** -0.5 q_t S_t, in float32.

    The wkv of RWKV-7 (2503.14456) for keys r to remove, of unit norm, and rates a in [0, 1]. `rate` a and `log_decay`
    g, at most 0, are each BxTxH (one per head) or BxTxHxK (one per channel of the key); their axes may have size 1
    where they repeat. One rate per head keeps the state bounded; rates by channel let it grow where keys are chosen
    against them. Raises ValueError for gates of another shape.
    """
    check_generalized_delta_rule(rate.shape, log_decay.shape, q_BxTxHxK.shape)
    batch, time, heads, key_size = q_BxTxHxK.shape
    per_channel = log_decay.ndim == 4
    decay = jnp.broadcast_to(log_decay, (*log_decay.shape[:3], key_size)) if per_channel else log_decay[..., None]
    rate = rate if rate.ndim == 4 else rate[..., None]
    chunk = delta_chunk(time, per_channel)

    def cut(x: jax.Array) -> jax.Array:
        return chunked(jnp.broadcast_to(x, (x.shape[0], time, heads, x.shape[3])), chunk)

    q, k, v, remove, rate, decay = map(cut, (q_BxTxHxK, k_BxTxHxK, v_BxTxHxV, remove_BxTxHxK, rate, decay))
    query = q * key_size**-0.5
    rows, columns = (query, jnp.roll(remove, -1, axis=-2)), (k, rate * remove)
    products, total, remaining = (_channel_pairs if per_channel else _head_pairs)(rows, columns, decay)
    score, ahead = products[..., :chunk, :], products[..., chunk:, :]
    recall = jnp.roll(ahead, 1, axis=-2)
    stored, overlap = jnp.tril(recall[..., :chunk], -1), jnp.tril(recall[..., chunk:], -1)
    if q.shape[0] == 1:
        out = score @ jnp.concatenate([v, -solve_unit_triangular(overlap, stored @ v)], axis=-2)
    else:
        from_start, until_end = jnp.exp(total), jnp.exp(remaining)
        before = jnp.concatenate([jnp.ones_like(from_start[..., :1, :]), from_start[..., :-1, :]], axis=-2)
        solved = -solve_unit_triangular(overlap, jnp.concatenate([stored @ v, before * remove], axis=-1))
        kept = jnp.swapaxes(from_start[..., -1:, :], -1, -2)
        keys = transposed(_joined(columns, until_end))

        def step(state: jax.Array, inputs: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
            v, solved, score, query, keys, kept = inputs
            removed = solved[..., : v.shape[-1]] + solved[..., v.shape[-1] :] @ state
            change = jnp.concatenate([v, removed], axis=-2)
            return kept * state + keys @ change, query @ state + score @ change

        start = jnp.zeros((batch, heads, key_size, v.shape[-1]), jnp.float32)
        _, out = loops.scan(step, start, (v, solved, score, query * from_start, keys, kept))
    return unchunked(out, time).astype(v_BxTxHxV.dtype)


def _head_pairs(rows: Pair, columns: Pair, decay: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Decayed products within each chunk of rows with columns up to their own position (N x B x H x 2C x 2C, of two
    rows and two columns for each), and the log decays from the start of the chunk and until its end."""
    chunk = decay.shape[3]
    earlier = np.tril(np.ones((chunk, chunk), np.float32))
    total = jnp.asarray(earlier) @ decay
    pair = jnp.exp(jnp.where(earlier > 0, total - jnp.swapaxes(total, -1, -2), -jnp.inf))
    products = jnp.concatenate(rows, axis=-2) @ transposed(jnp.concatenate(columns, axis=-2))
    return products * jnp.tile(pair, (2, 2)), total, total[..., -1:, :] - total


def _channel_pairs(rows: Pair, columns: Pair, decay: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The same for a decay of each channel."""
    summed, met = halves(decay.shape[3])
    levels, chunk = met.shape[:2]
    sums = jnp.asarray(summed.reshape(-1, chunk)) @ decay
    sums = sums.reshape(*decay.shape[:3], levels + 2, chunk, decay.shape[-1])

    def products_of(level: int) -> jax.Array:
        left = jnp.exp(sums[:, :, :, level])
        return _joined(rows, left) @ jnp.swapaxes(_joined(columns, left), -1, -2) * np.tile(met[level], (2, 2))

    products = checkpoint_name(reduce(jnp.add, map(products_of, range(levels))), "pairs")  # keep these, no level's
    diagonal = np.eye(chunk, dtype=np.float32)
    own = [
        jnp.concatenate([diagonal * sum_last(row * column) for column in columns], axis=-1)
        for row in rows  # one sum over all four crashes jaxlib 0.10.2 on CPUs
    ]
    return products + jnp.concatenate(own, axis=-2), sums[:, :, :, levels], sums[:, :, :, levels + 1]


def _joined(pair: Pair, left: jax.Array) -> jax.Array:
    """What a decay leaves of two values for each position, as rows of one matrix: ... x 2C x K."""
    return jnp.concatenate([x * left for x in pair], axis=-2)
