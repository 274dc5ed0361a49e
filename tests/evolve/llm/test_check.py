"""`check` on the books of language models: good ones hold, and whatever is bent in them is named."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from evolve.checks.ledger import ledger_problems
from evolve.cli import main
from evolve.llm.protocol import ProviderError
from evolve.llm.replay import Recording
from runs.archive import Archive
from runs.calls import Limits
from runs.database import search_file
from runs.ledger import Ledger
from tests.evolve.llm.scripted import Scripted, good, mediocre, search_with, useless
from tests.evolve.test_check import bend, told


def mixed(data: Mapping[str, Any], random: Random) -> str:
    return random.choice((good, mediocre, useless, useless))(data, random)


def failing(number: int) -> ProviderError | None:
    return ProviderError("timeout", "no answer") if number % 7 == 3 else None


def copied(source: Path, directory: Path) -> Path:
    with (
        closing(sqlite3.connect(source / "search.db")) as original,
        closing(sqlite3.connect(directory / "search.db")) as copy,
    ):
        original.backup(copy)
    return directory


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search whose calls were answered, failed, repaired and, when the budget was used up, skipped."""
    path = tmp_path_factory.mktemp("asked")
    models = [Scripted("test:m", mixed, failures=failing), Scripted("test:n", good)]
    with search_with(path, models, limits=Limits(calls=20), generations=6, seed=1) as search:
        search.run()
    return path


@pytest.fixture(scope="module")
def replayed(directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replayed")
    recording = Recording.of(directory)
    with search_with(path, [], recording=recording, generations=6, seed=1, llm=(f"replay:{directory}",)) as search:
        search.run()
    return path


def test_good_books_and_their_replay_hold(
    directory: Path, replayed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(directory / "search.db")) as database:
        states = {state for (state,) in database.execute("SELECT DISTINCT state FROM calls")}
    assert states == {"answered", "failed", "skipped"}
    for path in (directory, replayed):
        assert main(["check", "--out", str(path)]) == 0, capsys.readouterr().out


PLANNED = "(SELECT min(id) FROM calls WHERE turn = 1 AND role = 'planner' AND state = 'answered')"
REPAIRED = "(SELECT min(id) FROM calls WHERE turn = 2 AND state = 'answered')"
ANALYSED = "(SELECT min(id) FROM calls WHERE slot = 0 AND state = 'answered')"
SKIPPED = "(SELECT min(id) FROM calls WHERE turn = 1 AND slot > 0 AND state = 'skipped')"
MUTATED = "(SELECT min(id) FROM attempts WHERE operator NOT LIKE 'llm:%' AND generation = 5)"
OTHER = f"(SELECT max(attempt) FROM calls WHERE name = (SELECT name FROM calls WHERE id = {PLANNED}))"

CORRUPTIONS = {
    "a call without its attempt": (f"UPDATE calls SET attempt = NULL WHERE id = {PLANNED}", "led to no attempt"),
    "an attempt without its calls": (
        "UPDATE calls SET attempt = NULL WHERE attempt = (SELECT min(attempt) FROM calls)",
        "and 0 conversations led to it",
    ),
    "an attempt of another generation": (
        f"UPDATE calls SET attempt = {OTHER} WHERE id = {PLANNED}",
        "led to attempt",
    ),
    "an attempt of a mutation": (f"UPDATE calls SET attempt = {MUTATED} WHERE id = {PLANNED}", "its attempt"),
    "an analyst with an attempt": (
        f"UPDATE calls SET attempt = {MUTATED} WHERE id = {ANALYSED}",
        "is said to have led to attempt",
    ),
    "a skipped call with an attempt": (
        f"UPDATE calls SET attempt = {MUTATED} WHERE id = {SKIPPED}",
        "is said to have led to attempt",
    ),
    "an answer without usage": (
        f"UPDATE calls SET output = NULL WHERE id = {PLANNED}",
        "answered, but its output tokens are not known",
    ),
    "fewer than no tokens": (f"UPDATE calls SET input = -5 WHERE id = {PLANNED}", "has -5 input tokens"),
    "a skipped call that cost": (
        f"UPDATE calls SET cost = 1 WHERE id = {SKIPPED}",
        "skipped, but took tokens or dollars",
    ),
    "a cost that nobody tells": (f"UPDATE calls SET cost = 7 WHERE id = {SKIPPED}", "dollars, but `llm` tells of"),
    "a role that there is not": (
        f"UPDATE calls SET role = 'poet' WHERE id = {PLANNED}",
        "is a poet's; its place is a planner's",
    ),
    "a role of another place": (
        f"UPDATE calls SET role = 'planner' WHERE id = {REPAIRED}",
        "is a planner's; its place is a repairer's",
    ),
    "a turn too many": (f"UPDATE calls SET turn = 3 WHERE id = {REPAIRED}", "its place is nobody's"),
    "a repair of nothing": (
        "DELETE FROM calls WHERE (generation, slot, turn) = "
        f"(SELECT generation, slot, 1 FROM calls WHERE id = {REPAIRED})",
        "repairs what was not answered",
    ),
    "a call that was never asked again": (
        f"UPDATE calls SET state = 'started', ended_at = NULL WHERE id = {PLANNED}",
        "was cut off and never asked again",
    ),
    "a failure without a reason": (
        "UPDATE calls SET reason = '' WHERE state = 'failed'",
        "failed without a reason",
    ),
    "a replayed call among paid ones": (
        f"UPDATE calls SET replayed = 1 WHERE id = {PLANNED}",
        "replayed in a search that pays for its calls",
    ),
    "a model that there is not": (
        f"UPDATE calls SET name = 'test:other' WHERE id = {ANALYSED}",
        "is of test:other, which is no model of the search",
    ),
    "a prediction of a mutation": (
        f"UPDATE predictions SET attempt = {MUTATED} WHERE attempt = (SELECT min(attempt) FROM predictions)",
        "has a prediction of recall, but is of",
    ),
    "conclusions of nobody": (
        "UPDATE calls SET state = 'failed', reason = 'why' WHERE slot = 0 AND generation IN "
        "(SELECT generation FROM conclusions)",
        "has conclusions, but no analyst answered",
    ),
    "a conclusion from later": (
        "UPDATE conclusions SET attempts = '[9999]' WHERE position = 0",
        "a conclusion cites attempt 9999, which was not known then",
    ),
    "two attempts of one conversation": (
        f"UPDATE calls SET attempt = (SELECT max(attempt) FROM calls) WHERE id = {REPAIRED}",
        "its calls led to several attempts",
    ),
}


def problems(directory: Path) -> list[str]:
    # Like `check`, which also reads what does not open as a search any more.
    with Archive(directory, search_file(directory).connect("ro")) as archive, Ledger.read(directory) as ledger:
        return list(ledger_problems(archive, ledger))


@pytest.mark.parametrize(("statement", "wanted"), CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_a_corruption_is_named(directory: Path, tmp_path: Path, statement: str, wanted: str) -> None:
    assert problems(copied(directory, tmp_path)) == []
    bend(tmp_path, statement)
    lines = problems(tmp_path)
    assert any(wanted in line for line in lines), lines
    assert len(lines) == len(set(lines))


def test_the_command_names_what_is_wrong_with_the_books(
    capsys: pytest.CaptureFixture[str], replayed: Path, tmp_path: Path
) -> None:
    bend(copied(replayed, tmp_path), f"UPDATE calls SET replayed = 0 WHERE id = {PLANNED}")
    (line,) = told(capsys, tmp_path)
    assert line.startswith("call ")
    assert line.endswith("paid for in a replay")
