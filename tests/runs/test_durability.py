"""Kills, second writers and damaged files, with real processes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runs import records
from runs.errors import StoreError
from runs.lock import writer
from runs.store import Store

ROOT = Path(__file__).parents[2]
GENERATIONS, SIZE = 12, 4

# A search loop whose proposals follow from the random state alone. It reports what was committed on its output.
SEARCH = f"""
import random, sys, time
from runs import records
from runs.store import Store

directory, pause = sys.argv[1], float(sys.argv[2])
if Store.exists(directory):
    store = Store.open(directory, configuration={{"seed": 3}})
else:
    target = {GENERATIONS}
    store = Store.create(directory, name="t", seed=3, configuration={{"seed": 3}}, version="0", generations=target)
print("ready", flush=True)
while store.generation_count() < {GENERATIONS}:
    generation = store.generation_count()
    if not store.pending():
        rng = random.Random(store.run.random_state or 3)
        count = store.attempt_count()
        proposals = []
        for i in range({SIZE}):
            parents = (rng.randint(1, count),) if count else ()
            recipe = records.Recipe(f"{{rng.getrandbits(64):016x}}", "{{}}")
            edits = (records.Edit("set", "{{}}", f"edit {{i}}"),)
            proposals.append(records.Proposal("mutate", recipe, parents, edits))
        store.propose(generation, proposals, rng.getrandbits(64))
        print("proposed", generation, flush=True)
    settlements = []
    for attempt in store.pending():
        if not store.evaluations(attempt=attempt.id):
            time.sleep(pause)
            score = int(attempt.recipe, 16) / 2**64
            store.record_evaluation(records.Evaluation(
                attempt.recipe, "search", "recall", 0, 0, "validation", 1, "evaluated", attempt.id, loss=score))
            print("evaluated", attempt.id, flush=True)
        (found,) = store.evaluations(attempt=attempt.id)
        settlements.append(records.Settlement(attempt.id, "evaluated", score=found.loss))
    store.finish_generation(generation, settlements)
    print("finished", generation, flush=True)
store.finish_run()
store.close()
"""

HOLD = """
import sys
from runs.store import Store
store = Store.open(sys.argv[1])
print("holding", flush=True)
sys.stdin.read()
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def create(directory: Path) -> Store:
    return Store.create(directory, name="t", seed=1, configuration={}, version="0", generations=5)


def contents(directory: Path) -> tuple[Any, ...]:
    with Store.read(directory) as archive:
        attempts = [replace(attempt, created_at="") for attempt in archive.attempts()]
        edits = [archive.edits(attempt.id) for attempt in attempts]
        generations = [replace(generation, finished_at="") for generation in archive.generations()]
        evaluations = sorted(archive.evaluations(), key=lambda one: one.attempt or 0)
        return attempts, edits, generations, evaluations, archive.run.random_state, archive.run.status


def test_a_search_killed_again_and_again_ends_as_if_it_never_was(tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    reference = start(SEARCH, undisturbed, 0)
    reference.communicate(timeout=60)
    assert reference.returncode == 0

    rng = random.Random(0)
    reported: set[str] = set()
    kills = 0
    for _ in range(5):
        search = start(SEARCH, killed, 0.01)
        assert search.stdout is not None
        assert search.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0.0, 0.2))
        search.kill()
        output, _ = search.communicate(timeout=60)
        kills += search.returncode == -signal.SIGKILL
        reported.update(output.splitlines())
        with Store.read(killed) as archive:
            attempts, finished = archive.attempts(), archive.generation_count()
            assert [attempt.id for attempt in attempts] == list(range(1, len(attempts) + 1))
            assert len(attempts) in (SIZE * finished, SIZE * finished + SIZE)
            assert all(attempt.generation >= finished for attempt in archive.pending())
            assert all(len(archive.edits(attempt.id)) == 1 for attempt in attempts)
            assert reported <= (
                {f"evaluated {one.attempt}" for one in archive.evaluations()}
                | {f"proposed {attempt.generation}" for attempt in attempts}
                | {f"finished {generation.generation}" for generation in archive.generations()}
            )
        with sqlite3.connect(killed / "search.db") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.close()
    assert kills >= 3
    last = start(SEARCH, killed, 0)
    last.communicate(timeout=60)
    assert last.returncode == 0
    assert contents(killed) == contents(undisturbed)
    assert contents(killed)[-1] == "finished"


