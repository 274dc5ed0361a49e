"""The lowering of programs in any framework: a walk over a program's graph, and over the calls of a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

from backends.arrays import Array, Dtype
from backends.plan import Call
from backends.precision import decay_inputs, precise_nodes
from backends.table import Applied, Table
from genome.operation import OPERATIONS
from genome.typing import Program, TypedNode


@dataclass(frozen=True, slots=True)
class Lowered(Generic[Array]):
    """What a program computed: its result, the values it shares, and the sum of its penalties."""

    result: Array
    writes: tuple[Array, ...]
    penalty: Array | None


def run_program(
    table: Table[Array, Dtype],
    program: Program,
    parameters: Mapping[str, Array],
    arguments: Sequence[Array],
    reads: Sequence[Array],
    length: int,
    dtype: Dtype,
) -> Lowered[Array]:
    """Apply a program to arrays [B, T, *features] (tokens: [B, T]).

    Values that vary over the stream are computed in `dtype`. What depends on parameters or positions alone, and
    the arithmetic that leads to a decay, stays in float32: bfloat16 cannot tell 0.999 from 1, nor 257 from 256.
    """
    shared = dict(zip(program.reads.values(), reads, strict=True))
    precise = precise_nodes(program)
    values: dict[int, Array] = dict(enumerate(arguments))
    penalties: list[Array] = []
    for index, node in enumerate(program.nodes[len(arguments) :], len(arguments)):
        if index in shared:
            values[index] = shared[index]
            continue
        own = table.float32 if index in precise else dtype
        call = applied(program, node, values, parameters, length, own)
        if node.operation == "penalty":
            loss = call.values[1]
            assert loss is not None
            penalties.append(call.number("weight") * loss.astype(table.float32).mean())
        values[index] = computed(table, node, call)
    writes = tuple(values[index] for index in program.writes.values())
    penalty = sum(penalties[1:], penalties[0]) if penalties else None
    return Lowered(values[program.output], writes, penalty)


def run_calls(
    table: Table[Array, Dtype],
    calls: Sequence[Call],
    parameters: Sequence[Mapping[str, Array]],
    slots: Mapping[int, Array],
    penalty: Array,
    length: int,
    dtype: Dtype,
) -> tuple[dict[int, Array], Array]:
    """Apply calls in order, each with its own parameters: the slots, with what the calls fill, and `penalty` with
    what they add to it (a float32 scalar).
    """
    values = dict(slots)
    for call, own in zip(calls, parameters, strict=True):
        arguments = [values[slot] for slot in call.arguments]
        reads = [values[slot] for slot in call.reads]
        lowered = run_program(table, call.program, own, arguments, reads, length, dtype)
        values.update(zip(call.fills, (lowered.result, *lowered.writes), strict=True))
        if lowered.penalty is not None:
            penalty = penalty + lowered.penalty
    return values, penalty


def computed(table: Table[Array, Dtype], node: TypedNode, call: Applied[Array, Dtype]) -> Array:
    """The result of a node, in the type of numbers of its call."""
    return table.implementations[node.operation](call).astype(table.numbers(node.value, call.dtype))


def applied(
    program: Program,
    node: TypedNode,
    values: Mapping[int, Array],
    parameters: Mapping[str, Array],
    length: int,
    dtype: Dtype,
) -> Applied[Array, Dtype]:
    """What the implementation of a node is given, from the values of the nodes before; one that is not known counts
    as absent."""
    defaults = {option.name: option.default for option in OPERATIONS[node.operation].options}
    types = tuple(None if i is None else program.nodes[i].value for i in node.inputs)
    decays = decay_inputs(node)
    arrays = tuple(
        None
        if i is None or i not in values
        else values[i]
        if i in decays or (t and t.tokens)
        else values[i].astype(dtype)
        for i, t in zip(node.inputs, types, strict=True)
    )
    own = tuple(parameters[name].astype(dtype) for name in node.parameters)
    return Applied(arrays, types, {**defaults, **node.options}, own, node.value, length, dtype)
