"""Opening `search.db` and writing to it: WAL, foreign keys, BEGIN IMMEDIATE, errors of one line."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from runs.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

DATABASE_NAME = "search.db"
TIMEOUT_SECONDS = 30


def connect(path: Path, mode: str) -> Database:
    """A connection to `path`; `mode` is SQLite's: "ro", "rw" or "rwc" (which creates the file).

    Writers use WAL with synchronous=FULL: an evaluation costs more than an fsync, and so survives a power cut
    too.
    """
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
    """Check, without writing, that `path` is an undamaged search database that this software knows.

    Raises StoreError for a missing file, one that is no SQLite database, a truncated or damaged one, another
    program's database, and one written by newer software.
    """
    from runs.schema import known_migrations, migrations

    if not path.is_file():
        raise StoreError(f"{path.parent}: holds no search (no {path.name} in it)")
    with closing(connect(path, "ro")) as database, translated(path):
        damage = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if damage != "ok":
            raise StoreError(f"{path}: the database is damaged: {' '.join(damage.split())}")
        applied = {migration.name for migration in migrations.applied(database)}
    if not applied:
        raise StoreError(f"{path}: not the database of a search")
    if newer := applied - known_migrations():
        raise StoreError(
            f"{path}: written by newer software (schema {', '.join(sorted(newer))}); upgrade archevolve"
        )


@contextmanager
def transaction(database: Database, path: Path) -> Iterator[None]:
    """A write transaction that is all or nothing.

    BEGIN IMMEDIATE takes the write lock at once: a deferred transaction that reads before it writes fails
    with "database is locked" without waiting, whatever the timeout.
    """
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
    """SQLite's errors as StoreError of one line."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise StoreError(f"{path}: refused: {error}") from error
    except sqlite3.OperationalError as error:
        raise StoreError(f"{path}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path}: the database is damaged: {error}") from error
