"""Predictions are judged by what was measured, and a difference within the noise is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from runs.calls import Prediction
from runs.ledger import Ledger
from runs.predictions import by_skill, effect, search_verdicts, verdicts
from tests.evolve.llm.scripted import Scripted, good, search_with

NOISE = {"recall": 0.01, "text": 0.1}
SCORES = {1: {"recall": 0.50, "text": 0.50}, 2: {"recall": 0.60, "text": 0.65}}


@pytest.mark.parametrize(
    ("difference", "noise", "expected"),
    [(0.03, 0.01, "better"), (0.02, 0.01, "same"), (-0.02, 0.01, "same"), (-0.021, 0.01, "worse"), (0, 0, "same")],
)
def test_an_effect_is_what_exceeds_twice_the_noise(difference: float, noise: float, expected: str) -> None:
    assert effect(difference, noise) == expected


def test_predictions_hold_where_the_effect_is_the_expected_one() -> None:
    predictions = [
        Prediction(2, "recall", "better"),
        Prediction(2, "text", "better"),
        Prediction(2, "copying", "better"),
        Prediction(3, "recall", "worse"),
    ]
    found = verdicts(predictions, {2: 1, 3: 1}, SCORES, NOISE)
    assert [(v.prediction.skill, v.effect, v.held) for v in found] == [
        ("recall", "better", True),
        ("text", "same", False),
    ]


def test_tasks_of_one_skill_count_as_their_mean() -> None:
    assert by_skill({"recall": 1.0, "mqar": 0.5, "text": 0.25}) == {"recall": 0.75, "text": 0.25}


def test_only_what_was_trained_in_full_is_judged(tmp_path: Path) -> None:
    with search_with(tmp_path, [Scripted("test:m", good)], generations=6) as search:
        yardstick = search.run()
        store = search.laboratory.store
        with Ledger.read(tmp_path) as ledger:
            predictions = ledger.predictions()
        found = search_verdicts(store, predictions, yardstick)
        assert 0 < len(found) < len(predictions)
        for verdict in found:
            attempt = store.attempt(verdict.prediction.attempt)
            assert attempt.status == store.attempt(attempt.parents[0]).status == "evaluated"
