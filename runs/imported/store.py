"""An imported run on disk: written once and whole, then read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cognition.sqlite import SqliteFile
from runs.database import search_file
from runs.encoding import stored_row
from runs.errors import StoreError
from runs.imported.asi_arch import TEXTS
from runs.imported.placing import placed
from runs.imported.records import Entry, Parent, Place, Program, Result
from runs.records import Ancestry

if TYPE_CHECKING:
    from sqlite_utils import Database

IMPORTED_NAME = "imported.db"


def imported_file(directory: Path) -> SqliteFile:
    """The database of the imported run in `directory`; its errors are StoreError."""
    return SqliteFile(directory / IMPORTED_NAME, StoreError)


def write_run(
    directory: Path, format_: str, source: Path, read: Callable[[], Iterator[Entry]], version: str
) -> None:
    """Store the entries of a run in `directory`, which is made if missing.

    `read` gives them and is called twice, to place them and to store them, so that no more than one is in memory.
    Raises StoreError, with nothing left behind, where they cannot be read, there is none, the directory holds a
    search or an imported run already, or cannot be written.
    """
    for file in (imported_file(directory), search_file(directory)):
        if file.path.exists():
            raise StoreError(f"{file.path}: exists; name another directory with --out")
    places = placed(read())
    if not places:
        raise StoreError(f"{source}: holds no record")
    missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".import-", dir=directory) as beside:
            unfinished = imported_file(Path(beside))
            run = {
                "id": 1,
                "format": format_,
                "source": source.resolve().name,
                "imported_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "version": version,
            }
            _fill(unfinished, run, source, places, read())
            unfinished.path.replace(directory / IMPORTED_NAME)
    except OSError as error:
        _remove(missing)
        raise StoreError(f"{directory}: cannot be written: {error.strerror}") from None
    except BaseException:
        _remove(missing)
        raise


def _remove(folders: Iterable[Path]) -> None:
    """Remove folders that were made for nothing; one that has got another content stays."""
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _fill(
    file: SqliteFile, run: Mapping[str, Any], source: Path, places: Sequence[Place], entries: Iterator[Entry]
) -> None:
    from runs.imported.schema import migrations

    database = file.connect("rwc")
    try:
        with file.transaction(database):
            migrations.apply(database)
            _insert(database, "runs", [run])
            for place in places:
                if (entry := next(entries, None)) is None:
                    raise StoreError(f"{source}: changed while it was read; import it again")
                _insert(database, "programs", [_program_row(entry, place)])
                _insert(database, "results", _result_rows(entry, place.number))
            for place in places:
                _insert(database, "parents", _parent_rows(place))
        # It never changes again: readers need no log beside it.
        database.disable_wal()
    finally:
        database.close()


def _program_row(entry: Entry, place: Place) -> dict[str, Any]:
    return {
        "id": place.number,
        "generation": place.generation,
        "entry": entry.index,
        "identifier": entry.identifier,
        "name": entry.name,
        "score": entry.score,
        **entry.texts,
    }


def _result_rows(entry: Entry, number: int) -> list[dict[str, Any]]:
    counts: dict[str, int] = {}
    rows = []
    for result in entry.results:
        position = counts[result.split] = counts.get(result.split, -1) + 1
        rows.append({"program": number, "position": position, **vars(result)})
    return rows


def _parent_rows(place: Place) -> list[dict[str, Any]]:
    return [
        {
            "program": place.number,
            "position": position,
            "named": parent.named,
            "parent": parent.number,
            "problem": parent.problem,
        }
        for position, parent in enumerate(place.parents)
    ]


def _insert(database: Database, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        columns = ", ".join(row)
        values = ", ".join(f":{column}" for column in row)
        database.execute(f"INSERT INTO {table} ({columns}) VALUES ({values})", stored_row(row))


class ImportedRun:
    """The rows of an imported run as records, read-only. Close it after use, or use it in a `with` statement."""

    def __init__(self, file: SqliteFile) -> None:
        self.path = file.path
        self._file = file
        self._database = file.connect("ro")

    @classmethod
    def at(cls, directory: Path) -> Self:
        """The imported run in `directory`. Raises StoreError when its database is damaged, or newer than this."""
        from runs.imported.schema import migrations

        file = imported_file(directory)
        file.verify(migrations, "the database of an imported run", may_be_empty=False)
        return cls(file)

    @staticmethod
    def exists(directory: Path) -> bool:
        """Whether `directory` holds an imported run."""
        return imported_file(directory).path.is_file()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def counts(self) -> dict[str, int]:
        """How many programs there are, those with a score, and parents by what is wrong with them."""
        (row,) = self._rows(
            """SELECT count(*) AS programs, count(score) AS scored,
            (SELECT count(*) FROM parents WHERE problem = 'missing') AS missing,
            (SELECT count(*) FROM parents WHERE problem = 'descendant') AS descendant FROM programs"""
        )
        return row

    def leaderboard(self, count: int) -> list[dict[str, Any]]:
        """The first rows of the view of that name."""
        return self._rows("SELECT * FROM leaderboard LIMIT ?", [count])

    def genealogy(self) -> list[Ancestry]:
        """Every program as a search's attempt, parents before children; its operator is the program's name."""
        return [
            Ancestry(
                attempt=row["program"],
                generation=row["generation"],
                operator=" ".join(row["name"].split()),
                parents=tuple(int(parent) for parent in row["parents"].split()),
                edits=row["title"],
                status="unscored" if row["score"] is None else "evaluated",
                score=row["score"],
                gain=row["gain"],
            )
            for row in self._rows("SELECT * FROM genealogy")
        ]

    def program(self, number: int) -> Program:
        """One program with its texts; StoreError when there is none of that number."""
        rows = self._rows("SELECT * FROM programs WHERE id = ?", [number])
        if not rows:
            (span,) = self._rows("SELECT min(id) AS first, max(id) AS last FROM programs")
            raise StoreError(f"{self.path}: no program {number}; numbers are in {span['first']} to {span['last']}")
        (row,) = rows
        parents = self._rows(
            "SELECT named, parent, problem FROM parents WHERE program = ? ORDER BY position", [number]
        )
        results = self._rows(
            "SELECT split, name, text, value FROM results WHERE program = ? ORDER BY rowid", [number]
        )
        entry = Entry(
            index=row["entry"],
            identifier=row["identifier"],
            name=row["name"],
            parents=tuple(parent["named"] for parent in parents),
            score=row["score"],
            texts={column: row[column] for column in TEXTS},
            results=tuple(Result(**result) for result in results),
        )
        known = tuple(Parent(one["named"], one["parent"], one["problem"]) for one in parents)
        return Program(entry, Place(number, row["generation"], known))

    def lineage(self, number: int) -> list[Ancestry]:
        """From a program without known parents to program `number`, oldest first, through the best parents."""
        known = {row.attempt: row for row in self.genealogy()}
        line = [known[number]]
        while line[0].parents:
            scores = {parent: known[parent].score for parent in line[0].parents}
            best = max(scores, key=lambda parent: float("-inf") if (s := scores[parent]) is None else s)
            line.insert(0, known[best])
        return line

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        with self._file.translated():
            return list(self._database.query(sql, list(values)))
