"""The gated delta rule: a state that forgets what it held under a key before it stores a value there.

Chunked as in 2406.06484 and 2412.06464: within a chunk the stored values solve a unit lower triangular system,
inverted in log2 C levels of products; between chunks a loop carries the K x V state. Exponents are at most 0, also
where every channel of the key decays by itself (2510.26692): `backends.halves` says how.
"""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import numpy as np

from backends.arguments import check_delta_rule
from backends.halves import halves
from backends.mlx.kernels.chunks import chunked, unchunked
from backends.mlx.kernels.linear_attention import head_decay, triangle
from backends.updates import decaying_columns, read_rows
from genome.operations.time import delta_chunk


def delta_rule(
    q_BxTxHxK: mx.array,
    k_BxTxJxK: mx.array,
    v_BxTxJxV: mx.array,
    beta_BxTxJ: mx.array,
    *,
    log_decay: mx.array | None = None,
) -> mx.array:
    """S_t = (I - beta_t k_t k_t^T) exp(g_t) S_{t-1} + beta_t k_t v_t^T and o_t = K ** -0.5 q_t S_t, in float32.

    `log_decay` g, at most 0, is None (the delta rule of 2406.06484), BxTxH (one per head, 2412.06464) or BxTxHxK (one
    per channel of the key, 2510.26692: the rows of S fade by themselves). With J = n H every head makes n such updates
    per position, of which the first alone decays (2502.10297): those of head h, in order, lie at n h up to n (h + 1).
    The state stays bounded where beta_t |k_t|^2 is within [0, 2], as for keys of unit norm. In beta and in the decay
    axes may have size 1 where they repeat. Raises ValueError for gates of another shape, and for J that do not fit.
    """
    shape = None if log_decay is None else log_decay.shape
    check_delta_rule(beta_BxTxJ.shape, shape, q_BxTxHxK.shape, k_BxTxJxK.shape)
    _, time, heads, key_size = q_BxTxHxK.shape
    updates = k_BxTxJxK.shape[2] // heads
    decay = mx.zeros((1, 1, 1)) if log_decay is None else log_decay
    per_channel = decay.ndim == 4
    decay = mx.broadcast_to(decay, (*decay.shape[:3], key_size)) if per_channel else decay[..., None]
    chunk = delta_chunk(time, per_channel, updates)
    positions = chunk // updates

    def cut(x: mx.array, updates: int = 1) -> mx.array:
        """B x N x H x P x K, P being the positions of a chunk; or x C x K, where each has updates."""
        x = chunked(mx.broadcast_to(x, (x.shape[0], time, heads * updates, x.shape[3])), positions)
        if updates == 1:
            return x
        x = mx.unflatten(x, 2, (heads, updates)).swapaxes(3, 4).flatten(3, 4)
        return mx.pad(x, [*[(0, 0)] * 3, (0, chunk - positions * updates), (0, 0)])

    k, v, beta = (cut(x, updates) for x in (k_BxTxJxK, v_BxTxJxV, beta_BxTxJ[..., None]))
    query, decay = cut(q_BxTxHxK) * key_size**-0.5, cut(decay)
    pairs = _channel_pairs if per_channel else _head_pairs
    score, overlap, total, remaining = pairs(query, k, beta, decay, updates)
    inverse: Any = invert(overlap)
    written = inverse @ (beta * v)
    if query.shape[1] == 1:
        return unchunked(score @ written, time).astype(v_BxTxJxV.dtype)
    from_start, until_end = mx.exp(total), mx.exp(remaining)
    erased, query = inverse @ (beta * from_start * k), query * read_rows(from_start, updates)
    key, kept = (k * until_end).swapaxes(-1, -2), from_start[..., -1:, :].swapaxes(-1, -2)
    state = mx.zeros((*query.shape[:1], heads, key_size, v.shape[-1]))
    out = []
    for n in range(query.shape[1]):
        stored = written[:, n] - erased[:, n] @ state
        out.append(query[:, n] @ state + score[:, n] @ stored)
        state = kept[:, n] * state + key[:, n] @ stored
    return unchunked(mx.stack(out, axis=1), time).astype(v_BxTxJxV.dtype)


