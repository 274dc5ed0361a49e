"""The printed lines of SQL, run by a shell as they are printed, answer as the store does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from evolve.cli import main
from runs.archive import Archive
from runs.queries import QUERIES
from tests.evolve.landscape import searched
from tests.evolve.synthetic import written


@pytest.fixture(scope="module", params=["synthetic", "search"])
def directory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("a search")
    if request.param == "synthetic":
        written(path, 200)
    else:
        searched(path, generations=4).laboratory.store.close()
    return path


def asked(capsys: pytest.CaptureFixture[str], directory: Path, name: str) -> list[dict[str, Any]]:
    """Rows of a question, from its printed line run by a shell; its table has as many."""
    capsys.readouterr()
    assert main(["sql", name, "--out", str(directory)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def run(command: str) -> str:
        return subprocess.run(
            command, shell=True, check=True, capture_output=True, text=True, env=environment
        ).stdout

    rows = json.loads(run(line.removesuffix(" -t")))
    assert len(run(line).splitlines()) == len(rows) + 2
    return rows


def test_the_best_and_the_champions_lineage(capsys: pytest.CaptureFixture[str], directory: Path) -> None:
    with Archive.at(directory) as archive:
        best, lineage = archive.best(10), archive.lineage(archive.best(1)[0].id)
    rows = asked(capsys, directory, "best")
    assert [(row["attempt"], row["score"]) for row in rows] == [(own.id, own.score) for own in best]
    rows = asked(capsys, directory, "lineage")
    assert [(row["attempt"], row["gain"]) for row in rows] == [(step.attempt.id, step.gain) for step in lineage]


def test_edits_by_what_they_gained(capsys: pytest.CaptureFixture[str], directory: Path) -> None:
    gained: dict[str, list[float]] = defaultdict(list)
    with Archive.at(directory) as archive:
        assert archive.yardstick is not None
        noise = archive.yardstick.noise.score
        for row in archive.genealogy():
            if row.status == "evaluated" and row.gain is not None:
                for kind in {edit.kind for edit in archive.edits(row.attempt)}:
                    gained[kind].append(row.gain)
    rows = asked(capsys, directory, "edits")
    assert {row["kind"]: row["attempts"] for row in rows} == {kind: len(own) for kind, own in gained.items()}
    for row in rows:
        own = gained[row["kind"]]
        beyond = [gain for gain in own if gain > 2 * noise]
        assert row["improved"] == len(beyond)
        assert row["gained"] == pytest.approx(sum(beyond), abs=1e-4)
    assert [row["gained"] for row in rows] == sorted((row["gained"] for row in rows), reverse=True)


def test_failures_and_the_cost_of_an_improvement(capsys: pytest.CaptureFixture[str], directory: Path) -> None:
    rows, failed = asked(capsys, directory, "failures"), ("rejected", "failed", "diverged", "timeout")
    with Archive.at(directory) as archive:
        counts, credit = archive.status_counts(), {own.operator: own for own in archive.credit_totals()}
    assert sum(row["attempts"] for row in rows) == sum(counts.get(status, 0) for status in failed)
    rows = asked(capsys, directory, "cost")
    assert {row["operator"] for row in rows} == credit.keys()
    for row in rows:
        own = credit[row["operator"]]
        expected = own.cost_flops / own.improved if own.improved else None
        assert row["flops_per_improvement"] == (None if expected is None else pytest.approx(expected))


def test_all_are_listed_and_others_refused(capsys: pytest.CaptureFixture[str], directory: Path) -> None:
    assert main(["sql", "--out", str(directory)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[::2]] == [f"# {query.name}" for query in QUERIES]
    assert main(["sql", "worst", "--out", str(directory)]) == 2
    assert "best, lineage, edits, failures, cost" in capsys.readouterr().err
