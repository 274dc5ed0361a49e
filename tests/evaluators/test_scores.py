"""Scores put tasks on one scale without changing an order, and differences count only beyond the noise."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from math import inf, isclose, nan, sqrt
from statistics import fmean, stdev

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evaluators.scores import (
    Mean,
    Reference,
    ScoreError,
    better,
    measure_references,
    noise_floor,
    recipe_score,
    resolution,
    task_scores,
    tied,
)

TASKS = ("copying", "recall", "text")
losses = st.floats(0.0, 20.0)
chances = st.floats(0.1, 10.0)
references = st.builds(Reference, chances, losses)
tables = st.fixed_dictionaries(dict.fromkeys(TASKS, references))
rows = st.fixed_dictionaries(dict.fromkeys(TASKS, losses))
means = st.builds(Mean, st.floats(-4.0, 4.0), st.integers(1, 10))
noises = st.floats(0.0, 1.0)


@given(chances, losses)
def test_guessing_scores_0_and_the_reference_1(chance, loss):
    reference = Reference(chance, loss)
    assert reference.score(chance) == 0
    if loss <= 0.75 * chance:
        assert isclose(reference.score(loss), 1)


@given(references, losses, losses)
def test_a_lower_loss_never_scores_lower(reference, one, other):
    assume(one < other)
    assert reference.score(one) >= reference.score(other)
    if other - one > 1e-6:
        assert reference.score(one) > reference.score(other)


@given(references, losses, st.floats(0.01, 100.0))
def test_the_unit_of_the_loss_does_not_matter(reference, loss, unit):
    scaled = Reference(reference.chance * unit, reference.loss * unit)
    assert isclose(scaled.score(loss * unit), reference.score(loss), rel_tol=1e-9, abs_tol=1e-9)


@given(references)
def test_no_reference_makes_a_solved_task_worth_more_than_4(reference):
    """Also one at chance or worse, which has no distance from chance to measure by."""
    assert 1 <= reference.score(0.0) <= 4 * (1 + 1e-12)


@given(tables, rows)
def test_a_recipes_score_is_the_mean_of_its_tasks(table, row):
    own = task_scores(row, table)
    assert own == {task: table[task].score(row[task]) for task in TASKS}
    assert isclose(recipe_score(row, table), float(np.mean(list(own.values()))), abs_tol=1e-9)
    assert recipe_score(dict(reversed(row.items())), table) == recipe_score(row, table)


@given(tables, rows, st.sampled_from(TASKS), st.floats(0.01, 5.0))
def test_improving_one_task_improves_the_score(table, row, task, gain):
    assert recipe_score({**row, task: row[task] - gain}, table) > recipe_score(row, table)


@given(st.lists(rows, min_size=1, max_size=5))
def test_the_reference_itself_scores_1_on_average(seeds):
    table = measure_references(dict.fromkeys(TASKS, 30.0), seeds)
    assert all(isclose(table[task].loss, fmean(own[task] for own in seeds)) for task in TASKS)
    assume(all(reference.loss <= 0.75 * 30.0 for reference in table.values()))
    assert isclose(fmean(recipe_score(own, table) for own in seeds), 1, abs_tol=1e-9)


@pytest.mark.parametrize("loss", [nan, inf, -inf])
def test_a_failure_has_no_score(loss):
    with pytest.raises(ScoreError, match="has no score"):
        Reference(2.0, 1.0).score(loss)


@pytest.mark.parametrize(
    ("chance", "loss"), [(0.0, 1.0), (-1.0, 0.5), (nan, 1.0), (1.0, nan), (1.0, inf), (1.0, -0.1)]
)
def test_a_reference_is_made_of_losses(chance, loss):
    with pytest.raises(ScoreError, match="chance loss > 0"):
        Reference(chance, loss)


@pytest.mark.parametrize("row", [{}, {"text": 1.0}, {"text": 1.0, "recall": 1.0, "copying": 1.0, "juggling": 1.0}])
def test_losses_must_be_of_exactly_the_tasks_of_the_references(row):
    table = {task: Reference(2.0, 1.0) for task in TASKS}
    with pytest.raises(ScoreError, match="the references are of copying, recall, text"):
        recipe_score(row, table)
    with pytest.raises(ScoreError):
        measure_references(dict.fromkeys(TASKS, 2.0), [row])
    with pytest.raises(ScoreError):
        recipe_score({}, {})


@given(tables, st.lists(rows, min_size=2, max_size=6))
def test_the_noise_floor_is_the_deviation_over_seeds(table, seeds):
    noise = noise_floor(seeds, table)
    assert noise.seeds == len(seeds)
    assert isclose(noise.score, stdev(recipe_score(own, table) for own in seeds), abs_tol=1e-9)
    for task in TASKS:
        assert isclose(noise.tasks[task], stdev(table[task].score(own[task]) for own in seeds), abs_tol=1e-9)
    assert noise_floor(seeds[::-1], table).score == pytest.approx(noise.score, abs=1e-9)


@pytest.mark.parametrize("count", [0, 1])
def test_one_seed_shows_no_noise(count):
    with pytest.raises(ScoreError, match="at least 2 seeds"):
        noise_floor([{"text": 1.0}] * count, {"text": Reference(2.0, 1.0)})


def test_single_runs_must_differ_by_2_8_deviations():
    assert isclose(resolution(0.1, 1, 1), 0.1 * sqrt(8))
    assert not better(Mean(1.28, 1), Mean(1.0, 1), 0.1)
    assert better(Mean(1.29, 1), Mean(1.0, 1), 0.1)
    assert better(Mean(1.28, 2), Mean(1.0, 2), 0.1)


@given(means, means, noises)
def test_of_two_means_one_is_better_or_they_are_tied(one, other, noise):
    verdicts = [better(one, other, noise), better(other, one, noise), tied(one, other, noise)]
    assert sum(verdicts) == 1
    assert tied(one, other, noise) == tied(other, one, noise)
    assert tied(one, one, noise)
    if better(one, other, noise):
        assert one.value > other.value


@given(means, means, noises, st.integers(1, 10))
def test_more_seeds_and_less_noise_only_resolve_more(one, other, noise, extra):
    assume(better(one, other, noise))
    assert better(Mean(one.value, one.seeds + extra), other, noise)
    assert better(one, other, noise / (1 + extra))
    assert better(Mean(one.value + extra, one.seeds), other, noise)


@given(st.lists(st.floats(-4, 4), min_size=1, max_size=8))
def test_a_mean_knows_its_seeds(scores):
    mean = Mean.of(iter(scores))
    assert mean.seeds == len(scores)
    assert isclose(mean.value, fmean(scores), abs_tol=1e-12)


def test_values_are_frozen_and_nothing_is_no_mean():
    with pytest.raises(ScoreError):
        Mean.of([])
    with pytest.raises(FrozenInstanceError):
        Reference(2.0, 1.0).loss = 0.5  # pyright: ignore[reportAttributeAccessIssue]
