"""The table of operations in JAX: what JAX words differently, and its functions for what all frameworks share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from backends import table
from backends.decoding import Decoding
from backends.features import declare_features
from backends.jax.kernels import (
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
from backends.jax.kernels.losses import cross_entropy
from backends.jax.kernels.products import multiply, project
from backends.kernels import Kernels
from backends.positions import sinusoid_table
from backends.sequence import declare_sequence

Applied = table.Applied[jax.Array, jnp.dtype]
TABLE: table.Table[jax.Array, jnp.dtype] = table.Table(jnp.dtype(jnp.float32), jnp.dtype(jnp.int32))
lowers = TABLE.lowers


@lowers("linear")
def linear(call: Applied) -> jax.Array:
    matrix, *bias = call.parameters
    y = project(call.x, matrix)
    return y + bias[0] if bias else y


@lowers("lookup")
def lookup(call: Applied) -> jax.Array:
    (table, _), (tokens, _) = call.inputs()
    return jnp.take(table, tokens, axis=0)


@lowers("constant")
def constant(call: Applied) -> jax.Array:
    return jnp.asarray(call.number("value"), call.dtype)


@lowers("ramp")
def ramp(call: Applied) -> jax.Array:
    return jnp.linspace(call.number("first"), call.number("last"), call.whole("size"), dtype=call.dtype)


FUNCTIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
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

ARITHMETIC: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "add": jnp.add,
    "subtract": jnp.subtract,
    "multiply": multiply,
    "divide": jnp.divide,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
}


@lowers("split")
def split(call: Applied) -> jax.Array:
    size = call.x.shape[-1] // call.whole("parts")
    start = size * (call.whole("index") - 1)
    return jax.lax.slice_in_dim(call.x, start, start + size, axis=-1)


@lowers("repeat")
def repeat(call: Applied) -> jax.Array:
    return jnp.tile(call.x, call.whole("times"))


@lowers("softmax")
def softmax(call: Applied) -> jax.Array:
    return jax.nn.softmax(call.x.astype(jnp.float32), axis=-1)


@lowers("surprise")
def surprise(call: Applied) -> jax.Array:
    (scores, _), (tokens, _) = call.inputs()
    return cross_entropy(scores, tokens)[0]


@lowers("clip")
def clip(call: Applied) -> jax.Array:
    low, high = (jnp.asarray(call.number(name), call.dtype) for name in ("low", "high"))
    return jax.lax.clamp(low, call.x, high)


@lowers("position")
def position(call: Applied) -> jax.Array:
    return jnp.arange(call.length, dtype=call.dtype)[None, :, None]


@lowers("sinusoid")
def sinusoid(call: Applied) -> jax.Array:
    return jnp.asarray(sinusoid_table(call.length, call.whole("features")))[None]


KERNELS = Kernels(
    broadcast_to=jnp.broadcast_to,
    concatenate=jnp.concatenate,
    rsqrt=jax.lax.rsqrt,
    einsum=jnp.einsum,
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
    array=jnp.asarray,
    zeros=jnp.zeros,
    arange=jnp.arange,
    exp=jnp.exp,
    tanh=jnp.tanh,
    sigmoid=jax.nn.sigmoid,
    log_sigmoid=jax.nn.log_sigmoid,
    maximum=jnp.maximum,
    softmax=jax.nn.softmax,
    where=jnp.where,
    take=partial(jnp.take, axis=1),
    write=partial(jax.lax.dynamic_update_slice_in_dim, axis=1),
)

TABLE.declare_pointwise(FUNCTIONS)
TABLE.declare_arithmetic(ARITHMETIC)
declare_features(TABLE, KERNELS)
declare_sequence(TABLE, KERNELS)

DECODING = Decoding(TABLE, KERNELS)
