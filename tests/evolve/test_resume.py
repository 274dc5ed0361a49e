"""A search is the same however often it is killed and whatever the number of workers: real processes, real kills."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from tests.evolve.rows import GENEALOGY

COMMAND = ["run", "--generations", "3", "--population", "4", "--scale", "micro", "--task", "recall", "--seed", "3"]


def start(directory: Path, *extra: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "evolve", *COMMAND, "--out", str(directory), *extra]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0)


def finish(directory: Path, *extra: str) -> str:
    process = start(directory, *extra)
    output, _ = process.communicate(timeout=280)
    assert process.returncode == 0, output.decode()
    return output.decode()


def content(directory: Path) -> list[list[tuple]]:
    with sqlite3.connect(directory / "search.db") as database:
        return [database.execute(query).fetchall() for query in GENEALOGY]


def evaluations(directory: Path) -> int:
    """How many a search has stored; none before it has a database."""
    path = directory / "search.db"
    if not path.exists():
        return 0
    with sqlite3.connect(path) as database:
        (found,) = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'evaluations'").fetchone()
        return database.execute("SELECT count(*) FROM evaluations").fetchone()[0] if found else 0


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("unbroken")
    finish(directory, "--workers", "2")
    return directory


@pytest.mark.timeout(600)
def test_ten_kills_at_random_moments_change_nothing(unbroken: Path, tmp_path: Path) -> None:
    random = Random(7)
    kills = 0
    while kills < 10:
        process = start(tmp_path, "--workers", "2")
        try:
            process.wait(random.uniform(0.5, 6.0))
            break
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
    finish(tmp_path, "--workers", "2")
    assert kills > 2
    assert content(tmp_path) == content(unbroken)


def test_one_worker_finds_what_two_find(unbroken: Path, tmp_path: Path) -> None:
    finish(tmp_path, "--workers", "1")
    assert content(tmp_path) == content(unbroken)


def test_a_finished_search_says_so_and_trains_nothing(unbroken: Path) -> None:
    before = content(unbroken)
    started = time.monotonic()
    output = finish(unbroken)
    assert "is finished" in output
    assert time.monotonic() - started < 60
    assert content(unbroken) == before


def test_interruption_keeps_what_is_measured_and_says_how_to_go_on(tmp_path: Path) -> None:
    process = start(tmp_path)
    until = time.monotonic() + 120
    while not (before := evaluations(tmp_path)):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on" in output.decode()
    assert evaluations(tmp_path) >= before
    with sqlite3.connect(tmp_path / "search.db") as database:
        assert database.execute("SELECT status FROM runs").fetchone() == ("stopped",)
