"""What a person sees in `search.db` with sqlite-utils, and what the schema itself refuses."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.scores import Noise, Reference, Yardstick, exceeds_noise
from runs import records
from runs.archive import Archive
from runs.errors import StoreError
from runs.store import Store
from runs.tables import TABLES
from runs.views import VIEWS
from runs.yardstick import TABLES as YARDSTICK


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The database of a small search: two founders, a crossover with two edits, a rejection, a failure."""
    with Store.create(tmp_path, name="t", seed=1, configuration={}, version="0", generations=1) as store:
        names = ["transformer", "retention"]
        store.propose(0, [records.Proposal("seed", records.Recipe(name * 3, "{}", name)) for name in names], None)
        scores = [
            records.Settlement(1, "evaluated", score=0.5, family="attention", parameters=1000, state_bytes=64),
            records.Settlement(2, "evaluated", score=0.25),
        ]
        store.finish_generation(0, scores)
        edits = (records.Edit("graft", "{}", "graft block 1 of #2"), records.Edit("set", "{}", "set heads to 4"))
        child = records.Proposal("crossover", records.Recipe("child-hash", "{}", "child"), (2, 1), edits)
        rejected = records.Proposal("insert", None, (1,), status="rejected", reason="no room")
        failing = records.Proposal("insert", records.Recipe("failing-hash", "{}"), (1,))
        duplicate = records.Proposal(
            "insert", records.Recipe("child-hash", "{}", "child"), (1,), status="duplicate"
        )
        store.propose(1, [child, rejected, failing, duplicate], None)
        outcomes = [
            records.Settlement(3, "evaluated", score=0.75),
            records.Settlement(5, "failed", "out of memory"),
        ]
        store.finish_generation(1, outcomes)
    return tmp_path / "search.db"


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_genealogy_shows_parents_edits_and_gain(path: Path) -> None:
    seen = rows(path, "SELECT attempt, generation, operator, parents, edits, status, score, gain FROM genealogy")
    assert seen[0] == (1, 0, "seed", "", "", "evaluated", 0.5, None)
    line = "graft block 1 of #2; set heads to 4"
    assert seen[2] == (3, 1, "crossover", "2 1", line, "evaluated", 0.75, 0.25)
    assert seen[3] == (4, 1, "insert", "1", "", "rejected", None, None)
    assert len(seen) == 6


def test_leaderboard_ranks_the_fully_evaluated_only(path: Path) -> None:
    seen = rows(path, "SELECT rank, attempt, label, score, recipe FROM leaderboard")
    assert seen == [
        (1, 3, "child", 0.75, "child-hash"),
        (2, 1, "transformer", 0.5, "transformert"),
        (3, 2, "retention", 0.25, "retentionret"),
    ]


def yardstick(noise: float) -> Yardstick:
    return Yardstick("rwkv4", {"recall": Reference(2.0, 0.5)}, Noise(noise, {"recall": noise}, 3))


def test_the_leaderboard_marks_ties_once_the_noise_is_known(path: Path) -> None:
    sql = "SELECT attempt, tie FROM leaderboard"
    assert rows(path, sql) == [(3, None), (1, None), (2, None)]
    with Store.open(path.parent) as store:
        store.record_yardstick(yardstick(0.125))
    assert rows(path, sql) == [(3, 1), (1, 1), (2, 0)]


@settings(max_examples=100)
@given(
    st.lists(st.floats(-2, 4) | st.sampled_from([0.5, 0.75, 1.0]), min_size=1),
    st.floats(0, 1) | st.sampled_from([0.125, 0.25]),
)
def test_a_tie_in_sql_is_a_tie_in_python(scores: list[float], noise: float) -> None:
    with sqlite3.connect(":memory:") as connection:
        connection.executescript(TABLES + VIEWS + YARDSTICK)
        connection.execute("INSERT INTO yardstick VALUES (1, 'rwkv4', 3, ?)", [noise])
        connection.executemany(
            """INSERT INTO attempts(id, generation, operator, status, reason, recipe, label, score, created_at)
            VALUES (?, 1, 'seed', 'evaluated', '', ?, '', ?, '')""",
            [(number, f"recipe {number}", score) for number, score in enumerate(scores, 1)],
        )
        marked = dict(connection.execute("SELECT attempt, tie FROM leaderboard").fetchall())
    connection.close()
    best = max(scores)
    assert marked == {n: int(not exceeds_noise(best - score, noise)) for n, score in enumerate(scores, 1)}


