"""Writing a search: one writer, one directory, every change a transaction that is whole or absent.

The life of a search: `Store.create`, then per generation `propose`, any number of `record_evaluation`, and
`finish_generation`; at last `finish_run`. After a kill at any moment `Store.open` continues: `pending`
attempts were proposed and have no outcome, and `evaluations` says what was already measured for them.
"""

from __future__ import annotations

import json
import sqlite3
import statistics as statistic
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from cognition.knowledge import Knowledge
from evaluators.scores import Yardstick
from runs import proposing, records
from runs.archive import Archive
from runs.configuration import CHANGEABLE, differences
from runs.database import search_file, verify
from runs.encoding import json_text, stored, stored_row
from runs.errors import StoreError
from runs.evidence.evidence import Evidence
from runs.evidence.tables import evidence_rows
from runs.knowledge import knowledge_rows
from runs.lock import WriterLock
from runs.yardstick import yardstick_differences, yardstick_rows

if TYPE_CHECKING:
    from sqlite_utils import Database

EVALUATION_KEY = ("purpose", "recipe", "task", "seed", "rung", "split")
"""What names an evaluation: the same key is never paid for twice."""

RESCUED = "rescued"
"""Folder in a search's directory to which the rows of a removed database are saved."""

_OPEN_STATUSES = ("proposed", "screened")


