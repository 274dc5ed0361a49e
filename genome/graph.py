"""A component's body as a graph of operations in static single assignment form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from genome.errors import LanguageError
from genome.expressions import Expression, names, substitute

NODE_LIMIT = 128


@dataclass(frozen=True, slots=True)
class Node:
    """One call of an operation.

    `inputs` are indices of earlier nodes, in the order of the operation's value parameters (None where an
    optional one is absent); `options` are static expressions by name. `name` is the assigned name in the
    source ("" for a nested call) and, with the place, plays no part in equality.
    """

    operation: str
    inputs: tuple[int | None, ...] = ()
    options: tuple[tuple[str, Expression], ...] = ()
    name: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)
    column: int = field(default=0, compare=False)

    @property
    def values(self) -> tuple[int, ...]:
        """Indices of the inputs that are present."""
        return tuple(i for i in self.inputs if i is not None)

    def bind(self, values: Mapping[str, Expression]) -> Node:
        """The call with names in its options replaced by values."""
        if not self.options:
            return self
        try:
            return replace(self, options=tuple((k, substitute(v, values)) for k, v in self.options))
        except LanguageError as error:
            raise LanguageError(error.reason, self.line, self.column) from None


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in an order in which each comes after its inputs; node indices are the values' names.

    The first `inputs` nodes are the component's arguments (operation "input").
    """

    inputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    output: int

    def bind(self, values: Mapping[str, Expression]) -> Graph:
        """The graph with settings (or sizes) replaced by values.

        Raises LanguageError with the place of the call where an option cannot be computed.
        """
        return Graph(self.inputs, tuple(node.bind(values) for node in self.nodes), self.output)

    def names(self) -> set[str]:
        """Settings and sizes that the options use."""
        return {name for node in self.nodes for _, expression in node.options for name in names(expression)}

    def pruned(self) -> Graph:
        """The graph without nodes that the output does not need; arguments stay."""
        needed = reachable(self.nodes, self.output) | set(range(len(self.inputs)))
        kept = sorted(needed)
        moved = {old: new for new, old in enumerate(kept)}
        nodes = tuple(
            replace(node, inputs=tuple(None if i is None else moved[i] for i in node.inputs))
            for node in (self.nodes[i] for i in kept)
        )
        return Graph(self.inputs, nodes, moved[self.output])


def reachable(nodes: tuple[Node, ...], output: int) -> set[int]:
    """Indices of the nodes that the output depends on, itself included."""
    seen: set[int] = set()
    stack = [output]
    while stack:
        index = stack.pop()
        if index not in seen:
            seen.add(index)
            stack.extend(nodes[index].values)
    return seen
