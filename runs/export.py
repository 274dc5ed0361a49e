"""The genealogy as a graph in Graphviz's dot or in GraphML: an edge from every parent to its child."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from runs.records import Ancestry

NAMESPACE = "http://graphml.graphdrawing.org/xmlns"

_ATTRIBUTES = (
    ("generation", "int"),
    ("operator", "string"),
    ("status", "string"),
    ("score", "double"),
    ("gain", "double"),
    ("edits", "string"),
)
"""What a node carries in GraphML, with its type there; an edge has the parent's position."""

_SHAPES = {"evaluated": "box", "screened": "ellipse"}


def dot(rows: Sequence[Ancestry]) -> str:
    """A directed graph in dot: boxes are fully trained, ellipses stopped early, the rest have no outline."""
    lines = ["digraph genealogy {", "  rankdir=LR;"]
    for row in rows:
        outcome = row.status if row.score is None else f"{row.score:.4f}"
        label = "\n".join(text for text in (f"#{row.attempt} {row.operator}", outcome, row.edits) if text)
        shape = _SHAPES.get(row.status, "plaintext")
        lines.append(f"  {row.attempt} [label={_quoted(label)}, shape={shape}];")
    for row in rows:
        for position, parent in enumerate(row.parents):
            style = "" if position == 0 else " [style=dashed]"
            lines.append(f"  {parent} -> {row.attempt}{style};")
    return "\n".join([*lines, "}", ""])


def graphml(rows: Sequence[Ancestry]) -> str:
    """A directed graph in GraphML, with the attributes of every attempt."""
    root = ElementTree.Element("graphml", xmlns=NAMESPACE)
    for name, kind in _ATTRIBUTES:
        _add(root, "key", {"id": name, "for": "node", "attr.name": name, "attr.type": kind})
    _add(root, "key", {"id": "position", "for": "edge", "attr.name": "position", "attr.type": "int"})
    graph = _add(root, "graph", {"id": "genealogy", "edgedefault": "directed"})
    for row in rows:
        node = _add(graph, "node", {"id": str(row.attempt)})
        for name, _ in _ATTRIBUTES:
            value = getattr(row, name)
            if value is not None and value != "":
                _add(node, "data", {"key": name}).text = _legal(str(value))
    for row in rows:
        for position, parent in enumerate(row.parents):
            edge = _add(graph, "edge", {"source": str(parent), "target": str(row.attempt)})
            _add(edge, "data", {"key": "position"}).text = str(position)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


FORMATS: Mapping[str, Callable[[Sequence[Ancestry]], str]] = {"dot": dot, "graphml": graphml}
"""Exports by name."""


def _add(parent: Any, tag: str, attributes: dict[str, str]) -> Any:
    return ElementTree.SubElement(parent, tag, attributes)


def _quoted(text: str) -> str:
    """A string of dot: a backslash would begin an escape, a quote end it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _legal(text: str) -> str:
    """Text without the control characters and surrogates that XML cannot hold, even escaped."""
    return "".join(
        character
        if character in "\t\n\r"
        or " " <= character <= "\ud7ff"
        or "\ue000" <= character <= "\ufffd"
        or character > "\uffff"
        else "\ufffd"
        for character in text
    )
