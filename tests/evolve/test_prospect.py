"""The expected end of a run that was stopped early: like its parent's, in proportion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.scores import Reference
from evolve.prospect import prospect

REFERENCES = {"text": Reference(4.2, 1.9), "recall": Reference(2.1, 0.1)}
PARTS = (1 / 16, 1 / 4, 1.0)
RUNGS = len(PARTS)
losses = st.fixed_dictionaries(dict.fromkeys(REFERENCES, st.floats(0.01, 4.0)))
curves = st.lists(losses, min_size=RUNGS, max_size=RUNGS)
seen = st.integers(1, RUNGS)


def after(measured, parent=None):
    return prospect(measured, parent, REFERENCES, PARTS)


@given(curves, seen)
def test_a_child_that_learns_as_its_parent_is_expected_to_end_as_it(curve, count):
    parent = after(curve)
    assert after(curve[:count], parent).score == pytest.approx(parent.score)


@given(curves, curves, seen, st.sampled_from(sorted(REFERENCES)), st.floats(0.5, 0.99))
def test_a_lower_last_loss_promises_a_higher_score(curve, own, count, task, part):
    parent = after(curve)
    better = [*own[: count - 1], {**own[count - 1], task: own[count - 1][task] * part}]
    assert after(better, parent).score > after(own[:count], parent).score


def test_a_slow_start_that_runs_in_the_family_costs_nothing():
    start = {"text": 3.5, "recall": 2.0}
    slow = after([start, {"text": 3.0, "recall": 2.0}, {"text": 1.8, "recall": 0.01}])
    quick = after([start, {"text": 2.5, "recall": 0.5}, {"text": 2.0, "recall": 0.01}])
    child_of_slow = after([start, {"text": 2.9, "recall": 2.0}], slow)
    child_of_quick = after([start, {"text": 2.4, "recall": 0.4}], quick)
    assert child_of_slow.score > slow.score > child_of_quick.score > quick.score


@given(curves, seen)
def test_without_a_parent_nothing_more_is_expected(curve, count):
    assert after(curve[:count]).curve == (*curve[:count], *[curve[count - 1]] * (RUNGS - count))


@given(curves, curves, st.integers(1, RUNGS - 1))
def test_what_was_measured_counts_and_what_was_expected_gives_way(curve, own, count):
    parent = after(curve)
    assert after(own, parent) == after(own)
    assert after(own[:count], parent).curve[:count] == tuple(own[:count])