def test_a_second_writer_is_refused_while_the_first_lives_and_readers_are_not(tmp_path: Path) -> None:
    create(tmp_path).close()
    assert writer(tmp_path) is None
    holder = start(HOLD, tmp_path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "holding\n"
    try:
        with pytest.raises(StoreError, match=f"process {holder.pid} is writing") as caught:
            Store.open(tmp_path)
        assert "\n" not in str(caught.value)
        with pytest.raises(StoreError, match=f"process {holder.pid} is writing"):
            create(tmp_path)
        assert writer(tmp_path) == holder.pid
        with Store.read(tmp_path) as archive:
            assert archive.run.name == "t"
    finally:
        holder.kill()
        holder.communicate(timeout=60)
    assert writer(tmp_path) is None
    with Store.open(tmp_path):
        assert writer(tmp_path) == os.getpid()
    assert writer(tmp_path) is None


def test_a_refused_open_gives_the_lock_back(tmp_path: Path) -> None:
    create(tmp_path).close()
    with pytest.raises(StoreError, match="seed was absent"):
        Store.open(tmp_path, configuration={"seed": 1})
    Store.open(tmp_path).close()


def test_a_reader_sees_what_a_running_writer_commits(tmp_path: Path) -> None:
    with create(tmp_path) as store, Store.read(tmp_path) as archive:
        store.propose(0, [records.Proposal("seed", records.Recipe("h", "{}"))], None)
        assert archive.attempt_count() == 1
        store.record_evaluation(
            records.Evaluation("h", "noise", "recall", 0, 0, "validation", 1, "evaluated", loss=0.5)
        )
        assert archive.evaluations()[0].loss == 0.5


def test_the_database_is_in_wal_mode_and_a_reader_is_no_writer(tmp_path: Path) -> None:
    create(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "search.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    with Store.read(tmp_path) as archive:
        assert not isinstance(archive, Store)


def garbage(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(20_000))


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwritten(path: Path) -> None:
    data = bytearray(path.read_bytes())
    middle = len(data) // 4096 // 2 * 4096
    data[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(data)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
    connection.close()


def newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        values = "'runs', 'add_colours', '2030'"
        connection.execute(f"INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ({values})")
    connection.close()


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (garbage, "database is damaged"),
        (truncated, "database is damaged"),
        (overwritten, "database is damaged"),
        (emptied, "not the database of a search"),
        (foreign, "not the database of a search"),
        (newer, "newer software .*add_colours.*upgrade"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused_and_left_alone(
    tmp_path: Path, harm: Callable[[Path], None], message: str
) -> None:
    directory = tmp_path / "search"
    with create(directory) as store:
        store.propose(0, [records.Proposal("seed", records.Recipe(f"h{i}", "x" * 500)) for i in range(200)], None)
    harm(directory / "search.db")
    before = (directory / "search.db").read_bytes()
    for use in (Store.open, Store.read):
        with pytest.raises(StoreError, match=message) as caught:
            use(directory)
        assert "\n" not in str(caught.value)
    assert (directory / "search.db").read_bytes() == before


def test_a_directory_without_a_search_is_refused_and_not_made(tmp_path: Path) -> None:
    for use in (Store.open, Store.read):
        with pytest.raises(StoreError, match="holds no search"):
            use(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()
    assert not Store.exists(tmp_path / "absent")


def test_create_never_replaces_a_search(tmp_path: Path) -> None:
    with create(tmp_path) as store:
        store.log("note", "keep me")
    with pytest.raises(StoreError, match="already holds a search"):
        create(tmp_path)
    with Store.read(tmp_path) as archive:
        assert archive.events(kind="note")
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        create(blocked)


def test_a_creation_that_was_killed_leaves_no_search_behind(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "search.db").execute("PRAGMA journal_mode=wal").connection.close()
    assert not Store.exists(tmp_path)
    create(tmp_path).close()
    assert Store.exists(tmp_path)


def test_a_copied_search_is_whole(tmp_path: Path) -> None:
    with create(tmp_path / "one") as store:
        store.log("note", "copied")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    with Store.open(tmp_path / "two") as copy:
        assert copy.events(kind="note")[0].message == "copied"


def test_importing_the_package_loads_neither_sqlite_utils_nor_numpy() -> None:
    script = """
import sys, runs, runs.store, runs.archive, runs.genealogy
print([name for name in ("sqlite_utils", "numpy", "jax", "safetensors") if name in sys.modules])
"""
    process = start(script)
    assert process.communicate(timeout=60)[0] == "[]\n"
