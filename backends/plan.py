"""The order in which an instance's programs run, and which values pass between them.

Values are numbered slots. Slot 0 holds the tokens, which every program may read; every call fills one slot, and one
more for each value that it shares with later blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

from genome.instance import Instance, PlacedProgram
from genome.operations.tokens import INPUT_TOKENS
from genome.typing import Program

TOKENS = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One program applied to slots: arguments, values read from earlier blocks, result, and values shared."""

    path: str
    program: Program
    arguments: tuple[int, ...]
    reads: tuple[int, ...]
    result: int
    writes: tuple[int, ...]

    @property
    def takes(self) -> tuple[int, ...]:
        return self.arguments + self.reads

    @property
    def fills(self) -> tuple[int, ...]:
        return (self.result, *self.writes)


def plan(instance: Instance) -> tuple[Call, ...]:
    """Every call in order; the last one fills the scores of the next token."""
    calls: list[Call] = []
    shared = {INPUT_TOKENS: TOKENS}
    slots = 1

    def run(placed: PlacedProgram, arguments: tuple[int, ...]) -> int:
        nonlocal slots
        program = placed.program
        result, writes = slots, tuple(range(slots + 1, slots + 1 + len(program.writes)))
        slots += 1 + len(writes)
        reads = tuple(shared[name] for name in program.reads)
        calls.append(Call(placed.path, program, arguments, reads, result, writes))
        shared.update(zip(program.writes, writes, strict=True))
        return result

    def chain(branch: tuple[PlacedProgram, ...], slot: int) -> int:
        for placed in branch:
            slot = run(placed, (slot,))
        return slot

    stream = chain(instance.embedding, TOKENS)
    for block in instance.blocks:
        results = [chain(branch, stream) for branch in block.branches]
        joined = results[0]
        for merge, other in zip(block.merges, results[1:], strict=True):
            joined = run(merge, (joined, other))
        stream = joined if block.residual is None else run(block.residual, (stream, joined))
    chain(instance.head, stream)
    return tuple(calls)