class Store(Archive):
    """The only writer of one search; it also reads. Close it, or use it in a `with` statement.

    Every method that writes commits before it returns, or raises StoreError and leaves the database
    unchanged. One thread uses a store.
    """

    def __init__(self, directory: Path, database: Database, lock: WriterLock) -> None:
        super().__init__(directory, database)
        self._lock = lock
        self._identity = _identity(self.path)

    @classmethod
    def create(
        cls,
        directory: str | Path,
        *,
        name: str,
        seed: int,
        configuration: Mapping[str, Any],
        version: str,
        generations: int,
    ) -> Self:
        """Begin a search in `directory`, which is made if missing.

        `configuration` is any JSON value by name; resuming compares it. `version` is the software's,
        `generations` the target in total. Raises StoreError when the directory already holds a search or
        cannot be written.
        """
        from runs.schema import migrations

        folder = Path(directory)
        row = stored_row(
            {
                "id": 1,
                "name": name,
                "created_at": _now(),
                "seed": seed,
                "configuration": json_text("configuration", dict(configuration)),
                "version": version,
                "status": "running",
                "generations": generations,
                "random_state": "null",
            }
        )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder}: cannot be made: {error.strerror}") from None
        lock = WriterLock(folder)
        try:
            if cls.exists(folder):
                raise StoreError(f"{folder}: already holds a search; open it, or name another directory")
            store = cls(folder, search_file(folder).connect("rwc"), lock)
        except BaseException:
            lock.release()
            raise
        with store._closed_on_error(), store._transaction():
            migrations.apply(store._database)
            store._insert("runs", [row])
            store._log("created", f"search {name} of {generations} generations, seed {seed}", {})
        return store

    @classmethod
    def open(cls, directory: str | Path, *, configuration: Mapping[str, Any] | None = None) -> Self:
        """Continue the search in `directory`.

        With a `configuration`, every key must have the value it was created with, but for those of CHANGEABLE:
        they may change and are stored, `generations` as the new target too. Raises StoreError
        when there is no search, another process writes it, it is damaged or newer, or the configuration
        differs, naming each difference.
        """
        from runs.schema import migrations

        folder = Path(directory)
        file = search_file(folder)
        verify(file)
        lock = WriterLock(folder)
        try:
            store = cls(folder, file.connect("rw"), lock)
        except BaseException:
            lock.release()
            raise
        with store._closed_on_error(), store._transaction():
            migrations.apply(store._database)
            store._continue(configuration)
        return store

    @classmethod
    def read(cls, directory: str | Path) -> Archive:
        """The search in `directory`, read-only, whether or not a process writes it."""
        return Archive.at(directory)

    @classmethod
    def exists(cls, directory: str | Path) -> bool:
        """Whether `directory` holds a search; a database without tables, left by a kill in `create`, is none.

        Raises StoreError when the database is damaged.
        """
        file = search_file(Path(directory))
        if not file.path.exists() or file.path.stat().st_size == 0:
            return False
        with file.translated(), file.connect("ro") as database:
            return bool(database.table_names())

    def close(self) -> None:
        """Close the database and give the lock back."""
        super().close()
        self._lock.release()

    def add_recipes(self, recipes: Sequence[records.Recipe]) -> None:
        """Store recipes that no attempt proposes, such as one whose noise floor is measured."""
        with self._transaction():
            self._insert("recipes", proposing.new_recipes(self._database, recipes))

    def add_components(self, components: Sequence[records.Component]) -> None:
        """Store components that no attempt brought in, such as the library's; those already stored are kept.

        Raises StoreError for a stored name with another hash: a name means one component throughout a search.
        """
        with self._transaction():
            self._insert("components", proposing.new_components(self._database, components))

    def record_yardstick(self, yardstick: Yardstick) -> None:
        """Store what the search's scores are measured by; the same one may be recorded again.

        Raises StoreError, naming every difference, where another one is stored: a search has one, or its scores
        would not compare.
        """
        known = self.yardstick
        if known is None:
            with self._transaction():
                for table, rows in yardstick_rows(yardstick).items():
                    self._insert(table, [stored_row(row) for row in rows])
        elif differing := yardstick_differences(known, yardstick):
            changed = "; ".join(f"{name} was {old}, now {new}" for name, old, new in differing)
            raise StoreError(
                f"{self.path}: scores of this search are measured by another yardstick: {changed} "
                f"(another search needs another directory)"
            )

    def record_knowledge(self, mode: str, knowledge: Knowledge) -> None:
        """Store what a guided search knows when it begins. Raises StoreError where it is stored already."""
        with self._transaction():
            for table, rows in knowledge_rows(mode, knowledge).items():
                self._insert(table, [stored_row(row) for row in rows])

    def record_evidence(self, evidence: Evidence) -> None:
        """Store what the search has taught so far, in the place of what was stored before."""
        with self._transaction():
            for table, rows in evidence_rows(evidence).items():
                self._database.execute(f"DELETE FROM {table}")
                self._insert(table, [stored_row(row) for row in rows])

    def propose(
        self, generation: int, proposals: Sequence[records.Proposal], random_state: Any
    ) -> tuple[int, ...]:
        """Store all proposals of one generation and the random state they left, in one transaction.

        Returns the attempts' numbers, in the order of `proposals`. Generations are proposed in order (the
        first is 0 or 1) and once each, after the one before is finished: a proposal may depend on earlier
        results alone. Raises StoreError for another generation, an unknown parent, a recipe that an earlier
        attempt has or will have a result for (propose it as a duplicate; a recipe that failed may be proposed
        again), and a duplicate that repeats nothing.
        """
        if not proposals:
            raise StoreError(f"{self.path}: generation {generation} has no proposals")
        state = json_text("random_state", random_state)
        with self._transaction():
            self._check_next(generation)
            first = self.attempt_count() + 1
            rows = proposing.rows(self._database, generation, first, proposals, _now())
            for table in proposing.TABLES:
                self._insert(table, rows[table])
            for number, proposal in enumerate(proposals, first):
                for call in proposal.calls:
                    self._database.execute("UPDATE calls SET attempt = ? WHERE id = ?", [number, call])
            self._database.execute("UPDATE runs SET random_state = ?", [state])
        return tuple(range(first, first + len(proposals)))

    def record_evaluation(
        self, evaluation: records.Evaluation, adjustments: Sequence[records.Adjustment] = ()
    ) -> bool:
        """Store one evaluation at once. True if it was stored, False if its key already has one.

        `adjustments` are repairs that its training needed; those the attempt does not have yet are added to it.

        A measurement is never replaced. A stored failure gives way to a measurement of the same key, and the
        failure becomes an event: a retry after a crash counts, and nothing is paid twice.
        """
        row = stored_row(asdict(evaluation))
        key = [row[column] for column in EVALUATION_KEY]
        same_key = " AND ".join(f"{column} = ?" for column in EVALUATION_KEY)
        with self._transaction():
            earlier = self._rows(f"SELECT id, status, reason FROM evaluations WHERE {same_key}", key)
            if earlier:
                (failure,) = earlier
                if failure["status"] == "evaluated" or row["status"] != "evaluated":
                    return False
                self._log("retried", f"evaluation {failure['id']} had failed: {failure['reason']}", failure)
                row["id"] = failure["id"]
                self._database.execute("DELETE FROM evaluations WHERE id = ?", [failure["id"]])
            self._insert("evaluations", [row])
            if evaluation.attempt is not None:
                known = self.adjustments(evaluation.attempt)
                new = [adjustment for adjustment in adjustments if adjustment not in known]
                self._insert("adjustments", proposing.adjustment_rows(evaluation.attempt, len(known), new))
        return True

    def settle(self, settlement: records.Settlement) -> None:
        """Store the outcome of one attempt at once.

        A proposed attempt may get any outcome, a screened one (trained on part of its budget) another later;
        every other outcome is final. Raises StoreError for an attempt that does not exist or has its outcome.
        """
        with self._transaction():
            self._settle(settlement)

    def finish_generation(
        self,
        generation: int,
        settlements: Sequence[records.Settlement] = (),
        credit: Sequence[records.OperatorCredit] = (),
        statistics: Mapping[str, Any] | None = None,
    ) -> records.Generation:
        """Settle what is left of a generation and close it, with the operators' credit, in one transaction.

        Returns the stored row; its best and median are over the generation's evaluated attempts. Raises
        StoreError when an attempt would stay without outcome, or the generation is finished or not the one
        proposed last.
        """
        with self._transaction():
            if generation != self._last_generation():
                raise StoreError(f"{self.path}: generation {generation} was not the one proposed last")
            for settlement in settlements:
                self._settle(settlement)
            attempts = self.attempts(generation=generation)
            if left := [str(attempt.id) for attempt in attempts if attempt.status == "proposed"]:
                raise StoreError(
                    f"{self.path}: generation {generation}: no outcome for attempts {', '.join(left)}"
                )
            scores = [a.score for a in attempts if a.status == "evaluated" and a.score is not None]
            row = {
                "generation": generation,
                "best": max(scores, default=None),
                "median": statistic.median(scores) if scores else None,
                "statistics": json_text("statistics", dict(statistics or {})),
                "finished_at": _now(),
            }
            self._insert("generations", [stored_row(row)])
            self._insert(
                "operator_credit", [stored_row({"generation": generation} | asdict(one)) for one in credit]
            )
        return records.Generation(**row | {"statistics": json.loads(row["statistics"])})

    def finish_run(self, status: Literal["finished", "stopped"] = "finished") -> None:
        """Say that the search reached its target, or stopped before it; opening it again continues it."""
        with self._transaction():
            self._database.execute("UPDATE runs SET status = ?", [status])
            self._log(status, f"{status} after {self.generation_count()} generations", {})

    def log(self, kind: str, message: str, detail: Any = None) -> None:
        """Store an event; `detail` is any JSON value."""
        with self._transaction():
            self._log(kind, message, detail)

    @contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        if _identity(self.path) != self._identity:
            raise StoreError(
                f"{self.path}: was removed or replaced while this process wrote it; {self._saved()}"
            ) from FileNotFoundError(self.path)
        with self._file.transaction(self._database):
            yield

    def _saved(self) -> str:
        """Save the rows of a database whose file is gone: the open connection still has them."""
        folder = self.directory / RESCUED
        try:
            folder.mkdir(parents=True, exist_ok=True)
            search_file(folder).path.unlink(missing_ok=True)
            self._database.execute("VACUUM INTO ?", [str(search_file(folder).path)])
        except (OSError, sqlite3.Error) as error:
            return f"its rows could not be saved: {error}"
        return f"its rows are saved: go on with --out {folder}"

    def _insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        self._database.table(table).insert_all(dict(row) for row in rows)

    def _log(self, kind: str, message: str, detail: Any) -> None:
        row = {"time": _now(), "kind": kind, "message": message, "detail": json_text("detail", detail)}
        self._insert("events", [stored_row(row)])

    def _continue(self, configuration: Mapping[str, Any] | None) -> None:
        run = self.run
        if configuration is not None:
            text = json_text("configuration", dict(configuration))
            if changed := differences(run.configuration, json.loads(text)):
                raise StoreError(
                    f"{self.directory}: this search has another configuration: {'; '.join(changed)} "
                    f"(only {', '.join(sorted(CHANGEABLE))} may change; another search needs another directory)"
                )
            target = stored("generations", configuration.get("generations", run.generations))
            self._database.execute("UPDATE runs SET configuration = ?, generations = ?", [text, target])
        if run.status == "stopped" or self.run.generations > run.generations:
            self._database.execute("UPDATE runs SET status = 'running'")
        self._log("opened", f"opened with {self.generation_count()} generations finished", {})

    def _last_generation(self) -> int | None:
        """The generation proposed last and not finished, else None."""
        (row,) = self._rows(
            """SELECT max(generation) AS last FROM attempts
            WHERE generation > (SELECT coalesce(max(generation), -1) FROM generations)"""
        )
        return row["last"]

    def _check_next(self, generation: int) -> None:
        unfinished = self._last_generation()
        if unfinished is not None:
            raise StoreError(f"{self.path}: generation {unfinished} is proposed and not finished")
        (row,) = self._rows("SELECT max(generation) AS last FROM generations")
        expected = (0, 1) if row["last"] is None else (row["last"] + 1,)
        if generation not in expected:
            accepted = " or ".join(str(number) for number in expected)
            raise StoreError(f"{self.path}: generation {generation} is out of order; next is {accepted}")

    def _settle(self, settlement: records.Settlement) -> None:
        now = self.attempt(settlement.attempt)
        if now.status not in _OPEN_STATUSES:
            raise StoreError(f"{self.path}: attempt {now.id} already has its outcome: {now.status}")
        kept = {"attempt", "adjustments"} | {name for name, value in vars(settlement).items() if value is None}
        changed = {name: value for name, value in vars(settlement).items() if name not in kept - {"score"}}
        self._database.table("attempts").update(now.id, stored_row(changed))
        position = len(self.adjustments(now.id))
        self._insert("adjustments", proposing.adjustment_rows(now.id, position, settlement.adjustments))


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one of its name; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
