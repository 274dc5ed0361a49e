"""Databases of earlier releases: each opens, migrates, holds and goes on.

A text is SQL that the software of the time wrote, made by `sqlite3.Connection.iterdump` from a search at the smallest
scale. It is never changed.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from evolve.cli import main
from evolve.configuration import Configuration
from evolve.search import Search
from evolve.session import laboratory, prepare, stored_library
from runs.errors import StoreError
from runs.schema import migrations
from runs.store import Store
from tests.evolve.landscape import Landscape

FROZEN = Path(__file__).parents[1] / "runs" / "frozen"

ADDED = 1
"""Generations that a thawed search goes on for."""

Rows = dict[str, set[tuple]]


@pytest.fixture(params=sorted(path.stem for path in FROZEN.glob("*.sql")))
def thawed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A search of an earlier release, before anything of today has opened it."""
    with closing(sqlite3.connect(tmp_path / "search.db")) as database:
        database.executescript((FROZEN / f"{request.param}.sql").read_text(encoding="utf-8"))
    return tmp_path


def columns(directory: Path) -> dict[str, list[str]]:
    """Columns of every table of a search but the one of migrations."""
    with closing(sqlite3.connect(directory / "search.db")) as database:
        tables = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'"
        ).fetchall()
        return {name: [row[1] for row in database.execute(f"PRAGMA table_info({name})")] for (name,) in tables}


def rows(directory: Path, of: dict[str, list[str]]) -> Rows:
    """Rows of these columns."""
    with closing(sqlite3.connect(directory / "search.db")) as database:
        return {name: set(database.execute(f"SELECT {', '.join(own)} FROM {name}")) for name, own in of.items()}


def test_migrating_keeps_every_row_and_ends_where_a_new_search_begins(thawed: Path, tmp_path: Path) -> None:
    known = columns(thawed)
    before = rows(thawed, known)
    Store.open(thawed).close()
    after = rows(thawed, known)
    assert all(before[name] <= after[name] for name in before)
    assert {name for name in before if before[name] != after[name]} == {"events"}
    new = tmp_path / "new"
    Store.create(new, name="new", seed=0, configuration={}, version="0", generations=1).close()
    assert {name: set(own) for name, own in columns(thawed).items()} == {
        name: set(own) for name, own in columns(new).items()
    }


def test_it_is_read_or_refused_in_one_line_and_holds_once_it_was_opened(
    thawed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(thawed / "search.db")) as database:
        applied = {name for (name,) in database.execute("SELECT name FROM _sqlite_migrations")}
    held = (thawed / "search.db").read_bytes()
    with closing(Database(memory=True)) as empty:
        known = {migration.name for migration in migrations.pending(empty)}
    if applied < known:
        with pytest.raises(StoreError, match="older software; continue the search once"):
            Store.read(thawed)
    else:
        Store.read(thawed).close()
    assert (thawed / "search.db").read_bytes() == held
    Store.open(thawed).close()
    capsys.readouterr()
    assert main(["check", "--out", str(thawed)]) == 0, capsys.readouterr().out
    assert "everything holds" in capsys.readouterr().out


def test_it_goes_on_as_if_the_release_had_not_changed(thawed: Path, tmp_path: Path) -> None:
    """Twice the same genealogy, whatever came between."""
    again = tmp_path / "again"
    again.mkdir()
    shutil.copy(thawed / "search.db", again)
    assert further(thawed) == further(again)
    assert main(["check", "--out", str(thawed)]) == 0
    assert main(["best", "--out", str(thawed)]) == 0


def further(directory: Path) -> list[tuple]:
    """Let a search go on; returns its attempts, the earlier ones unchanged."""
    with Store.open(directory) as store:
        done, before = store.generation_count(), store.attempts()
        configuration = Configuration.of_search({**store.run.configuration, "generations": done + ADDED})
    prepared = prepare(configuration)
    with Store.open(directory, configuration=prepared.stored) as store:
        library = stored_library(store)
        Search(configuration, laboratory(prepared, store, Landscape(), library), prepared.tasks, library).run()
        attempts = store.attempts()
        assert store.generation_count() == done + ADDED
    assert attempts[: len(before)] == before
    assert len(attempts) > len(before)
    return [(a.operator, a.parents, a.recipe, a.status, a.score, a.reason) for a in attempts]
