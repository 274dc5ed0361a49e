"""The books on language-model calls: a row is committed before a call goes out and completed when it returns.

So budgets count what is in flight, and after a kill a call that had started counts as spent and is asked again,
while one that was answered is never paid for twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Self

from runs.calls import BUDGET, Call, Conclusion, Limits, Outcome, Place, Prediction, Reservation, Role
from runs.database import search_file
from runs.encoding import stored_row
from runs.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlite_utils import Database

OUTCOME = tuple(field.name for field in fields(Outcome))
TEXTS = ("prompt", "answer")
COLUMNS = (
    *("id", "generation", "slot", "turn", "role", "name", "attempt", "replayed", "started_at", "ended_at"),
    *("reserved_calls", "reserved_tokens", "reserved_cost"),
    *(name for name in OUTCOME if name not in TEXTS),
)

_SPENT = """
SELECT
    coalesce(sum(CASE state WHEN 'started' THEN reserved_calls ELSE 1 END), 0) AS calls,
    coalesce(sum(CASE WHEN coalesce(input, cached, written, output) IS NULL THEN reserved_tokens
        ELSE coalesce(input, 0) + coalesce(cached, 0) + coalesce(written, 0) + coalesce(output, 0) END), 0) AS tokens,
    coalesce(sum(coalesce(cost, reserved_cost)), 0.0) AS cost
FROM calls WHERE state <> 'skipped' AND NOT replayed
"""


class Ledger:
    """The calls of one search, over a connection of its own; any number of threads may use it.

    Every method that writes commits before it returns, or raises StoreError.
    """

    def __init__(self, directory: Path, database: Database) -> None:
        self._file = search_file(directory)
        self._database = database
        self._lock = RLock()

    @classmethod
    def open(cls, directory: Path) -> Self:
        """The ledger of a search that this process has opened for writing."""
        database = search_file(directory).connect("rw", threads=True)
        database.execute("PRAGMA secure_delete=ON")  # forgotten texts leave no bytes behind
        return cls(directory, database)

    @classmethod
    def read(cls, directory: Path) -> Self:
        """The ledger of a search, read-only. Raises StoreError where there is none, or an older one."""
        from runs.archive import Archive

        with Archive.at(directory):
            return cls(directory, search_file(directory).connect("ro", threads=True))

    def close(self) -> None:
        """Close the connection; calls that return later are not stored any more."""
        with self._lock:
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(
        self,
        place: Place,
        role: Role,
        name: str,
        prompt: str | None,
        reserved: Sequence[Reservation],
        limits: Limits,
    ) -> Call:
        """Commit that a call goes out, with the first of the reservations that the limits leave room for.

        Where they leave room for none, the call is stored as skipped, with the reason.
        """
        with self._transaction():
            (spent,) = self._rows(_SPENT)
            fitting = next((one for one in reserved if not _exceeded(spent, one, limits)), None)
            row = _started(place, role, name, prompt)
            if fitting is None:
                row |= _ended(Outcome("skipped", reason=_exceeded(spent, reserved[-1], limits)))
            else:
                row |= {f"reserved_{key}": value for key, value in asdict(fitting).items()}
            number = self._insert(row)
        return self.call(number)

    def skip(self, place: Place, role: Role, name: str, reason: str) -> Call:
        """Store that a call was not made, and why."""
        with self._transaction():
            skipped = _ended(Outcome("skipped", reason=reason))
            number = self._insert(_started(place, role, name, None) | skipped)
        return self.call(number)

    def finish(self, number: int, outcome: Outcome) -> Call:
        """Complete a started call. Raises StoreError for one that has ended."""
        with self._transaction():
            row = stored_row(_ended(outcome))
            columns = ", ".join(f"{column} = ?" for column in row)
            sql = f"UPDATE calls SET {columns} WHERE id = ? AND state = 'started'"
            if self._database.execute(sql, [*row.values(), number]).rowcount != 1:
                raise StoreError(f"{self._file.path}: call {number} has ended already")
        return self.call(number)

    def copy(self, call: Call) -> Call:
        """Store a call of another search as replayed: nothing is paid for it here."""
        row = _started(call.place, call.role, call.name, call.prompt) | _ended(call.outcome)
        reserved = {f"reserved_{key}": value for key, value in asdict(call.reserved).items()}
        with self._transaction():
            number = self._insert(row | reserved | {"replayed": 1})
        return self.call(number)

    def forget(self, generation: int) -> None:
        """Remove the texts of calls for generations up to this one, whose attempts are stored."""
        with self._transaction():
            self._database.execute(
                "UPDATE calls SET prompt = NULL, answer = NULL WHERE generation <= ?", [generation]
            )

    def record_conclusions(self, generation: int, conclusions: Sequence[Conclusion]) -> None:
        """Store what the analyst of a generation found; what is stored for it already stays."""
        with self._transaction():
            if self.conclusions(generation):
                return
            for position, conclusion in enumerate(conclusions):
                row = {
                    "generation": generation,
                    "position": position,
                    "text": conclusion.text,
                    "skills": json.dumps(conclusion.skills),
                    "attempts": json.dumps(conclusion.attempts),
                    "held": json.dumps(conclusion.held),
                }
                self._database.table("conclusions").insert(stored_row(row))

    def call(self, number: int) -> Call:
        """One call; StoreError when there is none of that number."""
        found = self._calls("WHERE id = ?", number)
        if not found:
            raise StoreError(f"{self._file.path}: no call {number}")
        return found[0]

    def ended(self, place: Place) -> Call | None:
        """The call of a place that has ended, if one has."""
        found = self._calls(
            "WHERE generation = ? AND slot = ? AND turn = ? AND state <> 'started'",
            place.generation,
            place.slot,
            place.turn,
        )
        return found[0] if found else None

    def calls(self, *, texts: bool = True) -> list[Call]:
        """Every call, in the order of generations, slots and turns; prompts and answers, which are long, if asked for."""
        return self._calls("ORDER BY generation, slot, turn, id", texts=texts)

    def spent(self) -> Reservation:
        """What counts against the limits: calls, tokens and dollars, those in flight as reserved."""
        (row,) = self._rows(_SPENT)
        return Reservation(**row)

    def conclusions(self, generation: int) -> list[Conclusion]:
        """Conclusions of the analyst of one generation, in order."""
        rows = self._rows(
            "SELECT text, skills, attempts, held FROM conclusions WHERE generation = ? ORDER BY position",
            generation,
        )
        return [
            Conclusion(row["text"], *(tuple(json.loads(row[key])) for key in ("skills", "attempts", "held")))
            for row in rows
        ]

    def concluded(self) -> list[int]:
        """Generations that have conclusions, in order."""
        rows = self._rows("SELECT DISTINCT generation FROM conclusions ORDER BY generation")
        return [row["generation"] for row in rows]

    def newest_conclusions(self, generation: int) -> list[Conclusion]:
        """Conclusions of the last analyst up to a generation that found anything."""
        (row,) = self._rows("SELECT max(generation) AS last FROM conclusions WHERE generation <= ?", generation)
        return [] if row["last"] is None else self.conclusions(row["last"])

    def predictions(self, attempts: Sequence[int] | None = None) -> list[Prediction]:
        """Every prediction of a language model, or those of these attempts, by attempt."""
        among = "" if attempts is None else "WHERE attempt IN (SELECT value FROM json_each(?))"
        values = [] if attempts is None else [json.dumps(list(attempts))]
        sql = f"SELECT attempt, skill, effect FROM predictions {among} ORDER BY attempt, skill"
        return [Prediction(**row) for row in self._rows(sql, *values)]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, self._file.transaction(self._database):
            yield

    def _insert(self, row: Mapping[str, Any]) -> int:
        values = stored_row(row)
        marks = ", ".join("?" for _ in values)
        sql = f"INSERT INTO calls ({', '.join(values)}) VALUES ({marks}) RETURNING id"
        return self._database.execute(sql, list(values.values())).fetchone()[0]

    def _calls(self, condition: str, *values: object, texts: bool = True) -> list[Call]:
        columns = ", ".join(COLUMNS + (TEXTS if texts else ()))
        return [_call(row) for row in self._rows(f"SELECT {columns} FROM calls {condition}", *values)]

    def _rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        with self._lock, self._file.translated():
            return list(self._database.query(sql, values))


def storable(text: str) -> str:
    """Text as a database keeps it: lone surrogates, which have no encoding, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _started(place: Place, role: Role, name: str, prompt: str | None) -> dict[str, Any]:
    return {
        **asdict(place),
        "role": role,
        "provider": name.partition(":")[0],
        "name": name,
        "state": "started",
        "fault": "",
        "reason": "",
        "reserved_calls": 0,
        "reserved_tokens": 0,
        "replayed": 0,
        "prompt": prompt,
        "started_at": _now(),
    }


