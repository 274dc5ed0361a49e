"""`sql`: questions to a search as lines for a shell, to run as they are or to start from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from evolve.commands.inspect import Out, located
from evolve.display import console
from runs.database import DATABASE_NAME
from runs.queries import QUERIES, Query


def sql(
    name: Annotated[str | None, typer.Argument(help=f"One of {', '.join(q.name for q in QUERIES)}.")] = None,
    out: Out = None,
) -> None:
    """Print questions to a search as commands of sqlite-utils; with a name, that one alone."""
    wanted = [query for query in QUERIES if name in (None, query.name)]
    if not wanted:
        raise ValueError(f"no question is called {name!r}; accepted: {', '.join(query.name for query in QUERIES)}")
    database, target = located(out) / DATABASE_NAME, console()
    for query in wanted:
        if name is None:
            target.out(f"# {query.name}: {query.question}", highlight=False)
        target.out(shell_line(query, database), highlight=False)


def shell_line(query: Query, database: Path) -> str:
    """The command that asks `database`."""
    return f'sqlite-utils {shlex.quote(str(database))} "{query.sql}" -t'
