"""Opening a cognition store and writing to it: WAL, foreign keys, BEGIN IMMEDIATE, errors of one line."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cognition.store.records import CognitionError

if TYPE_CHECKING:
    from sqlite_utils import Database

TIMEOUT_SECONDS = 30
ENVIRONMENT = "EVOLVE_COGNITION"


def default_path() -> Path:
    """Where the store is: EVOLVE_COGNITION, else the user's data directory (XDG base directories)."""
    if chosen := os.environ.get(ENVIRONMENT):
        return Path(chosen)
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "archevolve" / "cognition.db"


def connect(path: Path, mode: str) -> Database:
    """A connection to `path`; `mode` is SQLite's: "ro", "rw" or "rwc" (which creates the file)."""
    from sqlite_utils import Database

    with translated(path):
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=TIMEOUT_SECONDS)
        try:
            database = Database(connection, execute_plugins=False, strict=True)
            database.execute("PRAGMA foreign_keys=ON")
            if mode != "ro":
                database.enable_wal()
                database.execute("PRAGMA synchronous=FULL")
        except BaseException:
            connection.close()
            raise
        return database


def verify(path: Path) -> None:
    """Check, without writing, that `path` is a cognition store that this software knows.

    A file without tables, left by a kill in its creation, passes. Raises CognitionError for a file that is no
    SQLite database, a damaged one, another program's database, and one written by newer software.
    """
    from cognition.store.schema import known_migrations, migrations

    if not path.is_file():
        raise CognitionError(f"{path}: is no file; name a file that is a cognition store or does not exist")
    with closing(connect(path, "ro")) as database, translated(path):
        damage = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if damage != "ok":
            raise CognitionError(f"{path}: the database is damaged: {' '.join(damage.split())}")
        applied = {migration.name for migration in migrations.applied(database)}
        if not applied and database.table_names():
            raise CognitionError(f"{path}: not a cognition store")
    if newer := applied - known_migrations():
        names = ", ".join(sorted(newer))
        raise CognitionError(f"{path}: written by newer software (schema {names}); upgrade archevolve")


@contextmanager
def transaction(database: Database, path: Path) -> Iterator[None]:
    """A write transaction that is all or nothing; BEGIN IMMEDIATE waits for another writer at its start."""
    with translated(path):
        database.execute("BEGIN IMMEDIATE")
        try:
            yield
            database.commit()
        except BaseException:
            database.rollback()
            raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as CognitionError of one line."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise CognitionError(f"{path}: refused: {error}") from error
    except sqlite3.OperationalError as error:
        raise CognitionError(f"{path}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise CognitionError(f"{path}: the database is damaged: {error}") from error
