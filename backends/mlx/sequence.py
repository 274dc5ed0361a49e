"""MLX implementations of operations that mix or know positions, and of routing, over the array kernels."""

from __future__ import annotations

import mlx.core as mx

from backends.mlx.kernels import attention, convolution, delta_rule, experts, linear_attention, positions, scan
from backends.mlx.table import Applied, lowers


def _in_time(call: Applied) -> list[mx.array]:
    """Present inputs as arrays over positions; a parameter is the same at all of them."""
    return [
        mx.broadcast_to(array[None, None], (1, call.length, *value.shape)) if value.over == "parameter" else array
        for array, value in call.inputs()
    ]


def _same_batch(arrays: list[mx.array]) -> list[mx.array]:
    batch = max(array.shape[0] for array in arrays)
    return [mx.broadcast_to(array, (batch, *array.shape[1:])) for array in arrays]


@lowers("shift")
def shift(call: Applied) -> mx.array:
    return convolution.shift(_in_time(call)[0], call.whole("steps"))


@lowers("causal_conv")
def causal_conv(call: Applied) -> mx.array:
    x = _in_time(call)[0]
    weight = call.parameters[0]
    flat = x.reshape(*x.shape[:2], -1)
    return convolution.causal_conv(flat, weight.reshape(weight.shape[0], -1)).reshape(x.shape)


@lowers("long_conv")
def long_conv(call: Applied) -> mx.array:
    x, taps = _in_time(call)
    y = convolution.long_conv(x.reshape(*x.shape[:2], -1), taps.reshape(*taps.shape[:2], -1))
    return y.reshape(*y.shape[:2], *call.result.shape)


@lowers("cumulative_sum")
def cumulative_sum(call: Applied) -> mx.array:
    return scan.cumulative_sum(_in_time(call)[0])


@lowers("linear_scan")
def linear_scan(call: Applied) -> mx.array:
    decay, x = _in_time(call)
    missing = x.ndim - decay.ndim
    decay = decay.reshape(*decay.shape[:2], *(1,) * missing, *decay.shape[2:])
    if x.shape[0] < decay.shape[0]:
        x = mx.broadcast_to(x, (decay.shape[0], *x.shape[1:]))
    return scan.linear_scan(decay, x)


@lowers("attend")
def attend(call: Applied) -> mx.array:
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
def attend_linearly(call: Applied) -> mx.array:
    q, k, v, *decay = _same_batch(_in_time(call))
    return linear_attention.linear_attention(q, k, v, log_decay=decay[0] if decay else None)


@lowers("delta_rule")
def apply_delta_rule(call: Applied) -> mx.array:
    q, k, v, beta, *decay = _same_batch(_in_time(call))
    return delta_rule.delta_rule(q, k, v, beta, log_decay_BxTxH=decay[0] if decay else None)


@lowers("rope")
def rope(call: Applied) -> mx.array:
    return positions.rope(_in_time(call)[0], call.number("base"))


@lowers("position")
def position(call: Applied) -> mx.array:
    return mx.arange(call.length).astype(call.dtype)[None, :, None]


@lowers("sinusoid")
def sinusoid(call: Applied) -> mx.array:
    return positions.sinusoid(call.length, call.whole("features"))[None]


@lowers("position_embedding")
def position_embedding(call: Applied) -> mx.array:
    return call.parameters[0][None, : call.length]


@lowers("last_position")
def last_position(call: Applied) -> mx.array:
    x = _in_time(call)[0]
    return mx.broadcast_to(x[:, -1:], x.shape)


@lowers("top_k")
def top_k(call: Applied) -> mx.array:
    return experts.top_k(call.x, call.whole("count"))


@lowers("mixture_of_experts")
def mixture_of_experts(call: Applied) -> mx.array:
    x, gates = _same_batch(_in_time(call))
    up, gate, down = call.parameters
    return experts.mixture_of_experts(x, gates, up, gate, down)
