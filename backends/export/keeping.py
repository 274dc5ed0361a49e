"""What decoding keeps of a component between calls: a name and a shape for each array."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backends.export.sizes import Size, size_text
from backends.export.text import INDENT, Names, statement
from genome.operation import OPERATIONS
from genome.typing import Program, TypedNode

_HEADS = ("attend", "linear_attention", "delta_rule", "generalized_delta_rule", "lstm")
"""Operations that need all inputs for every sequence where one varies over sequences."""

PLACED = ("rope", "position", "sinusoid", "position_embedding")
"""Operations that keep nothing, and need to know how many positions were read."""


@dataclass(frozen=True)
class Kept:
    """An array that decoding keeps: of every sequence, or one for all."""

    name: str
    shape: tuple[int, ...]
    shared: bool

    @property
    def lines(self) -> list[str]:
        """Its entry in a dictionary of shapes, with the numbers in a comment where the text has names."""
        leading = ["1" if self.shared else "batch"]
        sizes = [*leading, *(size_text(size, "self") for size in self.shape)]
        text = ", ".join(sizes) if len(sizes) > 1 else f"{sizes[0]},"
        numbers = ", ".join(["1" if self.shared else "B", *(str(int(size)) for size in self.shape)])
        named = any(isinstance(size, Size) for size in self.shape)
        return statement(f'"{self.name}": ({text}),', f"[{numbers}]" if named else "", depth=3)


@dataclass(frozen=True)
class Keeping:
    """What a component keeps: last values by their node and by whether all sequences share them, and what calls carry."""

    histories: dict[tuple[int, bool], Kept]
    recurrences: dict[int, Kept]

    @property
    def arrays(self) -> list[Kept]:
        return [*self.histories.values(), *self.recurrences.values()]

    @property
    def lines(self) -> list[str]:
        """The method that gives their shapes."""
        head = f"{INDENT}def kept(self, batch: int) -> dict[str, tuple[int, ...]]:"
        about = f'{INDENT * 2}"""Shapes of what decoding keeps."""'
        entries = [line for kept in self.arrays for line in kept.lines]
        return [head, about, f"{INDENT * 2}return {{", *entries, f"{INDENT * 2}}}"]

    def arguments(self, program: Program, index: int, past: str) -> str:
        """What the call of a node takes for decoding, after a comma; "" where the past does not matter to it.

        Penalties belong to training: what they alone depend on never sees the past.
        """
        node = program.nodes[index]
        if index not in program.decoded:
            return ""
        if node.operation in PLACED:
            return f", {past}"
        names = [f'"{self.histories[key].name}"' for key, _ in _looks_back(program, node)]
        if node.recurrent is not None and node.operation != "attend":
            name = f'"{self.recurrences[index].name}"'
            return f", past={past}, name={name}" if None in node.inputs else f", {past}, {name}"
        if not names:
            return ""
        given = names[0] if len(names) == 1 else f"({', '.join(names)})"
        return f", {past}, {given}"


def keeping(program: Program, name_of: Callable[[int], str]) -> Keeping:
    """Names and shapes for a program; `name_of` gives the name of a node's value."""
    names = Names()
    lengths: dict[tuple[int, bool], int] = {}
    for node in (program.nodes[index] for index in sorted(program.decoded)):
        for key, positions in _looks_back(program, node):
            lengths[key] = max(lengths.get(key, 0), positions, key=int)
    histories = {
        (index, shared): Kept(names.fresh(name_of(index)), (length, *program.nodes[index].value.shape), shared)
        for (index, shared), length in lengths.items()
    }
    recurrences = {
        index: Kept(names.fresh(name_of(index)), node.recurrent, node.value.over != "stream")
        for index, node in enumerate(program.nodes)
        if node.recurrent is not None and index in program.decoded
    }
    return Keeping(histories, recurrences)


def spread(program: Program, node: TypedNode, index: int) -> str:
    """How an input that varies less than a call needs is spread: over "sequences", over "positions", or not ("")."""
    value = program.nodes[index].value
    if node.operation in _HEADS and node.value.over == "stream":
        return "sequences" if value.over != "stream" else ""
    if node.operation == "linear_scan" and index == node.inputs[0]:
        return ""
    return "positions" if value.over == "parameter" else ""


def _looks_back(program: Program, node: TypedNode) -> list[tuple[tuple[int, bool], int]]:
    """Inputs at earlier positions that a call needs: which, whether all sequences share them, how many positions."""
    found = []
    ports = OPERATIONS[node.operation].ports if node.history else ()
    for port, index in zip(ports, node.inputs, strict=False):
        positions = node.history.get(port.name, 0)
        if index is not None and positions:
            shared = program.nodes[index].value.over != "stream" and spread(program, node, index) != "sequences"
            found.append(((index, shared), positions))
    return found
