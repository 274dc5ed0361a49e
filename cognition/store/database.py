"""Where the cognition store is, and whether a file is one."""

from __future__ import annotations

import os
from pathlib import Path

from cognition.sqlite import SqliteFile
from cognition.store.records import CognitionError

ENVIRONMENT = "EVOLVE_COGNITION"


def default_path() -> Path:
    """Where the store is: EVOLVE_COGNITION, else the user's data directory (XDG base directories)."""
    if chosen := os.environ.get(ENVIRONMENT):
        return Path(chosen)
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "archevolve" / "cognition.db"


def store_file(path: Path) -> SqliteFile:
    """The store at `path`; its errors are CognitionError."""
    return SqliteFile(path, CognitionError)


def verify(file: SqliteFile) -> None:
    """Check, without writing, that a file is a cognition store that this software knows.

    A file without tables, left by a kill in its creation, passes. Raises CognitionError for a file that is no
    SQLite database, a damaged one, another program's database, and one written by newer software.
    """
    from cognition.store.schema import migrations

    if not file.path.is_file():
        raise CognitionError(f"{file.path}: is no file; name a file that is a cognition store or does not exist")
    file.verify(migrations, "a cognition store", may_be_empty=True)
