"""Causal softmax attention."""

from __future__ import annotations

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np

from backends.arguments import check_attend
from backends.arrays import sum_to
from backends.jax.kernels.products import sum_last, transposed
from backends.jax.kernels.scan import cumulative_sum
from backends.positions import alibi_slopes

BLOCK = 128
"""Least number of queries in a block once there are several: smaller ones compile longer than they save."""

MAX_BLOCKS = 8
"""Most blocks of queries that are written out one after the other; bounds the compile time of long contexts."""


def attend(
    q_BxTxHxK: jax.Array,
    k_BxTxGxK: jax.Array,
    v_BxTxGxV: jax.Array,
    *,
    window: int | None = None,
    alibi: bool = False,
    log_decay_BxTxH: jax.Array | None = None,
    scale: float | None = None,
) -> jax.Array:
    """Causal softmax attention (1706.03762), BxTxHxV; the softmax is computed in float32.

    H must be a multiple of G (grouped queries, 2305.13245): head h reads the keys of group h // (H // G).
    `window` is the number of positions a query sees, itself included. `alibi` subtracts a slope per head times the
    distance from each score (2108.12409). `log_decay`, at most 0, adds to the score of key j at query i the sum of
    the decays at positions j + 1 .. i (forgetting attention, 2503.02130); its batch size may be 1.
    `scale` multiplies the products of queries and keys, K ** -0.5 by default.

    Raises ValueError for heads that do not divide or a window below 1.
    """
    heads, groups, key_size = q_BxTxHxK.shape[2], k_BxTxGxK.shape[2], q_BxTxHxK.shape[3]
    check_attend(heads, groups, window)
    scale = float(key_size**-0.5 if scale is None else scale)
    arrays = (q_BxTxHxK, k_BxTxGxK, v_BxTxGxV)
    if not alibi and log_decay_BxTxH is None and _fused_is_legal(*arrays):
        shapes = tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in arrays)
        if _fused_lowers(shapes, window, scale):
            return _fused(*arrays, window=window, scale=scale)

    def heads_first(x: jax.Array, *split: int) -> jax.Array:
        return jnp.moveaxis(x.reshape(*x.shape[:2], groups, *split, x.shape[-1]), 1, -2)

    q_BxGxRxTxK = heads_first(q_BxTxHxK * scale, heads // groups)
    k_BxGxTxK, v_BxGxTxV = heads_first(k_BxTxGxK), heads_first(v_BxTxGxV)
    slope_GxR = alibi_slopes(heads).reshape(groups, -1) if alibi else None
    total_BxGxRxT = None
    if log_decay_BxTxH is not None:
        total = cumulative_sum(log_decay_BxTxH.astype(jnp.float32))
        total_BxGxRxT = jnp.moveaxis(total, 1, 2).reshape(total.shape[0], groups, heads // groups, -1)
    out_BxGxRxTxV = _attend(q_BxGxRxTxK, k_BxGxTxK, v_BxGxTxV, window, slope_GxR, total_BxGxRxT)
    out_BxTxGxRxV = jnp.moveaxis(out_BxGxRxTxV, 3, 1)
    return out_BxTxGxRxV.reshape(*q_BxTxHxK.shape[:3], -1)


def _attend(
    q: jax.Array,
    k: jax.Array,
    v: jax.Array,
    window: int | None,
    slope_GxR: np.ndarray | None,
    total_BxGxRxT: jax.Array | None,
) -> jax.Array:
    """Cut the queries into blocks that each read only the keys they can see."""
    time = k.shape[2]

    def block(start: int, stop: int, first_key: int, q=q, k=k, v=v, total=total_BxGxRxT) -> jax.Array:
        rows, columns = jnp.arange(start, stop), jnp.arange(first_key, stop)
        distance_QxS = rows[:, None] - columns
        visible_QxS = distance_QxS >= 0
        if window is not None:
            visible_QxS &= distance_QxS < window
        bias = jnp.where(visible_QxS, 0.0, -jnp.inf)[None, None, None]
        if slope_GxR is not None:
            bias = bias - jnp.asarray(slope_GxR)[None, :, :, None, None] * distance_QxS
        if total is not None:
            bias = bias + total[..., start:stop, None] - total[..., None, first_key:stop]
        return _average(q[:, :, :, start:stop], k[:, :, first_key:stop], v[:, :, first_key:stop], bias)

    size = max(window or time, 32)
    if 4 * size <= time:  # a narrow window: every block sees itself and the block before it
        count = -(-time // size) - 1
        length = (count + 1) * size

        def with_previous(x: jax.Array) -> jax.Array:
            """Blocks 1 .. count (N), each after its predecessor, as rows of the batch: B*N x G x .. x 2C x K."""
            x = jnp.pad(x, [(0, 0)] * (x.ndim - 2) + [(0, length - time), (0, 0)])
            x = x.reshape(*x.shape[:-2], count + 1, size, x.shape[-1])
            pairs = jnp.concatenate([x[..., :-1, :, :], x[..., 1:, :, :]], axis=-2)
            return jnp.moveaxis(pairs, -3, 1).reshape(-1, *pairs.shape[1:-3], 2 * size, pairs.shape[-1])

        total = total_BxGxRxT
        if total is not None:
            total = with_previous(jnp.broadcast_to(total, q.shape[:4])[..., None])[..., 0]
        later = block(size, 2 * size, 0, with_previous(q), with_previous(k), with_previous(v), total)
        later = jnp.moveaxis(later.reshape(q.shape[0], count, *later.shape[1:]), 1, 3)
        later = later.reshape(*later.shape[:3], count * size, later.shape[-1])
        return jnp.concatenate([block(0, size, 0), later[:, :, :, : time - size]], axis=3)
    size = max(BLOCK, -(-time // MAX_BLOCKS))
    outputs = [
        block(start, min(start + size, time), max(0, start - (window or time) + 1))
        for start in range(0, time, size)
    ]
    return outputs[0] if len(outputs) == 1 else jnp.concatenate(outputs, axis=3)


@jax.custom_vjp
def _average(
    q_BxGxRxQxK: jax.Array, k_BxGxSxK: jax.Array, v_BxGxSxV: jax.Array, bias_BxGxRxQxS: jax.Array
) -> jax.Array:
    """softmax(q k + bias) v, head-major: two batched products around an explicit softmax.

    The bias broadcasts over its first three axes; -inf hides a key, and each query must see one. The rule below
    saves the weights alone, where automatic differentiation of a softmax saves several arrays of that size.
    """
    return _average_forward(q_BxGxRxQxK, k_BxGxSxK, v_BxGxSxV, bias_BxGxRxQxS)[0]


def _average_forward(q, k, v, bias):
    shape = (*q.shape[:4], k.shape[2])
    product = jnp.matmul(_rows(q), jnp.swapaxes(_rows(k), 1, 2), preferred_element_type=jnp.float32)
    score = product.reshape(shape) + bias
    weight = jnp.exp(score - score.max(axis=-1, keepdims=True))
    weight = _rows(weight / weight.sum(axis=-1, keepdims=True))  # in this shape alone, lest it is written in two
    out = jnp.matmul(weight.astype(v.dtype), _rows(v), preferred_element_type=jnp.float32)
    out = out.reshape(*q.shape[:4], -1).astype(v.dtype)
    return out, (q, k, v, bias, weight, out)


def _average_backward(saved, dout):
    q, k, v, bias, weight, out = saved
    dv = transposed(weight.astype(dout.dtype)) @ _rows(dout)
    dweight = jnp.matmul(_rows(dout), jnp.swapaxes(_rows(v), 1, 2), preferred_element_type=jnp.float32)
    centre = sum_last(dout.astype(jnp.float32) * out)
    dscore = weight * (dweight - _rows(centre))
    dproduct = dscore.astype(q.dtype)
    dq, dk = dproduct @ _rows(k), transposed(dproduct) @ _rows(q)
    dbias = sum_to(dscore.reshape(*q.shape[:4], -1), bias.shape)
    return dq.reshape(q.shape), dk.reshape(k.shape), dv.reshape(v.shape), dbias


_average.defvjp(_average_forward, _average_backward)


def _rows(x: jax.Array) -> jax.Array:
    """B x G x .. x K as a batch B*G of matrices, whose rows are all the axes between."""
    return x.reshape(x.shape[0] * x.shape[1], -1, x.shape[-1])


def _fused_is_legal(q: jax.Array, k: jax.Array, v: jax.Array) -> bool:
    """Whether the cuDNN kernel takes these arrays, with margin: some odd lengths give NaN gradients on sm90."""
    return (
        jax.default_backend() == "gpu"
        and q.dtype in (jnp.bfloat16, jnp.float16)
        and q.dtype == k.dtype == v.dtype
        and q.shape[1] % 128 == 0
        and max(q.shape[3], v.shape[3]) <= 128
    )


def _fused(q: jax.Array, k: jax.Array, v: jax.Array, *, window: int | None, scale: float) -> jax.Array:
    """cuDNN attention; zero channels bring keys and values to one head size, a multiple of 8."""
    value_size = v.shape[3]
    size = -(-max(q.shape[3], value_size) // 8) * 8
    q, k, v = (jnp.pad(x, ((0, 0), (0, 0), (0, 0), (0, size - x.shape[3]))) for x in (q, k, v))
    left = None if window is None else (window - 1, 0)
    out = jax.nn.dot_product_attention(
        q, k, v, is_causal=True, scale=scale, local_window_size=left, implementation="cudnn"
    )
    return out[..., :value_size]


@lru_cache(maxsize=256)
def _fused_lowers(shapes: tuple[jax.ShapeDtypeStruct, ...], window: int | None, scale: float) -> bool:
    """Whether cuDNN takes the shapes, forward and backward; it refuses, for many reasons, only when lowered."""

    def loss(*arrays: jax.Array) -> jax.Array:
        return _fused(*arrays, window=window, scale=scale).astype(jnp.float32).sum()

    try:
        jax.jit(jax.grad(loss, argnums=(0, 1, 2))).lower(*shapes)
    except Exception:
        return False
    return True
