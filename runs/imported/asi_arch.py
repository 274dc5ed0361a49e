"""Records of ASI-Arch (arXiv 2507.18074) as entries: exports of its database, its published files.

A record is an object with `index`, `name`, `parent`, `program`, `motivation`, `analysis`, `cognition`, `log`,
`summary`, `time`, `score` and a `result` of two tables in CSV, `train` and `test`. The published files add
`name_new` and `parameters`, or leave out all but the genealogy. Any field may be absent. Exports of MongoDB wrap
numbers and identifiers in objects such as {"$oid": "..."}.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runs.errors import StoreError
from runs.imported.records import Entry, Result
from runs.imported.streaming import streamed

FORMAT = "asi-arch"
TEXTS = {
    "title": "name_new",
    "time": "time",
    "parameters": "parameters",
    "summary": "summary",
    "motivation": "motivation",
    "analysis": "analysis",
    "cognition": "cognition",
    "log": "log",
    "program": "program",
}
"""Where a column's text is in a record."""

LARGEST_INDEX = 2**53
_NUMBERS = ("$numberInt", "$numberLong", "$numberDouble", "$numberDecimal")
_NOTHING = ("", "none")
"""ASI-Arch stores "none" where it has no text."""


def entries(path: Path) -> Iterator[Entry]:
    """The entries of a file, or of the .json and .jsonl files of a folder by name, in order.

    A file holds an array of records, records one after the other, or an object with them under `results`. Raises
    StoreError, naming the file and the record, for one that is not of this format.
    """
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in (".json", ".jsonl"))
        if not files:
            raise StoreError(f"{path}: holds no .json or .jsonl file")
    for file in files:
        for number, record in enumerate(_records(file), 1):
            if not isinstance(record, dict) or not record.keys() & {"index", "name", "program"}:
                raise StoreError(
                    f"{file}: record {number} is none of ASI-Arch: an object with an index, a name or a program"
                    " is accepted"
                )
            yield entry_of(record)


def entry_of(record: Mapping[str, Any]) -> Entry:
    """One record as an entry; what is not of the expected type counts as absent."""
    index = _number(record.get("index"))
    fits = index is not None and index == int(index) and 0 <= index <= LARGEST_INDEX
    return Entry(
        index=int(index) if index is not None and fits else None,
        identifier=_text(record.get("_id")),
        name=_text(record.get("name")),
        parents=_parents(record.get("parent")),
        score=_number(record.get("score")),
        texts={column: _text(record.get(field)) for column, field in TEXTS.items()},
        results=tuple(_results(record.get("result"))),
    )


def _records(file: Path) -> Iterator[Any]:
    for value in streamed(file):
        wrapped = value.get("results") if isinstance(value, dict) and "index" not in value else None
        if isinstance(wrapped, list):
            yield from wrapped
        else:
            yield value


def _plain(value: Any) -> Any:
    """A value without MongoDB's wrapping: {"$oid": "..."} is the text, {"$numberInt": "5"} the number."""
    if isinstance(value, dict) and len(value) == 1:
        ((kind, inner),) = value.items()
        if kind in _NUMBERS:
            return _number(inner)
        if kind in ("$oid", "$date"):
            return _plain(inner)
    return value


def _number(value: Any) -> float | int | None:
    """A finite number, also where it is written as text."""
    value = _plain(value)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        return None
    return value


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def _text(value: Any) -> str:
    """A value as text that UTF-8 can hold; an object or array as JSON."""
    value = _plain(value)
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text.encode("utf-8", "replace").decode()
    return "" if text in _NOTHING else text


def _parents(value: Any) -> tuple[int | str, ...]:
    value = _plain(value)
    named: list[int | str] = []
    for one in value if isinstance(value, list) else [value]:
        plain = _plain(one)
        if isinstance(plain, int | float) and not isinstance(plain, bool) and _is_finite(plain):
            named.append(int(plain))
        elif text := _text(plain):
            named.append(text)
    return tuple(dict.fromkeys(named))


def _results(value: Any) -> Iterator[Result]:
    tables = value if isinstance(value, dict) else {"": value}
    for split, table in tables.items():
        if text := _text(table):
            yield from _cells(_text(split), text)


def _cells(split: str, text: str) -> Iterator[Result]:
    """The cells of a table's first row under the names of its head; a text that is no such table is one cell.

    The first column is the program's name.
    """
    try:
        rows = [row for row in csv.reader(text.splitlines()) if row]
    except csv.Error:
        rows = []
    if len(rows) < 2 or len(rows[0]) != len(rows[1]) or len(rows[0]) < 2:
        yield Result(split, "", text, None)
        return
    for name, cell in zip(rows[0][1:], rows[1][1:], strict=True):
        yield Result(split, name, cell, _number(cell))
