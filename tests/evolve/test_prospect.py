"""The expected end of a run that was stopped early: like its parent's, in proportion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.scores import Reference
from evolve.prospect import expected, measured

REFERENCES = {"text": Reference(4.2, 1.9), "recall": Reference(2.1, 0.1)}
losses = st.fixed_dictionaries(dict.fromkeys(REFERENCES, st.floats(0.01, 4.0)))


@given(losses, losses)
def test_a_child_that_starts_as_its_parent_is_expected_to_end_as_it(screen, full):
    parent = measured(screen, full, REFERENCES)
    assert expected(screen, parent, REFERENCES).score == pytest.approx(parent.score)


@given(losses, losses, losses, st.sampled_from(sorted(REFERENCES)), st.floats(0.5, 0.99))
def test_a_lower_first_loss_promises_a_higher_score(screen, full, own, task, part):
    parent = measured(screen, full, REFERENCES)
    better = {**own, task: own[task] * part}
    assert expected(better, parent, REFERENCES).score > expected(own, parent, REFERENCES).score


def test_a_slow_start_that_runs_in_the_family_costs_nothing():
    slow = measured({"text": 3.0, "recall": 2.0}, {"text": 1.8, "recall": 0.01}, REFERENCES)
    quick = measured({"text": 2.5, "recall": 0.5}, {"text": 2.0, "recall": 0.01}, REFERENCES)
    child_of_slow = expected({"text": 2.9, "recall": 2.0}, slow, REFERENCES)
    child_of_quick = expected({"text": 2.4, "recall": 0.4}, quick, REFERENCES)
    assert child_of_slow.score > slow.score > child_of_quick.score > quick.score


@given(losses)
def test_without_a_parent_nothing_more_is_expected(screen):
    assert expected(screen, None, REFERENCES).full == screen
