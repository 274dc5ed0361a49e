"""`components`: the language's operations and the library of published components and architectures."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from cognition.loader import load_architectures, load_library
from evolve.display import console
from genome.kinds import KINDS
from genome.operation import OPERATIONS


def components(
    name: Annotated[str | None, typer.Argument(help="Print the source and provenance of one component.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only components of a kind.")] = None,
    operations: Annotated[bool, typer.Option("--operations", help="List the operations of the language.")] = False,
    architectures: Annotated[
        bool, typer.Option("--architectures", help="List the published architectures.")
    ] = False,
) -> None:
    """List published components, or show one; also operations and architectures."""
    if kind is not None and kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}; accepted: {', '.join(KINDS)}")
    if name is not None:
        _show(name)
    elif operations:
        _operations()
    elif architectures:
        _architectures()
    else:
        _components(kind)


def _show(name: str) -> None:
    library, target = load_library(), console()
    if name not in library:
        raise ValueError(f"there is no component {name!r}; `components` lists them")
    component = library[name]
    origin = component.provenance
    target.print(component.source.rstrip(), markup=False)
    if origin is not None:
        source = f"arXiv {origin.arxiv}" if origin.arxiv else "no arXiv id"
        target.print(f"\n{origin.title} ({origin.year}, {source})", markup=False)
        built = f"; builds on {', '.join(origin.builds_on)}" if origin.builds_on else ""
        stands = f"; in place of {', '.join(origin.replaces)}" if origin.replaces else ""
        target.print(f"answers: {origin.answers}{built}{stands}", markup=False)
    target.print(f"hash {component.hash}")


def _operations() -> None:
    table = Table("operation", "family", "what it does")
    for operation in OPERATIONS.values():
        if not operation.internal:
            table.add_row(operation.signature, operation.family, operation.doc.splitlines()[0])
    console().print(table)


def _architectures() -> None:
    table = Table("architecture", "year", "arXiv", "answers", "insight")
    for architecture in load_architectures().values():
        years = (str(architecture.year), architecture.arxiv, architecture.answers)
        table.add_row(architecture.name, *years, architecture.insight)
    console().print(table)


def _components(kind: str | None) -> None:
    table = Table("component", "kind", "year", "arXiv", "answers", "insight")
    for component in load_library().values():
        origin = component.provenance
        if origin is not None and kind in (None, component.kind):
            columns = (component.kind, str(origin.year), origin.arxiv, origin.answers, component.doc)
            table.add_row(component.name, *columns)
    console().print(table)
