"""What a unit's forward pass keeps for its gradient, and what the backward pass makes again.

A product or an exponential is worth keeping. A sum, a copy or a mask of kept values is made again faster than it is
written and read: at 512 positions of width 48 it is the memory that a training step waits for, on a CPU as on a GPU.

JAX rounds what is kept to its own type, lest XLA kept a number of more digits on one of both ways. A CPU has none
between float32 and its results; there the rounding would be one more copy of every kept array.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.extend.core.primitives import reduce_precision_p
from jax.extend.mlir.dialects import stablehlo
from jax.interpreters import mlir

ARITHMETIC = (
    "add",
    "add_any",
    "sub",
    "mul",
    "neg",
    "abs",
    "sign",
    "square",
    "integer_pow",
    "max",
    "min",
    "complex",
)
CHOICES = ("eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "select_n", "clamp")
TYPES = ("convert_element_type", "reduce_precision", "stop_gradient", "copy", "optimization_barrier")
SHAPES = ("broadcast_in_dim", "reshape", "transpose", "squeeze", "expand_dims", "rev", "tile", "iota")
PARTS = ("slice", "dynamic_slice", "split", "pad", "concatenate")
OWN_DERIVATIVES = ("custom_jvp_call",)
"""A rectifier, and the softplus, whose exponentials are kept as they are."""

CHEAP = frozenset((*ARITHMETIC, *CHOICES, *TYPES, *SHAPES, *PARTS, *OWN_DERIVATIVES))
"""Primitives of JAX that compute a number from few others, or only move it."""


def is_worth_keeping(primitive: Primitive, *types: Any, **options: Any) -> bool:
    """A policy of `jax.checkpoint`: whether a result is kept.

    JAX cannot keep complex numbers so, which a Fourier transform of real ones makes.
    """
    if primitive.name == "fft":
        return jnp.issubdtype(types[0].dtype, jnp.complexfloating)
    return primitive.name not in CHEAP


FLOAT32_BITS = (8, 23)
"""Of the exponent and of the mantissa."""


def _rounded_on_cpu(context: Any, x: Any, *, exponent_bits: int, mantissa_bits: int) -> Any:
    if context.avals_in[0].dtype == jnp.float32 and (exponent_bits, mantissa_bits) == FLOAT32_BITS:
        return [x]
    return stablehlo.ReducePrecisionOp(x, mlir.i32_attr(exponent_bits), mlir.i32_attr(mantissa_bits)).results


mlir.register_lowering(reduce_precision_p, _rounded_on_cpu, platform="cpu")
