"""MLX implementations of parameters, arithmetic, pointwise functions and feature operations."""

from __future__ import annotations

import math
from collections.abc import Callable

import mlx.core as mx
import numpy as np

from backends.mlx.table import Applied, lowers

NORM_EPSILON = 1e-6


@lowers("linear")
def linear(call: Applied) -> mx.array:
    matrix, *bias = call.parameters
    return call.x @ matrix + bias[0] if bias else call.x @ matrix


@lowers("weight")
def weight(call: Applied) -> mx.array:
    return call.parameters[0]


@lowers("gain")
def gain(call: Applied) -> mx.array:
    return call.x * call.parameters[0]


@lowers("offset")
def offset(call: Applied) -> mx.array:
    return call.x + call.parameters[0]


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


def silu(x: mx.array) -> mx.array:
    return x * mx.sigmoid(x)


def gelu(x: mx.array) -> mx.array:
    """The approximation by tanh (1606.08415, section 2)."""
    return 0.5 * x * (1 + mx.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def relu(x: mx.array) -> mx.array:
    return mx.maximum(x, mx.zeros_like(x))


_FUNCTIONS: dict[str, Callable[[mx.array], mx.array]] = {
    "exp": mx.exp,
    "log": mx.log,
    "sqrt": mx.sqrt,
    "rsqrt": mx.rsqrt,
    "square": mx.square,
    "absolute": mx.abs,
    "sigmoid": mx.sigmoid,
    "log_sigmoid": lambda x: -softplus(-x),
    "softplus": softplus,
    "tanh": mx.tanh,
    "relu": relu,
    "silu": silu,
    "gelu": gelu,
    "sin": mx.sin,
    "cos": mx.cos,
    "negative": mx.negative,
}

_BINARY: dict[str, Callable[[mx.array, mx.array], mx.array]] = {
    "add": mx.add,
    "subtract": mx.subtract,
    "multiply": mx.multiply,
    "divide": mx.divide,
    "maximum": mx.maximum,
    "minimum": mx.minimum,
}


def _function(function: Callable[[mx.array], mx.array]) -> Callable[[Applied], mx.array]:
    return lambda call: function(call.x)


def _binary(function: Callable[[mx.array, mx.array], mx.array]) -> Callable[[Applied], mx.array]:
    return lambda call: function(*_aligned(call))


for _name, _pointwise in _FUNCTIONS.items():
    lowers(_name)(_function(_pointwise))
for _name, _arithmetic in _BINARY.items():
    lowers(_name)(_binary(_arithmetic))


def _aligned(call: Applied) -> list[mx.array]:
    """Both inputs with as many feature axes as the result, so that trailing axes meet."""
    arrays = []
    for array, value in call.inputs():
        missing = len(call.result.shape) - len(value.shape)
        if value.over != "parameter" and missing:
            array = array.reshape(*array.shape[:2], *(1,) * missing, *value.shape)
        arrays.append(array)
    return arrays


@lowers("split_heads")
def split_heads(call: Applied) -> mx.array:
    heads = call.whole("heads")
    return call.x.reshape(*call.x.shape[:-1], heads, call.x.shape[-1] // heads)


@lowers("merge_heads")
def merge_heads(call: Applied) -> mx.array:
    return call.x.reshape(*call.x.shape[:-2], -1)


@lowers("split")
def split(call: Applied) -> mx.array:
    size = call.x.shape[-1] // call.whole("parts")
    start = size * (call.whole("index") - 1)
    return call.x[..., start : start + size]


@lowers("concat")
def concat(call: Applied) -> mx.array:
    arrays = [array for array, _ in call.inputs()]
    if call.result.over != "parameter":
        arrays = [a[None, None] if value.over == "parameter" else a for a, value in call.inputs()]
        leading = np.broadcast_shapes(*(a.shape[:2] for a in arrays))
        arrays = [mx.broadcast_to(a, (*leading, *a.shape[2:])) for a in arrays]
    return mx.concatenate(arrays, axis=-1)


@lowers("expand")
def expand(call: Applied) -> mx.array:
    return call.x[..., None]


@lowers("repeat")
def repeat(call: Applied) -> mx.array:
    return mx.tile(call.x, [1] * (call.x.ndim - 1) + [call.whole("times")])


@lowers("einsum")
def einsum(call: Applied) -> mx.array:
    """Batch and time become one leading axis, Z."""
    inputs, output = str(call.options["equation"]).replace(" ", "").split("->")
    varying = [array for array, value in call.inputs() if value.over != "parameter"]
    leading = np.broadcast_shapes(*(a.shape[:2] for a in varying)) if varying else ()
    arrays, terms = [], []
    for (array, value), term in zip(call.inputs(), inputs.split(","), strict=True):
        if value.over != "parameter":
            array, term = mx.broadcast_to(array, (*leading, *value.shape)).reshape(-1, *value.shape), "Z" + term
        arrays.append(array)
        terms.append(term)
    if not varying:
        return mx.einsum(f"{','.join(terms)}->{output}", *arrays)
    flat = mx.einsum(f"{','.join(terms)}->Z{output}", *arrays)
    return flat.reshape(*leading, *flat.shape[1:])


@lowers("softmax")
def softmax(call: Applied) -> mx.array:
    return mx.softmax(call.x.astype(mx.float32), axis=-1)


@lowers("total")
def total(call: Applied) -> mx.array:
    return mx.sum(call.x, axis=-1)


@lowers("mean")
def mean(call: Applied) -> mx.array:
    return mx.mean(call.x, axis=-1)


@lowers("rms_normalize")
def rms_normalize(call: Applied) -> mx.array:
    x = call.x.astype(mx.float32)
    return x * mx.rsqrt(mx.mean(x * x, axis=-1, keepdims=True) + NORM_EPSILON)


@lowers("standardize")
def standardize(call: Applied) -> mx.array:
    x = call.x.astype(mx.float32)
    x = x - mx.mean(x, axis=-1, keepdims=True)
    return x * mx.rsqrt(mx.mean(x * x, axis=-1, keepdims=True) + NORM_EPSILON)


@lowers("l2_normalize")
def l2_normalize(call: Applied) -> mx.array:
    x = call.x.astype(mx.float32)
    return x * mx.rsqrt(mx.sum(x * x, axis=-1, keepdims=True) + NORM_EPSILON)


@lowers("clip")
def clip(call: Applied) -> mx.array:
    return mx.clip(call.x, call.number("low"), call.number("high"))


@lowers("penalty", "share")
def first(call: Applied) -> mx.array:
    return call.x
