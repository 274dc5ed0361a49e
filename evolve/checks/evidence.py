"""The evidence of a finished search follows from its rows."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose

from runs.archive import Archive
from runs.evidence.gathering import gather
from runs.evidence.interval import DIGITS
from runs.evidence.tables import evidence_rows

LEAST = 10.0 ** (2 - DIGITS)
"""Difference that another machine's rounding may make."""


def evidence_problems(archive: Archive) -> Iterator[str]:
    """Rows of evidence that a finished search's attempts do not give, or that are missing.

    A search that goes on has the evidence of when it last finished; one that is older than evidence has none.
    """
    stored = evidence_rows(archive.evidence)
    if archive.run.status != "finished" or not any(stored.values()):
        return
    for table, rows in evidence_rows(gather(archive)).items():
        keys = [column for column, value in (rows or stored[table] or [{}])[0].items() if isinstance(value, str)]
        true, own = ({tuple(row[key] for key in keys): row for row in part} for part in (rows, stored[table]))
        for key in sorted(true.keys() | own.keys()):
            name = f"{table} of {' '.join(key)}"
            if key not in own:
                yield f"{name}: is not stored, and the attempts give it"
            elif key not in true:
                yield f"{name}: is stored, and the attempts do not give it"
            else:
                for column, value in true[key].items():
                    if column not in keys and not isclose(own[key][column], value, rel_tol=LEAST, abs_tol=LEAST):
                        yield f"{name}: its {column} is stored as {own[key][column]}, the attempts give {value}"
