"""Searches compared: figures that follow by hand from attempts that are given, and refusals where scores differ."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from evaluators.scores import Noise, Reference, Yardstick
from evolve.cli import main
from runs import records
from runs.comparison.measures import area
from runs.comparison.traces import Point, Trace
from runs.store import Store
from tests.evolve.test_report import BROWSER

TOKENS = 100
"""Training tokens of every attempt in these searches."""


def search(
    directory: Path,
    scores: Sequence[float | None],
    *,
    seed: int = 0,
    chance: float = 2.0,
    measured: bool = True,
    **configuration: Any,
) -> Path:
    """A search with these scores: the first is a published recipe's, None is an attempt that was stopped early."""
    stored = {"strategy": "uct", "scale": "tiny", "seed": seed, "generations": 1, **configuration}
    with Store.create(directory, name="t", seed=seed, configuration=stored, version="0", generations=1) as store:
        if measured:
            references = {"recall": Reference(chance, 0.5)}
            store.record_yardstick(Yardstick("rwkv4", references, Noise(0.01, {"recall": 0.01}, 3)))
        operators = ["seed", *("tune" for _ in scores[1:])]
        proposals = [
            records.Proposal(operator, records.Recipe(f"{number:064}", "{}"))
            for number, operator in enumerate(operators)
        ]
        for number, proposal in zip(store.propose(1, proposals, None), proposals, strict=True):
            assert proposal.recipe is not None
            trained = records.Evaluation(
                proposal.recipe.hash, "search", "recall", 0, 0, "validation", TOKENS, "evaluated", number, loss=1.0
            )
            store.record_evaluation(trained)
        store.finish_generation(
            1,
            [
                records.Settlement(number, "screened" if score is None else "evaluated", score=score, rung=0)
                for number, score in enumerate(scores, 1)
            ],
        )
    return directory


@pytest.fixture
def pairs(tmp_path: Path) -> list[Path]:
    """Two strategies at two seeds: uct wins at seed 0 and ties at seed 1."""
    return [
        search(tmp_path / "a0", [1.0, 0.5, 1.2, None, 1.4], seed=0),
        search(tmp_path / "a1", [1.0, None, None, 1.0, 1.1], seed=1),
        search(tmp_path / "b0", [1.0, None, 1.1, None, 0.9, 2.0], seed=0, strategy="random"),
        search(tmp_path / "b1", [1.1, 1.095, None, None, None], seed=1, strategy="random"),
    ]


def compared(tmp_path: Path, searches: Sequence[Path], *options: str) -> dict[str, Any]:
    file = tmp_path / "found.json"
    assert main(["compare", *map(str, searches), "--json", str(file), *options]) == 0
    return json.loads(file.read_text())


def test_figures_are_those_one_computes_by_hand(tmp_path: Path, pairs: list[Path]) -> None:
    found = compared(tmp_path, pairs)
    assert (found["over"], found["start"], found["horizon"]) == ("tokens", 100, 500)
    uct, random = found["groups"]
    assert (uct["name"], random["name"]) == ("strategy uct", "strategy random")
    # Best so far at 100, 200, ... tokens: 1, 1, 1.2, 1.2, 1.4 and 1, 1, 1, 1, 1.1.
    assert [run["best"] for run in uct["runs"]] == [1.4, 1.1]
    assert [run["area"] for run in uct["runs"]] == pytest.approx([(1 + 1 + 1.2 + 1.2) / 4, 1.0])
    # The attempt with 2.0 is beyond the horizon; the recipe with 1.095 is published one's, which it does not reach.
    assert [run["best"] for run in random["runs"]] == [1.1, 1.1]
    assert [run["reached"] for run in uct["runs"]] == [300, 400]
    assert [run["reached"] for run in random["runs"]] == [300, None]
    assert uct["best"]["value"] == pytest.approx(1.25)
    assert (uct["best"]["low"], uct["best"]["high"]) == (1.1, 1.4)
    assert random["cost"] == {"value": 300.0, "low": 300.0, "high": None}
    (duel,) = found["duels"]
    assert (duel["seeds"], duel["wins"], duel["ties"], duel["losses"]) == ([0, 1], 1, 1, 0)
    assert duel["rate"]["value"] == 0.75
    assert [point["best"]["value"] for point in uct["curve"]][:: len(uct["curve"]) - 1] == pytest.approx(
        [1.0, 1.25]
    )


