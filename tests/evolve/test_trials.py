"""Rungs: a generation is thinned out by what its recipes promise, and the best are tested on a fresh seed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from statistics import fmean

import pytest

from evolve.search import Search
from evolve.trials import ELITES
from evolve.variation import SEED
from evolve.yardstick import RETEST_OFFSET, measure_yardstick
from tests.evolve.landscape import searched


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Search:
    return searched(tmp_path_factory.mktemp("search"), generations=12)


def test_no_more_than_a_rungs_share_of_a_generation_gets_there(search: Search) -> None:
    store, rungs = search.laboratory.store, search.laboratory.scale.rungs
    for generation in range(2, 13):
        trained = [a for a in store.attempts(generation=generation) if a.status not in ("duplicate", "rejected")]
        reached = Counter(
            evaluation.rung
            for own in trained
            for evaluation in store.evaluations(attempt=own.id, purpose="search")
        )
        assert reached[0] == len(trained)
        for rung in range(1, len(rungs)):
            assert 0 < reached[rung] <= max(1, round(rungs[rung].share * len(trained)))


def test_each_rung_continues_the_one_before(search: Search) -> None:
    scale = search.laboratory.scale
    steps = [scale.steps_at(rung) for rung in range(len(scale.rungs))]
    assert steps == sorted(set(steps))
    assert steps[-1] == scale.steps


def test_without_early_stopping_everything_is_trained_in_full(tmp_path: Path) -> None:
    store = searched(tmp_path, generations=4, early_stopping=False).laboratory.store
    assert not store.attempts(status="screened")
    assert [a for a in store.attempts(status="evaluated") if a.operator != SEED]


def test_whoever_comes_near_the_best_is_retested_and_scored_by_the_mean(search: Search) -> None:
    store = search.laboratory.store
    yardstick = measure_yardstick(search.laboratory, search.tasks, 0)
    retested = {evaluation.attempt: evaluation for evaluation in store.evaluations(purpose="retest")}
    assert set(search_best(search)) <= retested.keys()
    assert {evaluation.seed for evaluation in retested.values()} == {RETEST_OFFSET}
    last = search.laboratory.scale.last_rung
    for attempt in store.attempts(status="evaluated"):
        (first,) = store.evaluations(attempt=attempt.id, purpose="search", rung=last)
        runs = [first, retested[attempt.id]] if attempt.id in retested else [first]
        assert attempt.score == pytest.approx(fmean(yardstick.score({"recall": run.loss or 0.0}) for run in runs))


def search_best(search: Search) -> list[int]:
    """The best attempts by the first seed alone: they were certainly among the best when they came."""
    store, last = search.laboratory.store, search.laboratory.scale.last_rung
    losses = {e.attempt: e.loss or 0.0 for e in store.evaluations(purpose="search", rung=last) if e.attempt}
    return sorted(losses, key=lambda attempt: losses[attempt])[:ELITES]
