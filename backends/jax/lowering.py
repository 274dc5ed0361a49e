"""One table from operation to JAX implementation, and the lowering of a program by walking its graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from genome.expressions import Scalar
from genome.operation import OPERATIONS
from genome.typing import Program, TypedNode
from genome.values import Value


@dataclass(frozen=True, slots=True)
class Applied:
    """One call at trace time: input arrays and their types, options with defaults, own parameters, positions."""

    values: tuple[jax.Array | None, ...]
    types: tuple[Value | None, ...]
    options: dict[str, Scalar | None]
    parameters: tuple[jax.Array, ...]
    result: Value
    length: int
    dtype: jnp.dtype

    @property
    def x(self) -> jax.Array:
        """The first input."""
        value = self.values[0]
        assert value is not None
        return value

    def whole(self, name: str) -> int:
        """An option that is a whole number."""
        return int(self.options[name] or 0)

    def number(self, name: str) -> float:
        """An option that is a number."""
        return float(self.options[name] or 0.0)


Lowering = Callable[[Applied], jax.Array]
LOWERINGS: dict[str, Lowering] = {}


def lowers(*names: str) -> Callable[[Lowering], Lowering]:
    """Declare the implementation of operations."""

    def declare(function: Lowering) -> Lowering:
        LOWERINGS.update(dict.fromkeys(names, function))
        return function

    return declare


@dataclass(frozen=True, slots=True)
class Lowered:
    """What a program computed: its result, the values it shares, and the sum of its penalties."""

    result: jax.Array
    writes: tuple[jax.Array, ...]
    penalty: jax.Array | None


def run_program(
    program: Program,
    parameters: dict[str, jax.Array],
    arguments: Sequence[jax.Array],
    reads: Sequence[jax.Array],
    length: int,
    dtype: jnp.dtype,
) -> Lowered:
    """Apply a program to arrays [B, T, *features] (tokens: [B, T]); computes in `dtype`."""
    shared = dict(zip(program.reads.values(), reads, strict=True))
    values: list[jax.Array] = list(arguments)
    penalties: list[jax.Array] = []
    for index, node in enumerate(program.nodes[len(arguments) :], len(arguments)):
        if index in shared:
            values.append(shared[index])
            continue
        applied = _applied(program, node, values, parameters, length, dtype)
        if node.operation == "penalty":
            loss = applied.values[1]
            assert loss is not None
            penalties.append(applied.number("weight") * jnp.mean(loss.astype(jnp.float32)))
        values.append(LOWERINGS[node.operation](applied))
    writes = tuple(values[index] for index in program.writes.values())
    penalty = sum(penalties[1:], penalties[0]) if penalties else None
    return Lowered(values[program.output], writes, penalty)


def _applied(
    program: Program,
    node: TypedNode,
    values: list[jax.Array],
    parameters: dict[str, jax.Array],
    length: int,
    dtype: jnp.dtype,
) -> Applied:
    defaults = {option.name: option.default for option in OPERATIONS[node.operation].options}
    return Applied(
        tuple(None if i is None else values[i] for i in node.inputs),
        tuple(None if i is None else program.nodes[i].value for i in node.inputs),
        {**defaults, **node.options},
        tuple(parameters[name].astype(dtype) for name in node.parameters),
        node.value,
        length,
        dtype,
    )


def spread(array: jax.Array, value: Value) -> jax.Array:
    """A parameter gains batch and time axes of size one, so that all arrays are [B, T, *features]."""
    return array[None, None] if value.over == "parameter" else array