def _ended(outcome: Outcome) -> dict[str, Any]:
    row = asdict(replace(outcome, reason=storable(outcome.reason)))
    if outcome.answer is not None:
        row["answer"] = storable(outcome.answer)
    return row | {"ended_at": _now()}


def _exceeded(spent: Mapping[str, Any], more: Reservation, limits: Limits) -> str:
    """Which limit a further reservation would exceed, in words; "" where none."""
    for what, ceiling, used, wanted in (
        ("calls", limits.calls, spent["calls"], more.calls),
        ("tokens", limits.tokens, spent["tokens"], more.tokens),
        ("dollars", limits.dollars, spent["cost"], more.cost or 0.0),
    ):
        if ceiling is not None and used + wanted > ceiling:
            return f"{BUDGET} {ceiling:g} {what} has {max(0, ceiling - used):g} left; up to {wanted:g} needed"
    return ""


def _call(row: Mapping[str, Any]) -> Call:
    return Call(
        row["id"],
        Place(row["generation"], row["slot"], row["turn"]),
        row["role"],
        row["name"],
        Outcome(**{name: row[name] for name in OUTCOME if name in row}),
        Reservation(row["reserved_calls"], row["reserved_tokens"], row["reserved_cost"]),
        bool(row["replayed"]),
        row.get("prompt"),
        row["attempt"],
        row["started_at"],
        row["ended_at"],
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
