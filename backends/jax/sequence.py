"""JAX implementations of operations that mix or know positions, and of routing, over the array kernels."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from backends.jax.kernels import attention, convolution, delta_rule, experts, linear_attention, positions, scan
from backends.jax.table import Applied, lowers


def _in_time(call: Applied) -> list[jax.Array]:
    """Present inputs as arrays over positions; a parameter is the same at all of them."""
    arrays = []
    for array, value in zip(call.values, call.types, strict=True):
        if array is None or value is None:
            continue
        if value.over == "parameter":
            array = jnp.broadcast_to(array[None, None], (1, call.length, *value.shape))
        arrays.append(array)
    return arrays


def _same_batch(arrays: list[jax.Array]) -> list[jax.Array]:
    batch = max(array.shape[0] for array in arrays)
    return [jnp.broadcast_to(array, (batch, *array.shape[1:])) for array in arrays]


@lowers("shift")
def shift(call: Applied) -> jax.Array:
    return convolution.shift(_in_time(call)[0], call.whole("steps"))


@lowers("causal_conv")
def causal_conv(call: Applied) -> jax.Array:
    x = _in_time(call)[0]
    weight = call.parameters[0]
    flat = x.reshape(*x.shape[:2], -1)
    return convolution.causal_conv(flat, weight.reshape(weight.shape[0], -1)).reshape(x.shape)


@lowers("long_conv")
def long_conv(call: Applied) -> jax.Array:
    x, taps = _in_time(call)
    y = convolution.long_conv(x.reshape(*x.shape[:2], -1), taps.reshape(*taps.shape[:2], -1))
    return y.reshape(*y.shape[:2], *call.result.shape)


@lowers("cumulative_sum")
def cumulative_sum(call: Applied) -> jax.Array:
    return scan.cumulative_sum(_in_time(call)[0])


@lowers("linear_scan")
def linear_scan(call: Applied) -> jax.Array:
    decay, x = _in_time(call)
    missing = x.ndim - decay.ndim
    decay = decay.reshape(*decay.shape[:2], *(1,) * missing, *decay.shape[2:])
    if x.shape[0] < decay.shape[0]:
        x = jnp.broadcast_to(x, (decay.shape[0], *x.shape[1:]))
    return scan.linear_scan(decay, x)


@lowers("attend")
def attend(call: Applied) -> jax.Array:
    q, k, v, *decay = _same_batch(_in_time(call))
    window = call.options["window"]
    scale = call.options["scale"]
    return attention.attend(
        q,
        k,
        v,
        window=None if window is None else int(window),
        alibi=bool(call.options["alibi"]),
        log_decay_BxTxH=decay[0] if decay else None,
        scale=None if scale is None else float(scale),
    )


@lowers("linear_attention")
def attend_linearly(call: Applied) -> jax.Array:
    q, k, v, *decay = _same_batch(_in_time(call))
    return linear_attention.linear_attention(q, k, v, log_decay=decay[0] if decay else None)


@lowers("delta_rule")
def apply_delta_rule(call: Applied) -> jax.Array:
    q, k, v, beta, *decay = _same_batch(_in_time(call))
    return delta_rule.delta_rule(q, k, v, beta, log_decay_BxTxH=decay[0] if decay else None)


@lowers("rope")
def rope(call: Applied) -> jax.Array:
    return positions.rope(_in_time(call)[0], call.number("base"))


@lowers("position")
def position(call: Applied) -> jax.Array:
    return jnp.arange(call.length, dtype=call.dtype)[None, :, None]


@lowers("sinusoid")
def sinusoid(call: Applied) -> jax.Array:
    return positions.sinusoid(call.length, call.whole("features"))[None]


@lowers("position_embedding")
def position_embedding(call: Applied) -> jax.Array:
    return call.parameters[0][None, : call.length]


@lowers("last_position")
def last_position(call: Applied) -> jax.Array:
    x = _in_time(call)[0]
    return jnp.broadcast_to(x[:, -1:], x.shape)


@lowers("top_k")
def top_k(call: Applied) -> jax.Array:
    return experts.top_k(call.x, call.whole("count"))


@lowers("mixture_of_experts")
def mixture_of_experts(call: Applied) -> jax.Array:
    x, gates = _same_batch(_in_time(call))
    up, gate, down = call.parameters
    return experts.mixture_of_experts(x, gates, up, gate, down)
