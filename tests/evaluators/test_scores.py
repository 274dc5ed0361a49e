"""Scores put tasks on one scale without changing an order; noise is what seeds alone change."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from math import inf, isclose, nan
from statistics import fmean, stdev

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evaluators.scores import (
    Reference,
    ScoreError,
    exceeds_noise,
    measure_references,
    noise_floor,
    recipe_score,
    standing,
    task_scores,
)

TASKS = ("copying", "recall", "text")
losses = st.floats(0.0, 20.0)
chances = st.floats(0.1, 10.0)
references = st.builds(Reference, chances, losses)
tables = st.fixed_dictionaries(dict.fromkeys(TASKS, references))
rows = st.fixed_dictionaries(dict.fromkeys(TASKS, losses))


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


def test_references_never_move():
    with pytest.raises(FrozenInstanceError):
        Reference(2.0, 1.0).loss = 0.5  # pyright: ignore[reportAttributeAccessIssue]


small = st.floats(0, 1)


@given(st.floats(-4, 4), small, small, small)
def test_a_difference_that_does_not_exceed_the_noise_is_a_tie_or_unclear(difference, noise, one, other):
    found = standing(difference, noise, one, other)
    assert (found in ("better", "worse")) == exceeds_noise(difference, noise, one, other)
    assert (found == "tie") == (abs(difference) <= 2 * noise)
    opposite = {"better": "worse", "worse": "better"}.get(found, found)
    assert standing(-difference, noise, other, one) == opposite
