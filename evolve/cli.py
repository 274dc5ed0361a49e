"""The command line: every command, and one line with exit code 2 for whatever a user got wrong."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.exceptions import TyperException

from evolve.commands import (
    check,
    cognition,
    compare,
    confirm,
    doctor,
    dream,
    export,
    findings,
    importing,
    inspect,
    library,
    lineage,
    llm,
    proxy,
    report,
    run,
    sample,
    serve,
    sql,
    train,
)
from evolve.errors import SearchError, Stopped

app = typer.Typer(
    name="evolve",
    help="Search for neural sequence-model architectures, and look at what a search found.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
for command in (
    run.run,
    inspect.status,
    inspect.best,
    inspect.show,
    inspect.tree,
    lineage.lineage,
    lineage.diff,
    compare.compare,
    report.report,
    serve.serve,
    sql.sql,
    check.check,
    library.components,
    train.train,
    sample.sample,
    export.export,
    confirm.confirm,
    proxy.proxy,
    llm.llm,
    doctor.doctor,
    dream.dream,
    findings.findings,
):
    app.command()(command)

app.add_typer(cognition.app, name="cognition")
app.add_typer(importing.app, name="import")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 for a search that cannot go on, 2 for bad input, 130 for a stop."""
    parser: Any = typer.main.get_command(app)
    try:
        code = parser.main(args=arguments, prog_name="python -m evolve", standalone_mode=False)
    except TyperException as error:
        return _refuse(error.format_message())
    except SearchError as error:
        return _refuse(str(error), 1)
    except ValueError as error:
        return _refuse(str(error))
    except Stopped as stop:
        return _refuse(str(stop), 130)
    except KeyboardInterrupt:
        return 130
    return int(code or 0)


def _refuse(message: str, code: int = 2) -> int:
    print(" ".join(message.split()), file=sys.stderr)
    return code
