"""SIGKILL in the midst of calls: the same genealogy, no answer paid for twice, also where texts are not to be kept."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from evolve.cli import main

COMPARED = (
    "SELECT id, generation, operator, status, reason, recipe, duplicate_of, score, rung, family FROM attempts "
    "ORDER BY id",
    "SELECT attempt, position, parent FROM parents ORDER BY attempt, position",
    "SELECT attempt, position, kind, edit, description FROM edits ORDER BY attempt, position",
    "SELECT attempt, skill, effect FROM predictions ORDER BY attempt, skill",
    "SELECT generation, operator, attempts, improved, gain, untrained FROM operator_credit ORDER BY 1, 2",
    "SELECT generation, position, text, attempts FROM conclusions ORDER BY generation, position",
    "SELECT generation, slot, turn, role, state, reason, answer, attempt FROM calls WHERE state <> 'started' "
    "ORDER BY generation, slot, turn",
)

ROOT = Path(__file__).parents[3]


def content(directory: Path) -> list[list[tuple]]:
    with sqlite3.connect(directory / "search.db") as database:
        return [database.execute(query).fetchall() for query in COMPARED]


def ended(directory: Path) -> list[tuple]:
    with sqlite3.connect(directory / "search.db") as database:
        return database.execute("SELECT id, ended_at FROM calls WHERE state <> 'started' ORDER BY id").fetchall()


def search(directory: Path, fatal: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.evolve.llm.mortal_search", str(directory), str(fatal)]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, cwd=ROOT)


def test_kills_in_the_midst_of_calls_change_nothing_and_pay_nothing_twice(tmp_path: Path) -> None:
    whole = search(tmp_path / "whole", 0)
    assert whole.returncode == 0, whole.stderr
    killed = tmp_path / "killed"
    for fatal in (3, 2, 4):
        before = ended(killed) if killed.exists() else []
        assert search(killed, fatal).returncode == -signal.SIGKILL
        assert ended(killed)[: len(before)] == before
    before = ended(killed)
    last = search(killed, 0)
    assert last.returncode == 0, last.stderr
    assert content(killed) == content(tmp_path / "whole")
    after = ended(killed)
    assert after[: len(before)] == before
    assert int(last.stdout) == len(after) - len(before)
    with sqlite3.connect(killed / "search.db") as database:
        texts = "prompt IS NOT NULL OR answer IS NOT NULL"
        assert database.execute(f"SELECT count(*) FROM calls WHERE {texts}").fetchone() == (0,)
        (lost,) = database.execute("SELECT count(*) FROM calls WHERE state = 'started'").fetchone()
    assert lost >= 3
    assert main(["check", "--out", str(killed)]) == 0
