"""Functions that a module holds: taken as text, with what they call, from a target's file of operations."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Definition:
    """One top-level definition: its text and every name in it."""

    text: str
    names: frozenset[str]


@cache
def definitions(path: Path) -> dict[str, Definition]:
    """Functions, classes and constants of a file by name, in its order; the file is parsed, not executed."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    found: dict[str, Definition] = {}
    module = ast.parse(source)
    for node, following in zip(module.body, [*module.body[1:], None], strict=True):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                last = node.end_lineno
            case ast.Assign(targets=[ast.Name(id=name)]):
                first, last = node.lineno, node.end_lineno
                if isinstance(following, ast.Expr):
                    last = following.end_lineno
            case _:
                continue
        text = "\n".join(lines[first - 1 : last])
        names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
        found[name] = Definition(text, frozenset(names))
    return found


def needed(known: Mapping[str, Definition], used: Iterable[str]) -> dict[str, Definition]:
    """The definitions that names need, in their order."""
    wanted: set[str] = set()
    pending = [name for name in used if name in known]
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending += [other for other in known[name].names if other in known]
    return {name: definition for name, definition in known.items() if name in wanted}
