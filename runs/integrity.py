"""Whether a search's rows can be trusted as rows: the database itself, numbering, statuses, generations.

What recipes and scores mean is checked above this package.
"""

from __future__ import annotations

import sqlite3
import statistics
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from math import isclose
from pathlib import Path
from typing import get_args

from runs.archive import Archive
from runs.database import search_file
from runs.errors import StoreError
from runs.records import Attempt, AttemptStatus, Evaluation, Generation

FAILURES = ("failed", "diverged", "timeout")
UNTRAINED = ("rejected", "duplicate")
PARENTAL = ("screened", "evaluated")

ORDERED = ("parents", "edits", "adjustments")
"""Tables whose rows are numbered 0, 1, ... for every attempt."""

_GAPS = "SELECT attempt FROM {table} GROUP BY attempt HAVING count(*) <> max(position) + 1 OR min(position) <> 0"


def database_problems(directory: Path) -> list[str]:
    """What SQLite itself finds in a search: damaged pages, broken constraints and foreign keys; empty where nothing."""
    file = search_file(directory)
    try:
        # SQLite leaves CHECK constraints out where it may not write: a copy in memory is checked.
        with (
            closing(file.connect("ro")) as database,
            closing(sqlite3.connect(":memory:")) as copy,
            file.translated(),
        ):
            database.conn.backup(copy)
            found = [row[0] for row in copy.execute("PRAGMA integrity_check")]
            orphans = copy.execute("PRAGMA foreign_key_check").fetchall()
            gaps = [(table, *row) for table in ORDERED for row in copy.execute(_GAPS.format(table=table))]
    except StoreError as error:
        return [str(error)]
    problems = [f"database: {' '.join(line.split())}" for line in found if line != "ok"]
    problems += [f"{table} of attempt {attempt}: a position is missing" for table, attempt in gaps]
    return problems + [
        f"{table} row {row}: refers to a row of {parent} that is not there" for table, row, parent, _ in orphans
    ]


def history_problems(archive: Archive) -> Iterator[str]:
    """Attempts numbered without a gap, duplicates of what they repeat, generations complete and as stored."""
    attempts, generations = archive.attempts(), archive.generations()
    if [attempt.id for attempt in attempts] != list(range(1, len(attempts) + 1)):
        missing = sorted(set(range(1, attempts[-1].id + 1)) - {attempt.id for attempt in attempts})
        yield f"attempts: numbers {', '.join(map(str, missing))} are missing"
    known = {attempt.id: attempt for attempt in attempts}
    for attempt in attempts:
        original = known.get(attempt.duplicate_of) if attempt.duplicate_of is not None else None
        if original is not None and original.recipe != attempt.recipe:
            yield f"attempt {attempt.id}: a duplicate of attempt {original.id}, which has another recipe"
        for parent in attempt.parents:
            if parent in known and known[parent].generation >= attempt.generation:
                yield f"attempt {attempt.id}: its parent {parent} is not of an earlier generation"
            elif parent in known and known[parent].status not in PARENTAL:
                yield f"attempt {attempt.id}: its parent {parent} is {known[parent].status}, which is no parent"
    yield from _generation_problems(attempts, generations)
    run = archive.run
    if run.status == "finished" and len(generations) < run.generations:
        yield f"run: finished, but {len(generations)} of {run.generations} generations are"


def status_problems(archive: Archive) -> Iterator[str]:
    """Statuses that say something else than the attempt's evaluations."""
    own: dict[int, list[Evaluation]] = {}
    for evaluation in archive.evaluations():
        if evaluation.purpose == "search" and evaluation.attempt is None:
            yield f"evaluation of recipe {evaluation.recipe} on {evaluation.task}: of the search, but of no attempt"
        if evaluation.attempt is not None:
            own.setdefault(evaluation.attempt, []).append(evaluation)
    attempts = archive.attempts()
    last = max((attempt.rung or 0 for attempt in attempts if attempt.status == "evaluated"), default=None)
    for attempt in attempts:
        yield from _status_problems(attempt, own.get(attempt.id, []), last)


def _generation_problems(attempts: Sequence[Attempt], generations: Sequence[Generation]) -> Iterator[str]:
    numbers = [row.generation for row in generations]
    if numbers and numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        yield f"generations: {', '.join(map(str, numbers))} are finished, with a gap"
    finished = set(numbers)
    last = max(numbers, default=0)
    for number in sorted({attempt.generation for attempt in attempts} - finished):
        if number > last + 1 or number < last:
            yield f"generation {number}: has attempts, but is not finished, and generation {last} is"
    for row in generations:
        own = [attempt for attempt in attempts if attempt.generation == row.generation]
        if not own:
            yield f"generation {row.generation}: finished without an attempt"
        for attempt in own:
            if attempt.status == "proposed":
                yield f"attempt {attempt.id}: has no outcome, but generation {row.generation} is finished"
        scores = [a.score for a in own if a.status == "evaluated" and a.score is not None]
        yield from _summary_problems(row, scores)


def _summary_problems(row: Generation, scores: Sequence[float]) -> Iterator[str]:
    best = max(scores, default=None)
    median = statistics.median(scores) if scores else None
    for name, stored, true in (("best", row.best, best), ("median", row.median, median)):
        if not _same(stored, true):
            yield f"generation {row.generation}: its {name} is stored as {stored}, its attempts give {true}"


def _status_problems(attempt: Attempt, evaluations: Iterable[Evaluation], last: int | None) -> Iterator[str]:
    """Problems of one attempt; `last` is the rung of those trained in full."""
    name = f"attempt {attempt.id}"
    own = list(evaluations)
    if attempt.status not in get_args(AttemptStatus):
        yield f"{name}: there is no status {attempt.status!r}"
    for evaluation in own:
        if evaluation.recipe != attempt.recipe:
            yield f"{name}: its evaluation on {evaluation.task} is of recipe {evaluation.recipe}"
    failed = {evaluation.status for evaluation in own} - {"evaluated"}
    if attempt.status in UNTRAINED and own:
        yield f"{name}: {attempt.status}, but has {len(own)} evaluations"
    if attempt.status in FAILURES and attempt.status not in failed:
        became = ", ".join(sorted(failed)) or "no failure"
        yield f"{name}: {attempt.status}, but its evaluations tell of {became}"
    if attempt.status in ("screened", "evaluated"):
        reached = max((evaluation.rung for evaluation in own if evaluation.purpose == "search"), default=None)
        if attempt.rung != reached:
            yield f"{name}: its rung is {attempt.rung}, but its evaluations reach rung {reached}"
        if attempt.status == "evaluated" and attempt.rung != last:
            yield f"{name}: evaluated at rung {attempt.rung}, others at rung {last}"
        if attempt.status == "screened" and last is not None and (attempt.rung or 0) >= last:
            yield f"{name}: screened, but trained in full up to rung {attempt.rung}"
        if failed:
            yield f"{name}: {attempt.status}, but an evaluation {', '.join(sorted(failed))}"


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
