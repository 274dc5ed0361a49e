"""JAX implementations of parameters, arithmetic, pointwise functions and feature operations."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from backends.jax.kernels.products import project
from backends.jax.table import Applied, lowers, spread

NORM_EPSILON = 1e-6


@lowers("linear")
def linear(call: Applied) -> jax.Array:
    y = project(call.x, call.parameters[0])
    return y + call.parameters[1] if len(call.parameters) > 1 else y


@lowers("weight")
def weight(call: Applied) -> jax.Array:
    return call.parameters[0]


@lowers("gain")
def gain(call: Applied) -> jax.Array:
    return call.x * call.parameters[0]


@lowers("offset")
def offset(call: Applied) -> jax.Array:
    return call.x + call.parameters[0]


@lowers("lookup")
def lookup(call: Applied) -> jax.Array:
    table, tokens = call.values
    assert table is not None
    assert tokens is not None
    return jnp.take(table, tokens, axis=0)


@lowers("constant")
def constant(call: Applied) -> jax.Array:
    return jnp.asarray(call.number("value"), call.dtype)


@lowers("ramp")
def ramp(call: Applied) -> jax.Array:
    return jnp.linspace(call.number("first"), call.number("last"), call.whole("size"), dtype=call.dtype)


_FUNCTIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "exp": jnp.exp,
    "log": jnp.log,
    "sqrt": jnp.sqrt,
    "rsqrt": jax.lax.rsqrt,
    "square": jnp.square,
    "absolute": jnp.abs,
    "sigmoid": jax.nn.sigmoid,
    "log_sigmoid": jax.nn.log_sigmoid,
    "softplus": jax.nn.softplus,
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "silu": jax.nn.silu,
    "gelu": jax.nn.gelu,
    "sin": jnp.sin,
    "cos": jnp.cos,
    "negative": jnp.negative,
}

_BINARY: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "add": jnp.add,
    "subtract": jnp.subtract,
    "multiply": jnp.multiply,
    "divide": jnp.divide,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
}


def _function(function: Callable[[jax.Array], jax.Array]) -> Callable[[Applied], jax.Array]:
    return lambda call: function(call.x)


def _binary(function: Callable[[jax.Array, jax.Array], jax.Array]) -> Callable[[Applied], jax.Array]:
    return lambda call: function(*_aligned(call))


for _name, _pointwise in _FUNCTIONS.items():
    lowers(_name)(_function(_pointwise))
for _name, _arithmetic in _BINARY.items():
    lowers(_name)(_binary(_arithmetic))


def _aligned(call: Applied) -> list[jax.Array]:
    """Both inputs with as many feature axes as the result, so that trailing axes meet."""
    arrays = []
    for array, value in zip(call.values, call.types, strict=True):
        assert array is not None
        assert value is not None
        missing = len(call.result.shape) - len(value.shape)
        if value.over != "parameter" and missing:
            array = array.reshape(*array.shape[:2], *(1,) * missing, *value.shape)
        arrays.append(array)
    return arrays


@lowers("split_heads")
def split_heads(call: Applied) -> jax.Array:
    heads = call.whole("heads")
    return call.x.reshape(*call.x.shape[:-1], heads, call.x.shape[-1] // heads)


@lowers("merge_heads")
def merge_heads(call: Applied) -> jax.Array:
    return call.x.reshape(*call.x.shape[:-2], -1)


@lowers("split")
def split(call: Applied) -> jax.Array:
    size = call.x.shape[-1] // call.whole("parts")
    start = size * (call.whole("index") - 1)
    return jax.lax.slice_in_dim(call.x, start, start + size, axis=-1)


@lowers("concat")
def concat(call: Applied) -> jax.Array:
    arrays = [a for a in call.values if a is not None]
    if call.result.over != "parameter":
        arrays = [spread(a, t) for a, t in zip(arrays, call.types, strict=True) if t is not None]
        leading = jnp.broadcast_shapes(*(a.shape[:2] for a in arrays))
        arrays = [jnp.broadcast_to(a, (*leading, *a.shape[2:])) for a in arrays]
    return jnp.concatenate(arrays, axis=-1)


@lowers("expand")
def expand(call: Applied) -> jax.Array:
    return call.x[..., None]


@lowers("repeat")
def repeat(call: Applied) -> jax.Array:
    return jnp.tile(call.x, call.whole("times"))


@lowers("einsum")
def einsum(call: Applied) -> jax.Array:
    """Batch and time become one leading axis, so that gradients of parameters are plain products."""
    inputs, output = str(call.options["equation"]).replace(" ", "").split("->")
    arrays, terms = [], []
    varying = [
        a for a, t in zip(call.values, call.types, strict=True) if a is not None and t and t.over != "parameter"
    ]
    leading = jnp.broadcast_shapes(*(a.shape[:2] for a in varying)) if varying else ()
    for array, value, term in zip(call.values, call.types, inputs.split(","), strict=True):
        assert array is not None
        assert value is not None
        if value.over == "parameter":
            arrays.append(array)
            terms.append(term)
        else:
            whole = jnp.broadcast_to(array, (*leading, *value.shape))
            arrays.append(whole.reshape(-1, *value.shape))
            terms.append("Z" + term)
    if not varying:
        return jnp.einsum(f"{','.join(terms)}->{output}", *arrays)
    flat = jnp.einsum(f"{','.join(terms)}->Z{output}", *arrays)
    return flat.reshape(*leading, *flat.shape[1:])


@lowers("softmax")
def softmax(call: Applied) -> jax.Array:
    return jax.nn.softmax(call.x.astype(jnp.float32), axis=-1)


@lowers("total")
def total(call: Applied) -> jax.Array:
    return jnp.sum(call.x, axis=-1)


@lowers("mean")
def mean(call: Applied) -> jax.Array:
    return jnp.mean(call.x, axis=-1)


@lowers("rms_normalize")
def rms_normalize(call: Applied) -> jax.Array:
    x = call.x.astype(jnp.float32)
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + NORM_EPSILON)


@lowers("standardize")
def standardize(call: Applied) -> jax.Array:
    x = call.x.astype(jnp.float32)
    x = x - jnp.mean(x, axis=-1, keepdims=True)
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + NORM_EPSILON)


@lowers("l2_normalize")
def l2_normalize(call: Applied) -> jax.Array:
    x = call.x.astype(jnp.float32)
    return x * jax.lax.rsqrt(jnp.sum(x * x, axis=-1, keepdims=True) + NORM_EPSILON)


@lowers("clip")
def clip(call: Applied) -> jax.Array:
    return jnp.clip(call.x, call.number("low"), call.number("high"))


@lowers("penalty", "share")
def first(call: Applied) -> jax.Array:
    return call.x