def test_a_score_to_reach_and_what_it_is_counted_in(tmp_path: Path, pairs: list[Path]) -> None:
    found = compared(tmp_path, pairs, "--over", "trained", "--reach", "1.05")
    assert (found["start"], found["horizon"], found["reach"]) == (1, 2, 1.05)
    assert [run["reached"] for group in found["groups"] for run in group["runs"]] == [None, None, 2, 2]
    found = compared(tmp_path, pairs, "--over", "evaluations", "--reach", "1.15")
    assert [run["reached"] for group in found["groups"] for run in group["runs"]] == [3, None, None, None]


def test_the_table_and_the_page_say_the_same(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, pairs: list[Path]
) -> None:
    page = tmp_path / "found.html"
    assert main(["compare", *map(str, pairs), "--html", str(page)]) == 0
    printed = capsys.readouterr().out
    assert "1.2500 (1.1000 to 1.4000)" in printed
    assert "300 (300 to not reached)" in printed
    assert "strategy uct against strategy random: 0.75 (0.50 to 1.00), 1 won, 1 tied, 0 lost" in printed
    data = page.read_text().partition('type="application/json">')[2].partition("</script>")[0]
    assert [one["over"] for one in json.loads(data)] == ["tokens", "trained", "evaluations"]


@pytest.mark.skipif(not BROWSER, reason="no chromium on the PATH")
def test_a_browser_draws_the_page(tmp_path: Path, pairs: list[Path]) -> None:
    page = tmp_path / "found.html"
    assert main(["compare", *map(str, pairs), "--html", str(page)]) == 0
    options = [
        f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=2000",
        "--dump-dom",
        page.as_uri(),
    ]
    command = [*(BROWSER or ()), *options]
    drawn = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in drawn.stderr
    assert drawn.stdout.count('<polyline class="curve') == 2
    assert "1.2500 (1.1000 to 1.4000)" in drawn.stdout
    assert "300 (300 to not reached)" in drawn.stdout


def test_what_changes_no_result_makes_no_group_of_its_own(tmp_path: Path) -> None:
    searches = [
        search(tmp_path / "a", [1.0, 1.1], seed=0, workers=1, data="/a/corpus", task_data={"text": "corpus 1"}),
        search(tmp_path / "b", [1.0, 1.1], seed=1, generations=9, data="/b/copy", task_data={"text": "corpus 1"}),
    ]
    found = compared(tmp_path, searches)
    assert [(group["name"], len(group["runs"])) for group in found["groups"]] == [("all", 2)]
    assert found["duels"] == []


def test_searches_whose_scores_do_not_compare_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    first = search(tmp_path / "first", [1.0])
    others = {
        "scale": search(tmp_path / "scale", [1.0], seed=1, scale="small"),
        "loss of guessing": search(tmp_path / "chance", [1.0], seed=1, chance=3.0),
        "data": search(tmp_path / "data", [1.0], seed=1, task_data={"text": "another corpus"}),
        "seed 0; give one of them": Path(shutil.copytree(first, tmp_path / "copy")),
        "noise floor": search(tmp_path / "unmeasured", [1.0], seed=1, measured=False),
        "no attempt is fully trained": search(tmp_path / "screened", [None], seed=1),
        "holds no search": tmp_path,
        "`diff` two recipes": Path("llama"),
    }
    capsys.readouterr()
    for told, other in others.items():
        assert main(["compare", str(first), str(other), "--json", str(tmp_path / "found.json")]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        (line,) = captured.err.strip().splitlines()
        assert told in line
    for options in (["--over", "hours"], ["--reach", "inf"], ["--html", str(tmp_path / "absent" / "x.html")]):
        assert main(["compare", str(first), *options]) == 2
        assert options[1] in capsys.readouterr().err
    assert not (tmp_path / "found.json").exists()


@given(
    some.lists(some.tuples(some.integers(1, 50), some.floats(-1, 2)), min_size=1, max_size=12),
    some.integers(0, 99),
)
def test_the_area_is_the_mean_of_the_curve(steps: list[tuple[int, float]], beyond: int) -> None:
    points, paid = [], 0
    for number, (more, score) in enumerate(steps, 1):
        paid += more
        points.append(Point(number, score, False, number, number, paid))
    trace = Trace(
        "t", 0, {}, {}, 0.0, tuple(points), {"trained": len(points), "evaluations": len(points), "tokens": paid}
    )
    start, horizon = points[0].tokens, paid + beyond
    each = [trace.best("tokens", at) for at in range(start, horizon)] or [points[0].score]
    assert area(trace, "tokens", start, horizon) == pytest.approx(sum(own or 0.0 for own in each) / len(each))
