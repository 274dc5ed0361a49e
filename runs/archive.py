"""Reading a search. Needs no lock: a search that runs may be read at any time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cognition.knowledge import Knowledge
from evaluators.scores import Yardstick
from runs import records
from runs.database import search_file, verify
from runs.encoding import stored
from runs.errors import StoreError
from runs.evidence.evidence import Evidence
from runs.evidence.tables import evidence_of_rows
from runs.knowledge import knowledge_of_rows
from runs.yardstick import yardstick_of_rows

if TYPE_CHECKING:
    from sqlite_utils import Database

    from runs.ledger import Ledger

_ATTEMPT = ", ".join(one.name for one in fields(records.Attempt) if one.name != "parents")
_EVALUATION = ", ".join(one.name for one in fields(records.Evaluation))
"""Columns of a table in the order of its record's fields: a search of 100,000 attempts reads them in seconds."""

_BEST_PARENT = """
    SELECT parents.parent FROM parents JOIN attempts ON attempts.id = parents.parent
    WHERE parents.attempt = line.id ORDER BY attempts.score DESC, position LIMIT 1
"""


class Archive:
    """The rows of one search as records. Close it after use, or use it in a `with` statement.

    Reads come back in the order things were recorded unless said otherwise. A damaged database raises
    StoreError.
    """

    def __init__(self, directory: Path, database: Database) -> None:
        self.directory = directory
        self._file = search_file(directory)
        self.path = self._file.path
        self._database = database

    @classmethod
    def at(cls, directory: str | Path) -> Self:
        """The search in `directory`, read-only.

        Raises StoreError when there is none, or it is damaged, or written by newer or older software.
        """
        from runs.schema import migrations

        file = search_file(Path(directory))
        verify(file)
        database = file.connect("ro")
        if migrations.pending(database):
            database.close()
            raise StoreError(
                f"{file.path}: written by older software; continue the search once to bring it up to date"
            )
        return cls(Path(directory), database)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Reads inside see the search as it was at one moment, whatever a writer does meanwhile; no writer waits."""
        with self._file.translated():
            self._database.execute("BEGIN")
        try:
            yield
        finally:
            self._database.rollback()

    @property
    def run(self) -> records.Run:
        """The search's name, seed, configuration, target, status and random state, as they are now."""
        (row,) = self._rows("SELECT * FROM runs")
        del row["id"]
        return records.Run(**_decoded(row, "configuration", "random_state"))

    @property
    def yardstick(self) -> Yardstick | None:
        """What the search's scores are measured by; None until it is measured, and in a search that is older."""
        whole, tasks = (
            self._rows(f"SELECT * FROM {table} ORDER BY rowid") for table in ("yardstick", "yardstick_tasks")
        )
        return yardstick_of_rows(whole[0], tasks) if whole else None

    @property
    def evidence(self) -> Evidence:
        """What the search taught when it finished last; empty before."""
        tables = ("pair_evidence", "configuration_evidence", "findings")
        return evidence_of_rows({t: self._rows(f"SELECT * FROM {t} ORDER BY rowid") for t in tables})

    @property
    def knowledge(self) -> Knowledge | None:
        """What the search knew of published components when it began; None for one without guidance."""
        if not self._rows("SELECT mode FROM guidance"):
            return None
        tables = ("guidance_answers", "guidance_affinities")
        return knowledge_of_rows(*(self._rows(f"SELECT * FROM {table} ORDER BY rowid") for table in tables))

    def ledger(self) -> Ledger:
        """The books on language-model calls as this archive reads them, in its snapshot too; closed with it."""
        from runs.ledger import Ledger

        return Ledger(self.directory, self._database)

    def attempts(
        self, *, generation: int | None = None, status: records.AttemptStatus | None = None
    ) -> list[records.Attempt]:
        """Attempts by number; of one generation or of one status where given."""
        where, values = _where({"generation": generation, "status": status})
        return self._attempts(f"SELECT id FROM attempts {where}", values)

    def attempts_after(self, number: int, count: int) -> list[records.Attempt]:
        """Up to `count` attempts with numbers beyond `number`, by number."""
        return self._attempts("SELECT id FROM attempts WHERE id > ? ORDER BY id LIMIT ?", [number, count])

    def attempt(self, number: int) -> records.Attempt:
        """One attempt; StoreError when there is none of that number."""
        found = self._attempts("SELECT ?", [number])
        if not found:
            raise StoreError(
                f"{self.path}: no attempt {number}; attempts are numbered 1 to {self.attempt_count()}"
            )
        return found[0]

    def best(self, count: int = 1) -> list[records.Attempt]:
        """The fully evaluated attempts with the highest scores, best first; equals by number."""
        chosen = "SELECT id FROM attempts WHERE status = 'evaluated' ORDER BY score DESC, id LIMIT ?"
        found = self._attempts(chosen, [count])
        return sorted(found, key=lambda attempt: (-(attempt.score or 0.0), attempt.id))

    def pending(self) -> list[records.Attempt]:
        """Attempts that were proposed and have no outcome yet: what a resumed search evaluates first."""
        return self.attempts(status="proposed")

    def attempt_count(self) -> int:
        """How many attempts there are; the next one has this number plus one."""
        return self._rows("SELECT count(*) AS number FROM attempts")[0]["number"]

    def revision(self) -> str:
        """A text that differs after every change of attempts, evaluations, generations, events or the search."""
        (row,) = self._rows(
            """SELECT (SELECT status || generations FROM runs) AS run, (SELECT count(*) FROM evaluations) AS evaluations,
            (SELECT count(*) FROM generations) AS generations, (SELECT max(id) FROM events) AS events"""
        )
        counts = (f"{status}{count}" for status, count in sorted(self.status_counts().items()))
        return ".".join(map(str, (*row.values(), *counts)))

    def generation_count(self) -> int:
        """How many generations are finished."""
        return self._rows("SELECT count(*) AS number FROM generations")[0]["number"]

    def status_counts(self) -> dict[str, int]:
        """Attempts per status, for the statuses that occur."""
        rows = self._rows("SELECT status, count(*) AS number FROM attempts GROUP BY status ORDER BY number DESC")
        return {row["status"]: row["number"] for row in rows}

    def ancestors(self, number: int) -> list[int]:
        """Numbers of every attempt that `number` descends from, ascending, each once."""
        return self._related(number, "SELECT parent FROM parents JOIN found ON parents.attempt = found.id")

    def descendants(self, number: int) -> list[int]:
        """Numbers of every attempt that descends from `number`, ascending, each once."""
        return self._related(number, "SELECT attempt FROM parents JOIN found ON parents.parent = found.id")

    def children(self, number: int) -> list[int]:
        """Numbers of the attempts whose first parent is `number`, ascending: those that edited its recipe."""
        sql = "SELECT attempt FROM parents WHERE parent = ? AND position = 0 ORDER BY attempt"
        return [attempt for (attempt,) in self._tuples(sql, [number])]

    def lineage(self, number: int) -> list[records.LineageStep]:
        """From a founder to attempt `number`, oldest first, always through the parent with the best score."""
        self.attempt(number)
        rows = self._rows(
            f"""WITH RECURSIVE line(id) AS (
                SELECT ? UNION ALL SELECT ({_BEST_PARENT}) AS best FROM line WHERE best IS NOT NULL)
                SELECT id FROM line""",
            [number],
        )
        numbers = [row["id"] for row in rows]
        attempts = self._attempts("SELECT value FROM json_each(?)", [json.dumps(numbers)])
        edits = self._edits(numbers)
        steps = []
        for parent, attempt in zip([None, *attempts], attempts, strict=False):
            gain = None
            before = parent.score if parent is not None and parent.rung == attempt.rung else None
            if before is not None and attempt.score is not None:
                gain = attempt.score - before
            steps.append(records.LineageStep(attempt, tuple(edits.get(attempt.id, ())), gain))
        return steps

    def genealogy(self, attempts: Sequence[int] | None = None) -> list[records.Ancestry]:
        """Every attempt, or these, with parents, edits as one line and gain: the view `genealogy`."""
        where, values = _among(attempts)
        # Of 100,000 attempts the view's texts take longer than the rows that they are made of.
        parents, edits = self._parents(where, values), self.descriptions(attempts)
        sql = f"SELECT attempt, generation, operator, status, score, gain FROM genealogy {where}"
        return [
            records.Ancestry(
                number,
                generation,
                operator,
                parents.get(number, ()),
                "; ".join(edits[number]) if number in edits else "",
                status,
                score,
                gain,
            )
            for number, generation, operator, status, score, gain in self._tuples(sql, values)
        ]

    def edits(self, number: int) -> tuple[records.Edit, ...]:
        """The edits of one attempt, in order."""
        return tuple(self._edits([number]).get(number, ()))

    def descriptions(self, attempts: Sequence[int] | None = None) -> dict[int, tuple[str, ...]]:
        """The readable lines of the edits of every attempt, or of these, in order, for those that have any."""
        where, values = _among(attempts)
        return _grouped(
            self._tuples(f"SELECT attempt, description FROM edits {where} ORDER BY attempt, position", values)
        )

    def adjustments(self, number: int) -> tuple[records.Adjustment, ...]:
        """The adjustments of one attempt, in order."""
        rows = self._rows(
            "SELECT name, original, value, reason FROM adjustments WHERE attempt = ? ORDER BY position",
            [number],
        )
        return tuple(records.Adjustment(**_decoded(row, "original", "value")) for row in rows)

    def recipe(self, digest: str) -> records.Recipe:
        """The recipe of that hash; StoreError when it is not stored."""
        rows = self._rows("SELECT * FROM recipes WHERE hash = ?", [digest])
        if not rows:
            raise StoreError(f"{self.path}: no recipe {digest}")
        return records.Recipe(**rows[0])

    def recipes(self) -> list[records.Recipe]:
        """Every stored recipe, by hash."""
        return [records.Recipe(**row) for row in self._rows("SELECT * FROM recipes ORDER BY hash")]

    def components(self) -> list[records.Component]:
        """Every stored component, by name."""
        return [records.Component(**row) for row in self._rows("SELECT * FROM components ORDER BY name")]

    def evaluations(
        self,
        *,
        attempt: int | None = None,
        recipe: str | None = None,
        purpose: records.Purpose | None = None,
        task: str | None = None,
        seed: int | None = None,
        rung: int | None = None,
        split: str | None = None,
    ) -> list[records.Evaluation]:
        """Evaluations that match every given value; the six of the key (all but `attempt`) give at most one."""
        where, values = _where(
            {
                "attempt": attempt,
                "recipe": recipe,
                "purpose": purpose,
                "task": task,
                "seed": seed,
                "rung": rung,
                "split": split,
            }
        )
        rows = self._tuples(f"SELECT {_EVALUATION} FROM evaluations {where} ORDER BY id", values)
        return [records.Evaluation(*row) for row in rows]

    def losses(self, purpose: records.Purpose) -> list[tuple[int, int, str, float]]:
        """Attempt, rung, task and loss in nats of every measurement of attempts for a purpose: all at once, quickly."""
        return self._tuples(
            """SELECT attempt, rung, task, loss FROM evaluations
            WHERE purpose = ? AND attempt IS NOT NULL AND loss IS NOT NULL ORDER BY id""",
            [purpose],
        )

    def credit(self, *, generation: int | None = None) -> dict[int, list[records.OperatorCredit]]:
        """Operator credit by generation."""
        where, values = _where({"generation": generation})
        credit: dict[int, list[records.OperatorCredit]] = {}
        for row in self._rows(f"SELECT * FROM operator_credit {where} ORDER BY generation, operator", values):
            credit.setdefault(row.pop("generation"), []).append(records.OperatorCredit(**row))
        return credit

    def credit_totals(self) -> list[records.OperatorCredit]:
        """What every operator achieved over all generations, the greatest gain first."""
        totals: dict[str, records.OperatorCredit] = {}
        for rows in self.credit().values():
            for row in rows:
                known = totals.get(row.operator)
                totals[row.operator] = row if known is None else known.plus(row)
        return sorted(totals.values(), key=lambda own: (-own.gain, -own.improved, own.operator))

    def generations(self) -> list[records.Generation]:
        """Every finished generation."""
        rows = self._rows("SELECT * FROM generations ORDER BY generation")
        return [records.Generation(**_decoded(row, "statistics")) for row in rows]

    def events(self, *, kind: str | None = None) -> list[records.Event]:
        """Events, oldest first; of one kind where given."""
        where, values = _where({"kind": kind})
        rows = self._rows(f"SELECT * FROM events {where} ORDER BY id", values)
        return [records.Event(**_decoded(row, "detail")) for row in rows]

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        with self._file.translated():
            return list(self._database.query(sql, [stored("value", value) for value in values]))

    def _tuples(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._file.translated():
            return self._database.execute(sql, [stored("value", value) for value in values]).fetchall()

    def _attempts(self, chosen: str, values: Sequence[Any]) -> list[records.Attempt]:
        """Attempts whose number is in the one-column query `chosen`, by number."""
        parents = self._parents(f"WHERE attempt IN ({chosen})", values)
        rows = self._tuples(f"SELECT {_ATTEMPT} FROM attempts WHERE id IN ({chosen}) ORDER BY id", values)
        return [records.Attempt(*row, parents=parents.get(row[0], ())) for row in rows]

    def _parents(self, where: str, values: Sequence[Any]) -> dict[int, tuple[int, ...]]:
        """The parents, in order, of the attempts that have any."""
        return _grouped(
            self._tuples(f"SELECT attempt, parent FROM parents {where} ORDER BY attempt, position", values)
        )

    def _edits(self, numbers: Iterable[int]) -> dict[int, list[records.Edit]]:
        rows = self._rows(
            """SELECT attempt, kind, edit, description FROM edits
            WHERE attempt IN (SELECT value FROM json_each(?)) ORDER BY attempt, position""",
            [json.dumps(list(numbers))],
        )
        edits: dict[int, list[records.Edit]] = {}
        for row in rows:
            edits.setdefault(row.pop("attempt"), []).append(records.Edit(**row))
        return edits

    def _related(self, number: int, step: str) -> list[int]:
        rows = self._rows(
            f"""WITH RECURSIVE found(id) AS (SELECT ? UNION {step})
            SELECT id FROM found WHERE id <> ? ORDER BY id""",
            [number, number],
        )
        return [row["id"] for row in rows]


def _where(wanted: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """A WHERE clause for the columns whose value is not None, and the values."""
    given = {column: value for column, value in wanted.items() if value is not None}
    clause = " AND ".join(f"{column} = ?" for column in given)
    return f"WHERE {clause}" if given else "", list(given.values())


def _grouped(rows: Iterable[tuple[int, Any]]) -> dict[int, tuple[Any, ...]]:
    """Values by the number before them, in the order of the rows."""
    found: dict[int, tuple[Any, ...]] = {}
    for number, value in rows:
        found[number] = (*found[number], value) if number in found else (value,)
    return found


def _among(attempts: Sequence[int] | None) -> tuple[str, list[str]]:
    """A WHERE clause for these attempts, or for all, and its values."""
    if attempts is None:
        return "", []
    return "WHERE attempt IN (SELECT value FROM json_each(?))", [json.dumps(list(attempts))]


def _decoded(row: Mapping[str, Any], *columns: str) -> dict[str, Any]:
    return {column: json.loads(value) if column in columns else value for column, value in row.items()}