def _head_pairs(
    query: mx.array, k: mx.array, beta: mx.array, decay: mx.array, updates: int
) -> tuple[mx.array, mx.array, mx.array, mx.array]:
    """Decayed products within each chunk of queries with keys up to their own (B x N x H x P x C) and of keys with
    earlier ones, the latter times beta (x C x C), and the log decays from the start of the chunk and until its end."""
    total = decaying_columns(triangle(k.shape[3]), updates) @ decay
    pair = head_decay(total)
    k_transposed = k.swapaxes(-1, -2)
    overlap = mx.tril((beta * k) @ k_transposed * pair, -1)
    return (query @ k_transposed) * read_rows(pair, updates), overlap, total, total[..., -1:, :] - total


def _channel_pairs(
    query: mx.array, k: mx.array, beta: mx.array, decay: mx.array, updates: int
) -> tuple[mx.array, mx.array, mx.array, mx.array]:
    """The same for a decay of each channel."""
    summed, met = halves(k.shape[3])
    levels, chunk = met.shape[:2]
    sums = mx.array(decaying_columns(summed, updates).reshape(-1, decay.shape[3])) @ decay
    sums = sums.reshape(*decay.shape[:3], levels + 2, chunk, decay.shape[-1])
    left = mx.exp(sums[:, :, :, :levels])
    keys = k[:, :, :, None] * left
    rows = mx.concatenate([query[:, :, :, None] * read_rows(left, updates), keys], axis=-2)
    met = np.concatenate([read_rows(met, updates), met], axis=1)
    products = (rows @ keys.swapaxes(-1, -2) * mx.array(met)).sum(axis=3)
    own = (query * read_rows(k, updates)).sum(axis=-1, keepdims=True)
    score = products[..., :-chunk, :] + mx.array(read_rows(np.eye(chunk, dtype=np.float32), updates)) * own
    return score, beta * products[..., -chunk:, :], sums[:, :, :, levels], sums[:, :, :, levels + 1]


@mx.custom_function
def invert(lower: mx.array) -> mx.array:
    """(I + L)^-1 for strictly lower triangular L (C x C, a power of two), over leading axes.

    By a ladder of blocks of 1, 2, 4, ... rows: at each level two neighbouring inverted blocks become one,
    [[X, 0], [-Y L21 X, Y]]. The product of (I + (-L)^2^i) takes as many levels, but overflows where keys repeat.
    """
    size = lower.shape[-1]
    flat = lower.reshape(-1, size * size)
    flat = mx.pad(flat, [(0, 0), (0, size)])  # a block further down the diagonal is a fixed step further on
    inverse = mx.ones((flat.shape[0], size, 1, 1), lower.dtype)
    width = 1
    while width < size:
        pair = 2 * width
        rows = flat.reshape(-1, size // pair, pair * (size + 1))[..., : pair * size]
        corner = rows.reshape(-1, size // pair, pair, size)[..., width:, :width]
        blocks = inverse.reshape(-1, size // pair, 2, width, width)
        above, below = blocks[:, :, 0], blocks[:, :, 1]
        joined = -(below @ corner @ above)
        top = mx.concatenate([above, mx.zeros_like(above)], axis=-1)
        inverse = mx.concatenate([top, mx.concatenate([joined, below], axis=-1)], axis=-2)
        width = pair
    return inverse.reshape(lower.shape)


@invert.vjp
def _invert_backward(primal: mx.array, dinverse: mx.array, inverse: mx.array) -> mx.array:
    """dL = -X^T dX X^T below the diagonal, X being the inverse; MLX has no gradient for inverses of its own."""
    del primal
    transposed = inverse.swapaxes(-1, -2)
    return -mx.tril(transposed @ dinverse @ transposed, -1)
