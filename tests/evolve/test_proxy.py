"""The report on rungs: correlations with the final score, over candidates that are trained to the end for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from evolve.cli import main
from evolve.correlation import rank_correlation
from evolve.history import PARENTAL
from evolve.proxy import foretold, full_curves, rung_reports, spread_evenly
from evolve.yardstick import measure_yardstick
from tests.evolve.landscape import searched

pairs = st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=3, max_size=40)


@given(pairs)
def test_the_correlation_is_spearmans(values):
    left, right = zip(*values, strict=True)
    if len(set(left)) == 1 or len(set(right)) == 1:
        return
    found = rank_correlation(left, right)
    assert found.value == pytest.approx(spearmanr(left, right)[0])
    assert -1 - 1e-9 <= found.low <= found.high <= 1 + 1e-9


def test_the_interval_holds_the_truth_as_often_as_it_says_and_shrinks_with_more_recipes():
    random = np.random.default_rng(1)
    held, widths = 0, {24: 0.0, 96: 0.0}
    truth = 6 / np.pi * np.arcsin(0.7 / 2)  # of two normal variables of correlation 0.7
    for _ in range(60):
        for count in widths:
            left = random.normal(size=count)
            right = 0.7 * left + (1 - 0.7**2) ** 0.5 * random.normal(size=count)
            found = rank_correlation(left.tolist(), right.tolist())
            widths[count] += found.high - found.low
            held += found.low <= truth <= found.high
    assert 0.88 <= held / 120 <= 1
    assert widths[96] < 0.7 * widths[24]


@given(st.integers(1, 200), st.integers(2, 50))
def test_recipes_are_drawn_from_the_whole_search(attempts, count):
    known = list(range(1, attempts + 1))
    drawn = spread_evenly(known, count)
    assert len(set(drawn)) == len(drawn) == min(count, attempts)
    assert {drawn[0], drawn[-1]} == {1, attempts}


def test_what_was_stopped_early_is_trained_to_the_end_once_and_changes_nothing(tmp_path: Path):
    search = searched(tmp_path, generations=8)
    lab, store = search.laboratory, search.laboratory.store
    before = store.attempts()
    attempts = [attempt for attempt in before if attempt.status in PARENTAL]
    assert any(attempt.status == "screened" for attempt in attempts)
    curves = full_curves(lab, attempts, 0)
    assert curves.keys() == {attempt.id for attempt in attempts}
    measured = len(store.evaluations())
    assert full_curves(lab, attempts, 0) == curves
    assert len(store.evaluations()) == measured
    assert store.attempts() == before
    yardstick = measure_yardstick(lab, search.tasks, 0)
    reports = rung_reports(foretold(store, curves, yardstick, lab.scale.parts), lab.scale.parts)
    assert [report.rung for report in reports] == list(range(lab.scale.last_rung))
    # On this landscape a loss is the final one times a factor that is the same for all, but for a little noise.
    assert all(report.score.value > 0.75 and report.score.low > 0.5 for report in reports)
    store.close()
    assert main(["check", "--out", str(tmp_path)]) == 0


def test_too_few_recipes_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    searched(tmp_path, generations=1).laboratory.store.close()
    assert main(["proxy", "--out", str(tmp_path)]) == 2
    assert "at least 24 are needed" in capsys.readouterr().err
