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
    """One call at trace time: input arrays and their types, options with defaults, own parameters, positions.

    Inputs and parameters come in `dtype`, but for tokens and decays; the result is cast to it.
    """

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


FLOAT32 = jnp.dtype(jnp.float32)
DECAYS = ("decay", "log_decay")
SHAPERS = ("split_heads", "merge_heads", "split", "concat", "expand", "repeat", "shift")

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
    """Apply a program to arrays [B, T, *features] (tokens: [B, T]).

    What varies over the stream is computed in `dtype`. What depends on parameters or positions alone, and the
    arithmetic that leads to a decay, stay in float32: numbers near one, and positions beyond 256, need it.
    """
    shared = dict(zip(program.reads.values(), reads, strict=True))
    precise = _towards_decays(program)
    values: list[jax.Array] = list(arguments)
    penalties: list[jax.Array] = []
    for index, node in enumerate(program.nodes[len(arguments) :], len(arguments)):
        if index in shared:
            values.append(shared[index])
            continue
        exact = index in precise or node.value.over != "stream"
        applied = _applied(program, node, values, parameters, length, FLOAT32 if exact else dtype)
        if node.operation == "penalty":
            loss = applied.values[1]
            assert loss is not None
            penalties.append(applied.number("weight") * jnp.mean(loss.astype(jnp.float32)))
        values.append(LOWERINGS[node.operation](applied).astype(applied.dtype))
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
    operation = OPERATIONS[node.operation]
    defaults = {option.name: option.default for option in operation.options}
    types = tuple(None if i is None else program.nodes[i].value for i in node.inputs)
    kept = [i in _decays(node) or (value is not None and value.tokens) for i, value in zip(node.inputs, types)]
    return Applied(
        tuple(
            None if i is None else values[i] if as_is else values[i].astype(dtype)
            for i, as_is in zip(node.inputs, kept, strict=True)
        ),
        types,
        {**defaults, **node.options},
        tuple(parameters[name].astype(dtype) for name in node.parameters),
        node.value,
        length,
        dtype,
    )


def _decays(node: TypedNode) -> set[int]:
    """Inputs of a call that are decays of a recurrence."""
    ports = OPERATIONS[node.operation].ports
    if not any(port.name in DECAYS for port in ports):
        return set()
    return {i for port, i in zip(ports, node.inputs, strict=True) if port.name in DECAYS and i is not None}


def _towards_decays(program: Program) -> set[int]:
    """Nodes that lead to a decay by arithmetic alone, the last product with a matrix left out."""
    found: set[int] = set()
    for index in reversed(range(len(program.nodes))):
        node = program.nodes[index]
        found |= _decays(node)
        if index in found and node.operation in OPERATIONS and _elementwise(node.operation):
            found.update(i for i in node.inputs if i is not None)
    return found


def _elementwise(operation: str) -> bool:
    return OPERATIONS[operation].family == "pointwise" or operation in ("gain", "offset", "clip", *SHAPERS)


def spread(array: jax.Array, value: Value) -> jax.Array:
    """A parameter gains batch and time axes of size one, so that all arrays are [B, T, *features]."""
    return array[None, None] if value.over == "parameter" else array
