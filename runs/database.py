"""Where a search's database is, and whether a file is one."""

from __future__ import annotations

from pathlib import Path

from cognition.sqlite import SqliteFile
from runs.errors import StoreError

DATABASE_NAME = "search.db"


def search_file(directory: Path) -> SqliteFile:
    """The database of the search in `directory`; its errors are StoreError."""
    return SqliteFile(directory / DATABASE_NAME, StoreError)


def verify(file: SqliteFile) -> None:
    """Check, without writing, that a file is an undamaged search database that this software knows.

    Raises StoreError for a missing file, one that is no SQLite database, a truncated or damaged one, another
    program's database, and one written by newer software.
    """
    from runs.schema import migrations

    if not file.path.is_file():
        raise StoreError(f"{file.path.parent}: holds no search (no {file.path.name} in it)")
    file.verify(migrations, "the database of a search", may_be_empty=False)
