"""Operations that own learned parameters."""

from __future__ import annotations

from typing import Literal

from genome.errors import GenomeError
from genome.operation import Parameter, Result, operation
from genome.values import Sizes, Value


@operation(owns=True)
def linear(x: Value, features: int | None = None, bias: bool = False) -> Result:
    """Multiply the last axis by a learned matrix; as many outputs as inputs unless `features` says otherwise."""
    if not x.shape or x.tokens:
        raise GenomeError(f"linear needs a value with a feature axis, not {x}")
    inputs = x.shape[-1]
    outputs = features or inputs
    rows = x.elements // inputs
    weight = Parameter("weight", (inputs, outputs), "normal", inputs**-0.5)
    parameters = (weight, Parameter("bias", (outputs,), "zeros")) if bias else (weight,)
    flops = 2 * rows * inputs * outputs + (rows * outputs if bias else 0)
    return Result(x.like((*x.shape[:-1], outputs)), parameters, flops)


@operation(owns=True)
def weight(
    *shape: int, initial: Literal["normal", "zeros", "ones", "uniform"] = "normal", scale: float | None = None
) -> Result:
    """A learned array of the given shape; normal and uniform starts scale by the square root of the first size."""
    if not 1 <= len(shape) <= 3:
        raise GenomeError(f"weight takes one to three sizes, not {len(shape)}")
    spread = shape[-2] ** -0.5 if len(shape) > 1 else 1.0
    parameter = Parameter("value", shape, initial, spread if scale is None else scale)
    return Result(Value(shape, "parameter"), (parameter,))


@operation(owns=True)
def gain(x: Value, initial: float = 1.0) -> Result:
    """Multiply every feature by a learned number."""
    if x.tokens:
        raise GenomeError("gain needs features, not tokens")
    start = Parameter("gain", x.shape, "ones", initial)
    return Result(x.like(), (start,), x.elements)


@operation(owns=True)
def offset(x: Value, initial: float = 0.0) -> Result:
    """Add a learned number to every feature."""
    if x.tokens:
        raise GenomeError("offset needs features, not tokens")
    start = Parameter("offset", x.shape, "ones", initial)
    return Result(x.like(), (start,), x.elements)


@operation()
def lookup(table: Value, tokens: Value) -> Result:
    """The rows of a table (vocabulary x features) at the tokens."""
    if len(table.shape) != 2 or table.over != "parameter":
        raise GenomeError(f"lookup needs a table of two axes, such as weight(vocabulary, width), not {table}")
    if not tokens.tokens:
        raise GenomeError(f"lookup needs tokens, not {tokens}")
    return Result(Value((table.shape[1],), "stream"), flops=table.shape[1] + 6)  # guarded against foreign tokens


@operation(owns=True)
def position_embedding(features: int | None = None, *, sizes: Sizes) -> Result:
    """A learned vector for every position of the training context."""
    size = features or sizes.width
    table = Parameter("table", (sizes.context, size), "normal", 0.02)
    return Result(Value((size,), "position"), (table,))
