"""The language of components as whoever writes in it is told: rules, kinds, operations, and what a library holds.

The lists are made from the tables that define the language, and every text is the same each time it is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from genome import operations as _operations  # noqa: F401  (fills the table of operations)
from genome.component import Component, Library
from genome.graph import NODE_LIMIT
from genome.kinds import KINDS
from genome.operation import OPERATIONS
from genome.parser import SETTING_LIMIT

SETTINGS = (
    "size: choice(1, 2, 4) = 2, rank: integer(4, 64) = 16, scale: log_range(0.001, 0.1) = 0.01, bias: flag = True"
)
"""A setting of each domain, as a component declares it."""

_RULES = f"""\
The language of components. A component is one Python-like function: parsed, never executed. Its parameters are the
inputs of its kind, without annotation, then up to {SETTING_LIMIT} settings with a domain and a default, such as
{SETTINGS}.
Every input and setting must influence the result. The return annotation is the kind. The body is assignments of
operation calls and arithmetic (+ - * /, and // between sizes), then one return: at most {NODE_LIMIT} operations. It may
call other components by name. There are no imports, attributes, subscripts, loops, conditions, comprehensions,
decorators or texts other than option names. The names width, hidden, vocabulary and context are sizes; `width` is the
size of the stream. Every call of an operation with parameters has parameters of its own. Every operation that mixes
positions is causal, so that no component looks ahead. A result has the shape that its kind returns.
"""


@cache
def language_text() -> str:
    """Rules, kinds and operations of the language, as lines of plain text."""
    kinds = (f"{kind.name} ({kind.inputs} inputs): {kind.doc}" for kind in KINDS.values())
    operations = (
        f"{operation.signature}: {operation.doc.splitlines()[0]}"
        for operation in OPERATIONS.values()
        if not operation.internal
    )
    return f"{_RULES}\nKinds:\n{listed(kinds)}\nOperations:\n{listed(operations)}"


def library_text(library: Library) -> str:
    """The components of a library by kind, a line for each: name, settings, year, what it answers, what it does."""
    return "\n".join(
        f"Components of kind {kind}:\n"
        + listed(_component_line(component) for component in library.values() if component.kind == kind)
        for kind in KINDS
    )


def listed(lines: Iterable[str]) -> str:
    """Lines as a list, each with its end."""
    return "".join(f"- {line}\n" for line in lines)


def _component_line(component: Component) -> str:
    settings = ", ".join(map(str, component.settings))
    origin = component.provenance
    known = f" [{origin.year}; answers {origin.answers}]" if origin is not None and origin.answers else ""
    return f"{component.name}({settings}){known}: {component.doc}"
