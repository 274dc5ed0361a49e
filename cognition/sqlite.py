"""SQLite files that survive a kill: WAL, foreign keys, BEGIN IMMEDIATE, errors of one line."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations

TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """One database file. What is wrong with it is raised as `error`, in one line that names the file."""

    path: Path
    error: type[ValueError]

    def connect(self, mode: str, *, threads: bool = False) -> Database:
        """A connection; `mode` is SQLite's: "ro", "rw" or "rwc" (which creates the file).

        With `threads` several threads may use it, one at a time: the caller sees to that.
        Writers use WAL with synchronous=FULL: what is stored costs more than an fsync, and so survives a power
        cut too.
        """
        from sqlite_utils import Database

        with self.translated():
            address = f"{self.path.resolve().as_uri()}?mode={mode}"
            if mode == "ro" and self._sealed():
                address += "&immutable=1"
            connection = sqlite3.connect(address, uri=True, timeout=TIMEOUT_SECONDS, check_same_thread=not threads)
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

    def _sealed(self) -> bool:
        """Whether the database lies in a folder that takes no writes, with nothing left to merge into it.

        SQLite reads a database in WAL mode only where it may make a file beside it, unless told that nobody writes.
        """
        journal = self.path.with_name(f"{self.path.name}-wal")
        return not os.access(self.path.parent, os.W_OK) and not (journal.exists() and journal.stat().st_size)

    def verify(self, migrations: Migrations, kind: str, *, may_be_empty: bool) -> None:
        """Check, without writing, that the file is an undamaged database with a schema of `migrations`.

        `kind` says what such a database is called. Raises `error` for a file that is no SQLite database, a
        damaged one, another program's database, one written by newer software, and, unless it `may_be_empty`,
        one without tables.
        """
        from sqlite_utils import Database

        with closing(self.connect("ro")) as database, self.translated():
            damage = database.execute("PRAGMA quick_check(1)").fetchone()[0]
            if damage != "ok":
                raise self.error(f"{self.path}: the database is damaged: {' '.join(damage.split())}")
            applied = {migration.name for migration in migrations.applied(database)}
            if not applied and not (may_be_empty and not database.table_names()):
                raise self.error(f"{self.path}: not {kind}")
        with closing(Database(memory=True, execute_plugins=False)) as with_none_applied:
            known = {migration.name for migration in migrations.pending(with_none_applied)}
        if newer := applied - known:
            names = ", ".join(sorted(newer))
            raise self.error(f"{self.path}: written by newer software (schema {names}); upgrade archevolve")

    @contextmanager
    def transaction(self, database: Database) -> Iterator[None]:
        """A write transaction that is all or nothing.

        BEGIN IMMEDIATE takes the write lock at once: a deferred transaction that reads before it writes fails
        with "database is locked" without waiting, whatever the timeout.
        """
        with self.translated():
            database.execute("BEGIN IMMEDIATE")
            try:
                yield
                database.commit()
            except BaseException:
                database.rollback()
                raise

    @contextmanager
    def translated(self) -> Iterator[None]:
        """SQLite's errors as `error`, in one line."""
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise self.error(f"{self.path}: refused: {error}") from error
        except sqlite3.OperationalError as error:
            raise self.error(f"{self.path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise self.error(f"{self.path}: the database is damaged: {error}") from error
