"""Decoding in any framework: programs applied to one position after another, from a state of constant size.

Every value is of one of three sorts. What depends on parameters alone is computed as in the parallel form. What
depends on positions besides is a table over the context, which the parallel form fills once and every step looks up.
What depends on the sequence is computed for the current position, by the operation's own implementation or, where it
looks back or knows where it is, by its step (`backends.steps`) from what the positions before have left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, NamedTuple

import numpy as np

from backends.arrays import Array, Dtype
from backends.kernels import Kernels
from backends.lowering import applied, computed
from backends.plan import TOKENS, Call
from backends.precision import precise_nodes
from backends.steps import Current, History, Step, decoding_steps
from backends.table import Applied, Table
from genome.operation import OPERATIONS
from genome.typing import Program, TypedNode
from genome.values import Sizes

Parameters = Sequence[Mapping[str, Array]]
"""Learned arrays of each call by local name."""

Tables = list[dict[int, Array]]
"""For each call, [1, context, *features] of the nodes that depend on positions and are read by others."""


class Memory(NamedTuple, Generic[Array]):
    """What one call keeps between positions, by node: `Program.histories` and `Program.recurrences` with a batch.

    Histories are [B, positions, *features] in the type of numbers of the node (tokens: int32), recurrences float32
    [B, *shape].
    """

    histories: dict[int, Array]
    recurrences: dict[int, Array]


@dataclass(frozen=True)
class Decoding(Generic[Array, Dtype]):
    """How a framework decodes: its implementations of operations, and the kernels that steps are made of."""

    table: Table[Array, Dtype]
    kernels: Kernels[Array]

    @cached_property
    def steps(self) -> dict[str, Step[Array]]:
        """Steps by operation; the others need only the current position."""
        return decoding_steps(self.kernels)

    def start(self, calls: Sequence[Call], batch: int, dtype: Dtype) -> list[Memory[Array]]:
        """The state before the first position of `batch` sequences: zeros."""
        return [self._start(call.program, batch, dtype) for call in calls]

    def tables(self, calls: Sequence[Call], parameters: Parameters[Array], context: int) -> Tables[Array]:
        """Tables of every call, by the parallel form."""
        slots: dict[int, Array] = {}
        return [self._tables(call, own, slots, context) for call, own in zip(calls, parameters, strict=True)]

    def step(
        self,
        calls: Sequence[Call],
        parameters: Parameters[Array],
        tables: Tables[Array],
        state: Sequence[Memory[Array]],
        position: Array,
        tokens_Bx1: Array,
        dtype: Dtype,
    ) -> tuple[Array, list[Memory[Array]]]:
        """Scores of the next token, float32 [B, vocabulary], and the state after one more position, an int32 scalar
        that counts from 0 and stays below the context of `tables`."""
        slots, after = {TOKENS: tokens_Bx1}, []
        for call, own, fixed, memory in zip(calls, parameters, tables, state, strict=True):
            after.append(self._step(call, own, fixed, memory, slots, position, dtype))
        return slots[calls[-1].result].astype(self.table.float32)[:, 0], after

    def _start(self, program: Program, batch: int, dtype: Dtype) -> Memory[Array]:
        zeros, precise = self.kernels.zeros, precise_nodes(program)
        histories = {
            index: zeros(
                (batch, positions, *program.nodes[index].value.shape),
                self.table.numbers(program.nodes[index].value, self.table.float32 if index in precise else dtype),
            )
            for index, positions in program.histories.items()
        }
        recurrences = {
            index: zeros((batch, *shape), self.table.float32) for index, shape in program.recurrences.items()
        }
        return Memory(histories, recurrences)

    def _tables(
        self, call: Call, parameters: Mapping[str, Array], slots: dict[int, Array], context: int
    ) -> dict[int, Array]:
        """Tables of one call; what it shares of parameters and positions goes to the slots."""
        program = call.program
        shared = dict(zip(program.reads.values(), call.reads, strict=True))
        values: dict[int, Array] = {}
        for index, node in enumerate(program.nodes):
            if node.value.over == "stream":
                continue
            if index in shared:
                values[index] = slots[shared[index]]
            else:
                given = applied(program, node, values, parameters, context, self.table.float32)
                values[index] = computed(self.table, node, given)
        for slot, index in zip(call.writes, program.writes.values(), strict=True):
            if index in values:
                slots[slot] = values[index]
        read = {i for node in program.nodes if node.value.over == "stream" for i in node.inputs}
        return {i: array for i, array in values.items() if i in read and program.nodes[i].value.over == "position"}

    def _step(
        self,
        call: Call,
        parameters: Mapping[str, Array],
        tables: Mapping[int, Array],
        memory: Memory[Array],
        slots: dict[int, Array],
        position: Array,
        dtype: Dtype,
    ) -> Memory[Array]:
        """One position of one call; its results go to the slots."""
        program, precise = call.program, precise_nodes(call.program)
        given = {**dict(enumerate(call.arguments)), **dict(zip(program.reads.values(), call.reads, strict=True))}
        values = {i: self.kernels.take(array, position.reshape(1)) for i, array in tables.items()}
        histories = {i: History(array, array) for i, array in tables.items()}
        recurrences: dict[int, Array] = {}
        for index, node in enumerate(program.nodes):
            if node.value.over == "position" or index not in program.decoded:
                continue
            if index in given:
                values[index] = slots[given[index]]
            else:
                own = self.table.float32 if index in precise else dtype
                one = applied(program, node, values, parameters, 1, own)
                if node.value.over == "stream" and node.operation in self.steps:
                    past = memory.recurrences.get(index)
                    now = self._current(program, node, one, values, histories, position, past)
                    y, left = self.steps[node.operation](now)
                    y = y.reshape(y.shape[0], 1, *y.shape[1:])
                    values[index] = y.astype(self.table.numbers(node.value, own))
                    if left is not None:
                        recurrences[index] = left
                else:
                    values[index] = computed(self.table, node, one)
            if index in memory.histories:
                before = memory.histories[index]
                place = position % before.shape[1]
                after = self.kernels.write(before, values[index].astype(before.dtype), place)
                histories[index] = History(before, after)
        for slot, index in zip(call.fills, (program.output, *program.writes.values()), strict=True):
            if index in values:
                slots[slot] = values[index]
        return Memory({i: histories[i].after for i in memory.histories}, recurrences)

    def _current(
        self,
        program: Program,
        node: TypedNode,
        call: Applied[Array, Dtype],
        values: Mapping[int, Array],
        histories: Mapping[int, History[Array]],
        position: Array,
        recurrent: Array | None,
    ) -> Current[Array]:
        inputs = tuple(
            (array[None] if value.over == "parameter" else array[:, 0]).astype(
                self.table.numbers(value, self.table.float32)
            )
            for array, value in call.inputs()
        )
        by_port = {}
        for port, index in zip(OPERATIONS[node.operation].ports, node.inputs, strict=True):
            if index is not None and port.name in node.history and node.history[port.name]:
                by_port[port.name] = histories.get(index) or self._constant(values[index])
        return Current(call, position, inputs, by_port, node.history, recurrent)

    def _constant(self, array: Array) -> History[Array]:
        """The history of a parameter, which is the same at all positions."""
        return History(array[None, None], array[None, None])


def bytes_per_sequence(state: Sequence[Memory[Array]]) -> int:
    """Bytes of a state that belong to one sequence."""
    arrays = (array for memory in state for own in memory for array in own.values())
    return sum(array.nbytes // array.shape[0] for array in arrays)


def check_step(position: int, sizes: Sizes, tokens_B: np.ndarray, batch: int) -> None:
    """Raise ValueError unless one token of the vocabulary per sequence comes at a position of the context."""
    if position >= sizes.context:
        raise ValueError(f"the sequences have {position} tokens, as many as the context of the model")
    if tokens_B.shape != (batch,) or tokens_B.min() < 0 or tokens_B.max() >= sizes.vocabulary:
        raise ValueError(f"a step takes {batch} tokens from 0 to {sizes.vocabulary - 1}, one of each sequence")
