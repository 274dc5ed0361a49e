"""When a model is left alone: by its rows alone, whatever a kill or a budget left among them."""

from __future__ import annotations

from typing import cast

from evolve.llm.breaker import FAILURES, PAUSE, paused_since
from runs.calls import Call, CallState, Outcome, Place, Reservation


def calls(*rows: tuple[int, str]) -> list[Call]:
    """Rows of one model by generation and state, in their order."""
    found = []
    for n, (generation, state) in enumerate(rows, 1):
        outcome, place = Outcome(cast(CallState, state)), Place(generation, n, 1)
        found.append(Call(n, place, "planner", "a:m", outcome, Reservation(), False, None, None, "", ""))
    return found


def test_failures_in_a_row_pause_a_model_for_some_generations() -> None:
    failed = calls(*[(4, "failed")] * 3, *[(5, "refused")] * 2)
    assert len(failed) == FAILURES
    assert [paused_since(failed, generation) for generation in range(5, 10)] == [None, 6, 6, 6, None]
    assert PAUSE == 3


def test_an_answer_in_between_starts_the_count_again() -> None:
    assert paused_since(calls(*[(4, "failed")] * 4, (4, "answered"), *[(5, "failed")] * 4), 6) is None


def test_skipped_and_lost_calls_say_nothing() -> None:
    rows = calls(*[(4, "failed")] * 4, (4, "started"), (5, "skipped"), (6, "failed"))
    assert paused_since(rows, 6) is None
    assert paused_since(rows, 7) == 7


def test_after_a_pause_it_takes_as_many_failures_again() -> None:
    rows = calls(*[(4, "failed")] * 5, *[(8, "failed")] * 4)
    assert paused_since(rows, 9) is None
    assert paused_since([*rows, *calls((9, "failed"))], 10) == 10
