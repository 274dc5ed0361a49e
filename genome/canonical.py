"""Canonical text of a graph: equal for graphs that compute the same by the same operations."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from genome.expressions import Name, names, substitute, text
from genome.graph import Graph, Node
from genome.operation import OPERATIONS


def digest(*parts: str) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of the parts."""
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


def canonical(graph: Graph, settings: Mapping[str, str] | None = None) -> tuple[str, tuple[str, ...]]:
    """Canonical text, and the settings in the order in which the text first uses them.

    `settings` describes each setting by name. Nodes are numbered by a depth-first walk from the output, so
    that names and the order of independent statements do not matter; arguments of commutative operations
    are ordered by what they compute and what uses them. Calls that own parameters stay distinct:
    `attend(q, q, v)` and `attend(q, k, v)` differ.
    """
    described = {name: Name(description) for name, description in (settings or {}).items()}
    ranks = _ranks(graph, described)
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
            stack.extend((i, False) for i in reversed(_ordered(graph.nodes[index], ranks)) if i is not None)
    rename: dict[str, Name] = {}
    lines = []
    for index in order:
        node = graph.nodes[index]
        for _, expression in sorted(node.options):
            for name in names(expression):
                if name in described and name not in rename:
                    rename[name] = Name(f"s{len(rename)}")
        inputs = ",".join("-" if i is None else str(number[i]) for i in _ordered(node, ranks))
        lines.append(f"{node.operation}({inputs};{_options(node, rename)})")
    return "\n".join(lines), tuple(rename)


def _options(node: Node, rename: Mapping[str, Name]) -> str:
    operation = OPERATIONS.get(node.operation)
    options = operation.given(node.options) if operation else node.options
    return ",".join(f"{k}={text(substitute(v, rename))}" for k, v in sorted(options))


def _commutative(node: Node) -> bool:
    return node.operation in OPERATIONS and OPERATIONS[node.operation].commutative


def _ordered(node: Node, ranks: list[str]) -> tuple[int | None, ...]:
    if not _commutative(node):
        return node.inputs
    return tuple(sorted(node.inputs, key=lambda i: "" if i is None else ranks[i]))


def _ranks(graph: Graph, described: Mapping[str, Name]) -> list[str]:
    """For each node a digest of the tree below it and of the uses above it, blind to which calls are the same."""
    below: list[str] = []
    for node in graph.nodes:
        inputs = ["-" if i is None else below[i] for i in node.inputs]
        if _commutative(node):
            inputs.sort()
        below.append(digest(node.operation, *inputs, ";", _options(node, described)))
    uses: list[list[str]] = [[] for _ in graph.nodes]
    above = [""] * len(graph.nodes)
    for index in reversed(range(len(graph.nodes))):
        node = graph.nodes[index]
        above[index] = digest(below[index], *sorted(uses[index]))
        for position, i in enumerate(node.inputs):
            if i is not None:
                uses[i].append(f"{0 if _commutative(node) else position} {above[index]}")
    return [b + a for b, a in zip(below, above, strict=True)]
