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
from genome.operations.time import delta_chunk


def delta_rule(
    q_BxTxHxK: mx.array,
    k_BxTxHxK: mx.array,
    v_BxTxHxV: mx.array,
    beta_BxTxH: mx.array,
    *,
    log_decay: mx.array | None = None,
) -> mx.array:
    """S_t = (I - beta_t k_t k_t^T) exp(g_t) S_{t-1} + beta_t k_t v_t^T and o_t = K ** -0.5 q_t S_t, in float32.

    `log_decay` g, at most 0, is None (the delta rule of 2406.06484), BxTxH (one per head, 2412.06464) or BxTxHxK (one
    per channel of the key, 2510.26692: the rows of S fade by themselves). The state stays bounded where
    beta_t |k_t|^2 is within [0, 2], as for keys of unit norm. In beta and in the decay axes may have size 1 where
    they repeat. Raises ValueError for gates of another shape.
    """
    check_delta_rule(beta_BxTxH.shape, None if log_decay is None else log_decay.shape, q_BxTxHxK.shape)
    _, time, heads, key_size = q_BxTxHxK.shape
    decay = mx.zeros((1, 1, 1)) if log_decay is None else log_decay
    per_channel = decay.ndim == 4
    decay = mx.broadcast_to(decay, (*decay.shape[:3], key_size)) if per_channel else decay[..., None]
    chunk = delta_chunk(time, per_channel)

    def cut(x: mx.array) -> mx.array:
        return chunked(mx.broadcast_to(x, (x.shape[0], time, heads, x.shape[3])), chunk)

    k, v, beta, decay = map(cut, (k_BxTxHxK, v_BxTxHxV, beta_BxTxH[..., None], decay))
    query = cut(q_BxTxHxK) * key_size**-0.5
    pairs = _channel_pairs if per_channel else _head_pairs
    score, overlap, total, remaining = pairs(query, k, beta, decay)
    inverse: Any = _invert(overlap)
    written = inverse @ (beta * v)
    if query.shape[1] == 1:
        return unchunked(score @ written, time).astype(v_BxTxHxV.dtype)
    from_start, until_end = mx.exp(total), mx.exp(remaining)
    erased, query = inverse @ (beta * from_start * k), query * from_start
    key, kept = (k * until_end).swapaxes(-1, -2), from_start[..., -1:, :].swapaxes(-1, -2)
    state = mx.zeros((*query.shape[:1], heads, key_size, v.shape[-1]))
    out = []
    for n in range(query.shape[1]):
        stored = written[:, n] - erased[:, n] @ state
        out.append(query[:, n] @ state + score[:, n] @ stored)
        state = kept[:, n] * state + key[:, n] @ stored
    return unchunked(mx.stack(out, axis=1), time).astype(v_BxTxHxV.dtype)


def _head_pairs(
    query: mx.array, k: mx.array, beta: mx.array, decay: mx.array
) -> tuple[mx.array, mx.array, mx.array, mx.array]:
    """Decayed products within each chunk of queries with keys up to their own and of keys with earlier ones, the
    latter times beta (B x N x H x C x C), and the log decays from the start of the chunk and until its end."""
    total = triangle(decay.shape[3]) @ decay
    pair = head_decay(total)
    k_transposed = k.swapaxes(-1, -2)
    overlap = mx.tril((beta * k) @ k_transposed * pair, -1)
    return (query @ k_transposed) * pair, overlap, total, total[..., -1:, :] - total


def _channel_pairs(
    query: mx.array, k: mx.array, beta: mx.array, decay: mx.array
) -> tuple[mx.array, mx.array, mx.array, mx.array]:
    """The same for a decay of each channel."""
    summed, met = halves(decay.shape[3])
    levels, chunk = met.shape[:2]
    sums = mx.array(summed.reshape(-1, chunk)) @ decay
    sums = sums.reshape(*decay.shape[:3], levels + 2, chunk, decay.shape[-1])
    left = mx.exp(sums[:, :, :, :levels])
    keys = k[:, :, :, None] * left
    products = mx.concatenate([query[:, :, :, None] * left, keys], axis=-2) @ keys.swapaxes(-1, -2)
    products = products.reshape(*products.shape[:-2], 2, chunk, chunk)
    products = (products * mx.array(met)[:, None]).sum(axis=3)
    own = mx.array(np.eye(chunk, dtype=np.float32)) * (query * k).sum(axis=-1, keepdims=True)
    score, overlap = products[..., 0, :, :] + own, beta * products[..., 1, :, :]
    return score, overlap, sums[:, :, :, levels], sums[:, :, :, levels + 1]


@mx.custom_function
def _invert(lower: mx.array) -> mx.array:
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


@_invert.vjp
def _invert_backward(primal: mx.array, dinverse: mx.array, inverse: mx.array) -> mx.array:
    """dL = -X^T dX X^T below the diagonal, X being the inverse; MLX has no gradient for inverses of its own."""
    del primal
    transposed = inverse.swapaxes(-1, -2)
    return -mx.tril(transposed @ dinverse @ transposed, -1)
