"""The table of operations in MLX: what MLX words differently, and its functions for what all frameworks share."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import mlx.core as mx
import numpy as np

from backends import table
from backends.decoding import Decoding
from backends.features import declare_features
from backends.kernels import Kernels
from backends.mlx.kernels import (
    attention,
    convolution,
    delta_rule,
    experts,
    generalized_delta_rule,
    linear_attention,
    lstm,
    positions,
    scan,
)
from backends.mlx.kernels.losses import cross_entropy
from backends.positions import sinusoid_table
from backends.sequence import declare_sequence

Applied = table.Applied[mx.array, mx.Dtype]
TABLE: table.Table[mx.array, mx.Dtype] = table.Table(mx.float32, mx.int32)
lowers = TABLE.lowers


@lowers("linear")
def linear(call: Applied) -> mx.array:
    matrix, *bias = call.parameters
    return call.x @ matrix + bias[0] if bias else call.x @ matrix


@lowers("lookup")
def lookup(call: Applied) -> mx.array:
    (table, _), (tokens, _) = call.inputs()
    return table[tokens]


@lowers("constant")
def constant(call: Applied) -> mx.array:
    return mx.array(call.number("value"), call.dtype)


@lowers("ramp")
def ramp(call: Applied) -> mx.array:
    values = np.linspace(call.number("first"), call.number("last"), call.whole("size"), dtype=np.float32)
    return mx.array(values)


def softplus(x: mx.array) -> mx.array:
    """log(1 + exp(x)), without overflow."""
    return mx.logaddexp(x, mx.zeros_like(x))


def log_sigmoid(x: mx.array) -> mx.array:
    return -softplus(-x)


def silu(x: mx.array) -> mx.array:
    return x * mx.sigmoid(x)


def gelu(x: mx.array) -> mx.array:
    """The approximation by tanh (1606.08415, section 2)."""
    return 0.5 * x * (1 + mx.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def relu(x: mx.array) -> mx.array:
    return mx.maximum(x, mx.zeros_like(x))


FUNCTIONS: dict[str, Callable[[mx.array], mx.array]] = {
    "exp": mx.exp,
    "log": mx.log,
    "sqrt": mx.sqrt,
    "rsqrt": mx.rsqrt,
    "square": mx.square,
    "absolute": mx.abs,
    "sigmoid": mx.sigmoid,
    "log_sigmoid": log_sigmoid,
    "softplus": softplus,
    "tanh": mx.tanh,
    "relu": relu,
    "silu": silu,
    "gelu": gelu,
    "sin": mx.sin,
    "cos": mx.cos,
    "negative": mx.negative,
}

ARITHMETIC: dict[str, Callable[[mx.array, mx.array], mx.array]] = {
    "add": mx.add,
    "subtract": mx.subtract,
    "multiply": mx.multiply,
    "divide": mx.divide,
    "maximum": mx.maximum,
    "minimum": mx.minimum,
}


@lowers("split")
def split(call: Applied) -> mx.array:
    size = call.x.shape[-1] // call.whole("parts")
    start = size * (call.whole("index") - 1)
    return call.x[..., start : start + size]


@lowers("repeat")
def repeat(call: Applied) -> mx.array:
    return mx.tile(call.x, [1] * (call.x.ndim - 1) + [call.whole("times")])


@lowers("softmax")
def softmax(call: Applied) -> mx.array:
    return mx.softmax(call.x.astype(mx.float32), axis=-1)


@lowers("surprise")
def surprise(call: Applied) -> mx.array:
    (scores, _), (tokens, _) = call.inputs()
    return cross_entropy(scores.astype(mx.float32), tokens)[0]


@lowers("clip")
def clip(call: Applied) -> mx.array:
    return mx.clip(call.x, call.number("low"), call.number("high"))


@lowers("position")
def position(call: Applied) -> mx.array:
    return mx.arange(call.length).astype(call.dtype)[None, :, None]


@lowers("sinusoid")
def sinusoid(call: Applied) -> mx.array:
    return mx.array(sinusoid_table(call.length, call.whole("features")))[None]


def written(x: mx.array, value: mx.array, place: mx.array) -> mx.array:
    """The array with one place of its second axis replaced."""
    return mx.slice_update(x, value, place.reshape(1), axes=(1,))


KERNELS = Kernels(
    broadcast_to=mx.broadcast_to,
    concatenate=mx.concatenate,
    rsqrt=mx.rsqrt,
    einsum=mx.einsum,
    shift=convolution.shift,
    causal_conv=convolution.causal_conv,
    long_conv=convolution.long_conv,
    cumulative_sum=scan.cumulative_sum,
    linear_scan=scan.linear_scan,
    lstm=lstm.lstm,
    attend=attention.attend,
    linear_attention=linear_attention.linear_attention,
    delta_rule=delta_rule.delta_rule,
    generalized_delta_rule=generalized_delta_rule.generalized_delta_rule,
    rope=positions.rope,
    top_k=experts.top_k,
    mixture_of_experts=experts.mixture_of_experts,
    array=mx.array,
    zeros=mx.zeros,
    arange=mx.arange,
    exp=mx.exp,
    tanh=mx.tanh,
    sigmoid=mx.sigmoid,
    log_sigmoid=log_sigmoid,
    maximum=mx.maximum,
    softmax=partial(mx.softmax, axis=-1),
    where=mx.where,
    take=partial(mx.take, axis=1),
    write=written,
)

TABLE.declare_pointwise(FUNCTIONS)
TABLE.declare_arithmetic(ARITHMETIC)
declare_features(TABLE, KERNELS)
declare_sequence(TABLE, KERNELS)

DECODING = Decoding(TABLE, KERNELS)
