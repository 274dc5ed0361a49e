"""What the `cognition` commands share: the option that names the store, opening it, tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from evolve.display import console

if TYPE_CHECKING:
    from cognition.store.store import CognitionStore

Store = Annotated[
    Path | None,
    typer.Option(help="File of the store (default: EVOLVE_COGNITION, else in the user's data directory)."),
]


def opened(store: Path | None) -> CognitionStore:
    """The store, made on first use and brought up to date with the library."""
    from cognition.store.store import CognitionStore

    return CognitionStore.open(store)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on a terminal; on a pipe a line for each row, its cells between tabs."""
    target = console()
    if target.is_terminal:
        table = Table(*columns)
        for row in rows:
            table.add_row(*map(escape, row))
        target.print(table)
        return
    for row in (columns, *rows):
        typer.echo("\t".join(" ".join(cell.split()) for cell in row))
