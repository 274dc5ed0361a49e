"""The lowering of a program: a walk over its graph, each call by its entry in the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from backends.jax import pointwise, sequence  # noqa: F401  (fill the table)
from backends.jax.table import LOWERINGS, Applied
from backends.precision import decay_inputs, precise_nodes
from genome.operation import OPERATIONS
from genome.typing import Program, TypedNode

FLOAT32 = jnp.dtype(jnp.float32)


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

    Values that vary over the stream are computed in `dtype`. What depends on parameters or positions alone, and
    the arithmetic that leads to a decay, stays in float32: bfloat16 cannot tell 0.999 from 1, nor 257 from 256.
    """
    shared = dict(zip(program.reads.values(), reads, strict=True))
    precise = precise_nodes(program)
    values: list[jax.Array] = list(arguments)
    penalties: list[jax.Array] = []
    for index, node in enumerate(program.nodes[len(arguments) :], len(arguments)):
        if index in shared:
            values.append(shared[index])
            continue
        own = FLOAT32 if index in precise else dtype
        applied = _applied(program, node, values, parameters, length, own)
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
    defaults = {option.name: option.default for option in OPERATIONS[node.operation].options}
    types = tuple(None if i is None else program.nodes[i].value for i in node.inputs)
    decays = decay_inputs(node)
    arrays = tuple(
        None if i is None else values[i] if i in decays or (t and t.tokens) else values[i].astype(dtype)
        for i, t in zip(node.inputs, types, strict=True)
    )
    own = tuple(parameters[name].astype(dtype) for name in node.parameters)
    return Applied(arrays, types, {**defaults, **node.options}, own, node.value, length, dtype)
