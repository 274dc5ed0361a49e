"""Canonical text of a graph: equal for graphs that compute the same by the same operations."""

from __future__ import annotations

from hashlib import sha256

from genome.expressions import Name, names, substitute, text
from genome.graph import Graph
from genome.operation import OPERATIONS


def digest(*parts: str) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of the parts."""
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


def canonical(graph: Graph, settings: tuple[str, ...] = ()) -> tuple[str, tuple[str, ...]]:
    """Canonical text, and the settings in the order in which the text first uses them.

    Nodes are numbered by a depth-first walk from the output, so that names and the order of independent
    statements do not matter; arguments of commutative operations are ordered by what they compute. Calls
    that own parameters stay distinct: `attend(q, q, v)` and `attend(q, k, v)` differ.
    """
    shapes = _structure(graph)
    order: list[int] = []
    number: dict[int, int] = {}
    stack = [(graph.output, False)]
    while stack:
        index, done = stack.pop()
        if done:
            number[index] = len(order)
            order.append(index)
        elif index not in number:
            stack.append((index, True))
            stack.extend((i, False) for i in reversed(_ordered(graph, index, shapes)) if i is not None)
    rename: dict[str, Name] = {}
    lines = []
    for index in order:
        node = graph.nodes[index]
        for _, expression in node.options:
            for name in names(expression):
                if name in settings and name not in rename:
                    rename[name] = Name(f"s{len(rename)}")
        options = ",".join(f"{k}={text(substitute(v, rename))}" for k, v in sorted(node.options))
        inputs = ",".join("-" if i is None else str(number[i]) for i in _ordered(graph, index, shapes))
        lines.append(f"{node.operation}({inputs};{options})")
    return "\n".join(lines), tuple(rename)


def _ordered(graph: Graph, index: int, shapes: list[str]) -> tuple[int | None, ...]:
    node = graph.nodes[index]
    operation = OPERATIONS.get(node.operation)
    if operation is None or not operation.commutative:
        return node.inputs
    return tuple(sorted(node.inputs, key=lambda i: "" if i is None else shapes[i]))


def _structure(graph: Graph) -> list[str]:
    """For each node a digest of the tree below it, blind to which calls are the same."""
    shapes: list[str] = []
    for node in graph.nodes:
        operation = OPERATIONS.get(node.operation)
        inputs = ["-" if i is None else shapes[i] for i in node.inputs]
        if operation is not None and operation.commutative:
            inputs.sort()
        options = [f"{k}={text(v)}" for k, v in sorted(node.options)]
        shapes.append(digest(node.operation, *inputs, ";", *options))
    return shapes
