"""`check`: a good search passes, and whatever is bent in one is named."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from evaluators.scales import RUNGS
from evolve.cli import main
from evolve.configuration import Configuration
from runs.store import Store
from tests.evolve.landscape import searched

LAST_RUNG = len(RUNGS) - 1


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished search on two tasks, with failures, duplicates, crossovers and derived components."""
    path = tmp_path_factory.mktemp("good")
    searched(path, generations=12, seed=3, task=("recall", "copying")).laboratory.store.close()
    return path


@pytest.fixture
def bent(good: Path, tmp_path: Path) -> Path:
    """A copy to bend."""
    copied, path = good / "search.db", tmp_path / "search.db"
    with closing(sqlite3.connect(copied)) as source, closing(sqlite3.connect(path)) as copy:
        source.backup(copy)
    return tmp_path


def bend(directory: Path, *statements: str) -> None:
    """Change rows as no program of ours could: without constraints."""
    with closing(sqlite3.connect(directory / "search.db")) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("PRAGMA ignore_check_constraints=ON")
        for statement in statements:
            assert connection.execute(statement).rowcount > 0, statement
        connection.commit()


def first(directory: Path, sql: str) -> int:
    with closing(sqlite3.connect(directory / "search.db")) as connection:
        return connection.execute(sql).fetchone()[0]


def told(capsys: pytest.CaptureFixture[str], directory: Path) -> list[str]:
    """Lines of a check that must find something."""
    capsys.readouterr()
    assert main(["check", "--out", str(directory)]) == 1
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out.splitlines()