def test_a_search_from_before_the_yardstick_keeps_its_rows_and_gets_ties_when_it_goes_on(path: Path) -> None:
    old = VIEWS[VIEWS.index("CREATE VIEW leaderboard") : VIEWS.index("CREATE VIEW failures")]
    connection = sqlite3.connect(path)
    connection.executescript(
        f"""DROP VIEW leaderboard; DROP TABLE yardstick; DROP TABLE yardstick_tasks; {old}
        DELETE FROM _sqlite_migrations WHERE name = 'create_yardstick';"""
    )
    connection.close()
    kept = "SELECT rank, attempt, generation, label, family, score, operator, parameters, recipe FROM leaderboard"
    before = rows(path, kept)
    with pytest.raises(StoreError, match="older software; continue the search once"):
        Archive.at(path.parent)
    with Store.open(path.parent) as store:
        assert store.yardstick is None
        store.record_yardstick(yardstick(0.125))
    assert rows(path, kept) == before
    assert rows(path, "SELECT tie FROM leaderboard") == [(1,), (1,), (0,)]


def test_failures_tell_why(path: Path) -> None:
    seen = rows(path, "SELECT * FROM failures")
    assert seen == [(4, 1, "insert", "rejected", "no room"), (5, 1, "insert", "failed", "out of memory")]


def test_the_views_read_naturally_with_the_sqlite_utils_command(path: Path) -> None:
    command = [sys.executable, "-m", "sqlite_utils", "rows", str(path), "leaderboard", "-t"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    assert shown[0].split()[:6] == ["rank", "attempt", "generation", "label", "family", "score"]
    assert shown[2].split()[:4] == ["1", "3", "1", "child"]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE attempts SET generation = 'first'", "cannot store TEXT value in INTEGER column"),
        ("INSERT INTO events VALUES (NULL, 1, x'00', '', '')", "BLOB"),
        ("UPDATE attempts SET score = 1e999 WHERE id = 1", "a_score_is_finite"),
        ("UPDATE attempts SET score = 0.1 WHERE status = 'failed'", "only_a_measured_attempt_has_a_score"),
        ("UPDATE attempts SET reason = '' WHERE status = 'failed'", "a_failure_has_a_reason"),
        ("UPDATE attempts SET recipe = NULL WHERE id = 1", "only_a_rejected_attempt_has_no_recipe"),
        ("UPDATE attempts SET status = 'great'", "CHECK constraint failed"),
        ("UPDATE attempts SET recipe = 'child-hash' WHERE id = 1", "UNIQUE constraint failed: attempts.recipe"),
        ("UPDATE parents SET parent = 6 WHERE attempt = 3", "a_parent_is_an_earlier_attempt"),
        ("DELETE FROM attempts WHERE id = 1", "FOREIGN KEY constraint failed"),
        (
            "INSERT INTO runs SELECT 2, name, '', 1, '{}', '', 'running', 1, '' FROM runs",
            "one_search_per_database",
        ),
        ("INSERT INTO yardstick VALUES (2, 'rwkv4', 3, 0.1)", "one_yardstick_per_search"),
        ("INSERT INTO yardstick VALUES (1, 'rwkv4', 1, 0.1)", "noise_needs_two_seeds"),
        ("INSERT INTO yardstick VALUES (1, 'rwkv4', 3, -0.1)", "noise_is_finite_and_not_negative"),
        ("INSERT INTO yardstick_tasks VALUES ('recall', 0.0, 0.1, 0.1)", "chance_is_finite_and_positive"),
        ("INSERT INTO yardstick_tasks VALUES ('recall', 2.0, 9e999, 0.1)", "loss_is_finite_and_not_negative"),
    ],
)
def test_the_schema_refuses_what_would_make_no_sense(path: Path, statement: str, message: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA foreign_keys=ON")
    with pytest.raises(sqlite3.IntegrityError, match=message):
        connection.executescript(statement)
    connection.close()


def test_every_table_is_strict(path: Path) -> None:
    tables = rows(path, "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
    ours = {name: strict for name, strict in tables if not name.startswith(("sqlite_", "_sqlite_"))}
    assert len(ours) == 22
    assert set(ours.values()) == {1}


def test_an_older_search_gains_the_columns_of_seconds_and_keeps_its_rows(path: Path) -> None:
    evaluation = records.Evaluation(
        "transformer" * 3, "search", "text", 0, 1, "validation", 9, "evaluated", 1, loss=1.0
    )
    with Store.open(path.parent) as store:
        store.record_evaluation(evaluation)
    connection = sqlite3.connect(path)
    for column in ("trace_seconds", "idle_seconds"):
        connection.execute(f"ALTER TABLE evaluations DROP COLUMN {column}")
    connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'add_trace_and_idle_seconds'")
    connection.commit()
    connection.close()

    with pytest.raises(StoreError, match="written by older software"):
        Store.read(path.parent)
    timed = replace(evaluation, seed=1, trace_seconds=0.25, idle_seconds=0.5)
    with Store.open(path.parent) as store:
        store.record_evaluation(timed)
        assert store.evaluations() == [evaluation, timed]
