"""`check`: whether everything that must hold in a search does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

import typer

from evolve.checks.bookkeeping import bookkeeping_problems
from evolve.checks.evidence import evidence_problems
from evolve.checks.inheritance import inheritance_problems, read_stored
from evolve.checks.ledger import ledger_problems
from evolve.checks.measurement import Setting, credit_problems, read_setting, score_problems, yardstick_problems
from evolve.commands.inspect import Out, located
from evolve.display import console
from runs.archive import Archive
from runs.database import search_file
from runs.integrity import database_problems, history_problems, status_problems
from runs.ledger import Ledger


def check(out: Out = None) -> None:
    """Verify a search: the database, every child against its parents and edits, every hash, score and credit, and
    what language models were asked and paid.

    A line for each broken thing and exit code 1, or one line that says what holds.
    """
    directory, target = located(out), console()
    problems = database_problems(directory)
    # A damaged or bent database does not open as a search; what is left of its rows may still tell more.
    archive = Archive(directory, search_file(directory).connect("ro")) if problems else Archive.at(directory)
    with archive:
        unknown = ""
        try:
            setting = read_setting(archive)
            unknown = setting.unknown
        except ValueError as error:
            problems.append(f"configuration: {' '.join(str(error).split())}")
            setting = None
        problems += _row_problems(archive, setting)
        if problems:
            for problem in dict.fromkeys(problems):
                target.print(problem, markup=False, soft_wrap=True)
            raise typer.Exit(1)
        counted = (
            f"{archive.attempt_count()} attempts, {len(archive.recipes())} recipes, "
            f"{len(archive.evaluations())} evaluations, {archive.generation_count()} generations"
        )
    skipped = f"; scores could not be computed again: {unknown}" if unknown else ""
    target.print(f"{directory}: everything holds: {counted}{skipped}", markup=False, soft_wrap=True)


def _row_problems(archive: Archive, setting: Setting | None) -> Iterator[str]:
    yield from _readable("history", lambda: history_problems(archive))
    yield from _readable("statuses", lambda: status_problems(archive))
    yield from _readable("notes", lambda: bookkeeping_problems(archive))
    yield from _readable("recipes", lambda: _recipe_problems(archive))
    yield from _readable("evidence", lambda: evidence_problems(archive))
    with closing(Ledger(archive.directory, search_file(archive.directory).connect("ro", threads=True))) as ledger:
        yield from _readable("calls", lambda: ledger_problems(archive, ledger))
    if setting is not None:
        yield from _readable("yardstick", lambda: yardstick_problems(archive, setting))
        yield from _readable("scores", lambda: score_problems(archive, setting))
        yield from _readable("credit", lambda: credit_problems(archive, setting))


def _recipe_problems(archive: Archive) -> Iterator[str]:
    stored = read_stored(archive)
    yield from stored.problems
    yield from inheritance_problems(archive, stored)


def _readable(part: str, problems: Callable[[], Iterable[str]]) -> Iterator[str]:
    """The problems of one part; rows that cannot even be read are one more."""
    try:
        yield from problems()
    except ValueError as error:
        yield f"{part}: cannot be read: {' '.join(str(error).split())}"