def test_a_good_search_passes_in_one_line(capsys: pytest.CaptureFixture[str], good: Path) -> None:
    before = (good / "search.db").read_bytes()
    assert main(["check", "--out", str(good)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert re.search(r"everything holds: \d+ attempts, \d+ recipes, \d+ evaluations, 12 generations$", line)
    assert (good / "search.db").read_bytes() == before


CHILD = "SELECT max(a.id) FROM attempts a WHERE a.operator = 'replace_mixer' AND a.score IS NOT NULL"
CROSSED = "SELECT max(id) FROM attempts WHERE operator = 'crossover' AND status IN ('screened', 'evaluated')"
SCORED = "SELECT max(id) FROM attempts WHERE status = 'evaluated' AND id < (SELECT max(id) FROM attempts)"
FAILED = "SELECT max(id) FROM attempts WHERE status = 'diverged'"
REPEATED = "SELECT max(id) FROM attempts WHERE status = 'duplicate'"

CORRUPTIONS = {
    "another recipe than the edits give": (
        CHILD,
        "UPDATE attempts SET recipe = (SELECT recipe FROM attempts WHERE id = 1), status = 'failed' WHERE id = {id}",
        "attempt {id}: its edits lead from attempt",
    ),
    "another parent": (
        CHILD,
        "UPDATE parents SET parent = 8 - (parent = 8) WHERE attempt = {id} AND position = 0",
        "attempt {id}: its edits",
    ),
    "an edit of another place": (
        CHILD,
        'UPDATE edits SET edit = replace(edit, \'"path":"\', \'"path":"9\') WHERE attempt = {id}',
        "attempt {id}: its edits do not apply to attempt",
    ),
    "an edit that is no edit": (
        CHILD,
        "UPDATE edits SET edit = '{{}}' WHERE attempt = {id}",
        "attempt {id}: its edits do not apply to attempt",
    ),
    "no parent": (CHILD, "DELETE FROM parents WHERE attempt = {id}", "attempt {id}: has"),
    "a graft from nowhere": (
        CROSSED,
        "UPDATE edits SET edit = replace(edit, 'norm', 'normal') WHERE attempt = {id}",
        "attempt {id}: its",
    ),
    "another score": (
        SCORED,
        "UPDATE attempts SET score = score + 0.001 WHERE id = {id}",
        "attempt {id}: its score is stored as",
    ),
    "a score without evaluations": (
        SCORED,
        "DELETE FROM evaluations WHERE attempt = {id} AND task = 'copying'",
        f"attempt {{id}}: has a score and no evaluation on copying at rung {LAST_RUNG}",
    ),
    "another loss": (
        SCORED,
        f"UPDATE evaluations SET loss = loss - 0.1 WHERE attempt = {{id}} AND rung = {LAST_RUNG}",
        "attempt {id}: its score is stored as",
    ),
    "another reference": (
        SCORED,
        "DELETE FROM evaluations WHERE purpose = 'noise' AND seed % 2 AND {id}",
        "noise: the reference has no loss on recall with seed",
    ),
    "another noise": (
        SCORED,
        "UPDATE yardstick SET noise = noise + 0.001 WHERE {id}",
        "yardstick: noise is stored as",
    ),
    "a reference loss of its own": (
        SCORED,
        "UPDATE yardstick_tasks SET loss = loss * 1.01 WHERE task = 'recall' AND {id}",
        "yardstick: reference loss on recall is stored as",
    ),
    "another chance loss": (
        SCORED,
        "UPDATE yardstick_tasks SET chance = chance + 1 WHERE task = 'copying' AND {id}",
        "yardstick: chance loss on copying is stored as",
    ),
    "a yardstick of another recipe": (
        SCORED,
        "UPDATE yardstick SET recipe = 'llama' WHERE {id}",
        "yardstick: recipe is stored as llama, the reference's evaluations give rwkv4",
    ),
    "a yardstick that lacks a task": (
        SCORED,
        "DELETE FROM yardstick_tasks WHERE task = 'copying' AND {id}",
        "yardstick: reference loss on copying is stored as None",
    ),
    "a success called a failure": (
        SCORED,
        "UPDATE attempts SET status = 'failed', score = NULL, reason = 'no reason' WHERE id = {id}",
        "attempt {id}: failed, but its evaluations tell of no failure",
    ),
    "a failure called a success": (
        FAILED,
        f"UPDATE attempts SET status = 'evaluated', rung = {LAST_RUNG}, score = 9 WHERE id = {{id}}",
        "attempt {id}: evaluated, but an evaluation diverged",
    ),
    "a duplicate of another recipe": (
        REPEATED,
        "UPDATE attempts SET duplicate_of = duplicate_of % 2 + 1 WHERE id = {id}",
        "attempt {id}: a duplicate of attempt",
    ),
    "an evaluation of another recipe": (
        SCORED,
        "UPDATE evaluations SET recipe = (SELECT hash FROM recipes LIMIT 1), seed = 77 WHERE attempt = {id}",
        "attempt {id}: its evaluation on recall is of recipe",
    ),
    "an attempt that is gone": (
        SCORED,
        "DELETE FROM attempts WHERE id = {id}",
        "attempts: numbers {id} are missing",
    ),
    "an attempt without outcome": (
        SCORED,
        "UPDATE attempts SET status = 'proposed', score = NULL WHERE id = {id}",
        "attempt {id}: has no outcome, but generation",
    ),
    "more credit": (
        SCORED,
        "UPDATE operator_credit SET gain = gain + 1 WHERE generation = 5 AND {id}",
        "generation 5: credit of",
    ),
    "credit that is gone": (
        SCORED,
        "DELETE FROM operator_credit WHERE generation = 5 AND {id}",
        "generation 5: credit of",
    ),
    "a generation that is gone": (
        SCORED,
        "DELETE FROM generations WHERE generation = 5 AND {id}",
        "generations: 1, 2, 3, 4, 6,",
    ),
    "another best": (
        SCORED,
        "UPDATE generations SET best = 99 WHERE generation = 5 AND {id}",
        "generation 5: its best is stored as 99.0",
    ),
    "a text of another recipe": (
        SCORED,
        "UPDATE recipes SET recipe = (SELECT recipe FROM recipes LIMIT 1) WHERE hash = 'HASH' AND {id}",
        "recipe HASH: its text has the hash",
    ),
    "a row that points nowhere": (
        SCORED,
        "UPDATE attempts SET recipe = 'nothing' WHERE id = {id}",
        "attempts row {id}: refers to a row of recipes that is not there",
    ),
    "a status that there is not": (
        SCORED,
        "UPDATE attempts SET status = 'great' WHERE id = {id}",
        "database: CHECK constraint failed in attempts",
    ),
    "a component with another source": (
        SCORED,
        "UPDATE components SET source = replace(source, '+', '-') WHERE name = 'add_residual' AND {id}",
        "component add_residual: stored as residual",
    ),
    "a finished search that is not": (
        SCORED,
        "UPDATE runs SET generations = 99, status = 'finished' WHERE {id}",
        "run: finished, but 12 of 99 generations are",
    ),
    "a rung that is missing": (
        SCORED,
        "DELETE FROM evaluations WHERE attempt = {id} AND rung = 1 AND task = 'recall'",
        f"attempt {{id}}: trained up to rung {LAST_RUNG} without a loss on recall at rung 1",
    ),
    "edits with a gap": (
        CHILD,
        "UPDATE edits SET position = position + 9 WHERE attempt = {id}",
        "edits of attempt {id}: a position is missing",
    ),
    "a parent that failed": (
        CHILD,
        "UPDATE parents SET parent = (SELECT min(id) FROM attempts WHERE status = 'diverged') WHERE attempt = {id}",
        "attempt {id}: its parent",
    ),
    "another kind of edit": (
        CHILD,
        "UPDATE edits SET kind = 'graft' WHERE attempt = {id}",
        "attempt {id}: its edit 1 is stored as graft, its text says",
    ),
    "other counts": (
        SCORED,
        "UPDATE generations SET statistics = json_set(statistics, '$.trained', 99) WHERE generation = 5 AND {id}",
        "generation 5: trained is stored as 99, its attempts give",
    ),
    "another seed": (SCORED, "UPDATE runs SET seed = 7 WHERE {id}", "run: its seed is stored as 7, its"),
    "another next attempt": (
        SCORED,
        "UPDATE runs SET random_state = json_set(random_state, '$.next_attempt', 1) WHERE {id}",
        "run: its next attempt is stored as 1, it has",
    ),
    "a configuration that is none": (SCORED, "UPDATE runs SET configuration = '[' WHERE {id}", "configuration: "),
}


@pytest.mark.parametrize(("chosen", "statement", "line"), CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_a_corruption_is_named(
    capsys: pytest.CaptureFixture[str], bent: Path, chosen: str, statement: str, line: str
) -> None:
    number = first(bent, chosen)
    digest = str(first(bent, "SELECT hash FROM recipes ORDER BY rowid DESC LIMIT 1"))
    bend(bent, statement.format(id=number).replace("HASH", digest))
    lines = told(capsys, bent)
    wanted = line.format(id=number).replace("HASH", digest)
    assert any(found.startswith(wanted) for found in lines), lines
    assert len(lines) == len(set(lines))


def test_a_graft_that_the_second_parent_does_not_have_is_named(
    capsys: pytest.CaptureFixture[str], bent: Path
) -> None:
    number = first(bent, CROSSED)
    found = ""
    for other in range(1, 9):
        bend(bent, f"UPDATE parents SET parent = {other} WHERE attempt = {number} AND position = 1")
        capsys.readouterr()
        main(["check", "--out", str(bent)])
        found += capsys.readouterr().out
    assert f"attempt {number}: its graft of" in found


def test_a_search_that_has_only_begun_holds_and_has_a_report(tmp_path: Path) -> None:
    configuration = Configuration.model_validate({"task": ("recall",), "scale": "micro"})
    begun = Store.create(
        tmp_path, name="new", seed=0, configuration=configuration.stored(), version="0", generations=5
    )
    begun.close()
    assert main(["check", "--out", str(tmp_path)]) == 0
    assert main(["report", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_damaged_pages_are_named(capsys: pytest.CaptureFixture[str], bent: Path) -> None:
    path = bent / "search.db"
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 8192] = b"\xff" * 8192
    path.write_bytes(bytes(data))
    assert told(capsys, bent)
    path.write_bytes(b"not a database" * 1000)
    assert "search.db" in told(capsys, bent)[0]


def test_a_directory_without_a_search_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["check", "--out", str(tmp_path)]) == 2
    assert "holds no search" in capsys.readouterr().err


def test_a_corpus_that_is_gone_leaves_the_scores_unchecked_and_says_so(
    capsys: pytest.CaptureFixture[str], bent: Path
) -> None:
    other = "replace(configuration, 'InContextRecall(', 'AnotherRecall(')"
    bend(bent, f"UPDATE runs SET configuration = {other}")
    assert main(["check", "--out", str(bent)]) == 0
    assert "scores could not be computed again: recall: its data" in capsys.readouterr().out
