"""The ledger over a real database: what is in flight counts, what a kill cut off counts, what ended is paid once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from runs.calls import Conclusion, Limits, Outcome, Place, Reservation
from runs.errors import StoreError
from runs.ledger import Ledger
from runs.store import Store

ONE = Reservation(1, 1000, 0.5)
TWO = Reservation(2, 2500, 1.25)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    with Store.create(tmp_path, name="t", seed=0, configuration={}, version="0", generations=1):
        yield tmp_path


def start(ledger: Ledger, slot: int, limits: Limits, *reserved: Reservation, generation: int = 3):
    return ledger.start(Place(generation, slot, 1), "planner", "a:m", "why?", reserved or (ONE,), limits)


ANSWERED = Outcome("answered", "{}", input=300, cached=100, written=0, output=50, cost=0.1, seconds=1.0)


def test_a_call_is_committed_before_it_goes_out_and_completed_once(directory: Path) -> None:
    with Ledger.open(directory) as ledger, Ledger.read(directory) as reader:
        call = start(ledger, 1, Limits())
        assert [own.state for own in reader.calls()] == ["started"]
        assert reader.spent() == ONE
        assert reader.ended(call.place) is None
        ledger.finish(call.id, ANSWERED)
        assert reader.ended(call.place) == reader.call(call.id)
        assert reader.call(call.id).outcome == ANSWERED
        assert (reader.spent().tokens, reader.spent().cost) == (450, 0.1)
        with pytest.raises(StoreError, match="ended already"):
            ledger.finish(call.id, ANSWERED)
        again = start(ledger, 1, Limits())
        with pytest.raises(StoreError, match="refused"):
            ledger.finish(again.id, ANSWERED)


@pytest.mark.parametrize("limits", [Limits(dollars=2.0), Limits(tokens=4000), Limits(calls=4)])
def test_no_ceiling_is_exceeded_with_eight_calls_in_flight(directory: Path, limits: Limits) -> None:
    """Eight threads ask as fast as they can; every call takes all that was reserved for it."""
    states: list[str] = []
    over: list[Reservation] = []

    def work(ledger: Ledger, slot: int) -> None:
        for turn in range(1, 6):
            call = ledger.start(Place(3, slot, turn), "planner", "a:m", None, [TWO, ONE], limits)
            spent = ledger.spent()
            if (
                spent.calls > (limits.calls or 99)
                or spent.tokens > (limits.tokens or 10**9)
                or (spent.cost or 0.0) > (limits.dollars or 99.0)
            ):
                over.append(spent)
            states.append(call.state)
            if call.state == "started":
                tokens, cost = call.reserved.tokens, call.reserved.cost
                ledger.finish(call.id, Outcome("answered", "{}", input=tokens, output=0, cost=cost))

    with Ledger.open(directory) as ledger:
        threads = [threading.Thread(target=work, args=(ledger, slot)) for slot in range(1, 9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not over
        assert 0 < states.count("started") <= 4
        assert len(states) == 40
        skipped = [call for call in ledger.calls() if call.state == "skipped"]
        assert len(skipped) == states.count("skipped")
        assert all("the budget of" in call.outcome.reason for call in skipped)


def test_what_nobody_knows_counts_as_reserved(directory: Path) -> None:
    """After a timeout a server may have billed; after a kill a call may have been answered."""
    with Ledger.open(directory) as ledger:
        call = start(ledger, 1, Limits())
        ledger.finish(call.id, Outcome("failed", fault="timeout", reason="no answer in time"))
        start(ledger, 2, Limits())
    with Ledger.open(directory) as ledger:
        assert ledger.spent() == Reservation(2, 2000, 1.0)
        assert start(ledger, 2, Limits(tokens=2500)).state == "skipped"


def test_a_repair_is_reserved_where_there_is_room(directory: Path) -> None:
    with Ledger.open(directory) as ledger:
        limits = Limits(tokens=4000)
        assert start(ledger, 1, limits, TWO, ONE).reserved == TWO
        assert start(ledger, 2, limits, TWO, ONE).reserved == ONE
        assert start(ledger, 3, limits, TWO, ONE).state == "skipped"


def test_texts_are_forgotten_and_conclusions_kept_once(directory: Path) -> None:
    with Ledger.open(directory) as ledger:
        for generation in (3, 4):
            ledger.finish(start(ledger, 1, Limits(), generation=generation).id, ANSWERED)
        ledger.forget(3)
        assert [call.outcome.answer for call in ledger.calls()] == [None, "{}"]
        assert [call.prompt for call in ledger.calls()] == [None, "why?"]
        assert [(call.prompt, call.outcome.answer) for call in ledger.calls(texts=False)] == [(None, None)] * 2
        ledger.record_conclusions(
            3, [Conclusion("decay helps", ("recall",), (1, 2), (2,)), Conclusion("norms do not")]
        )
        ledger.record_conclusions(3, [Conclusion("something else")])
        assert [own.text for own in ledger.newest_conclusions(5)] == ["decay helps", "norms do not"]
        assert ledger.conclusions(3)[0].held == (2,)
        assert ledger.newest_conclusions(2) == []


def test_answers_that_have_no_encoding_are_stored(directory: Path) -> None:
    with Ledger.open(directory) as ledger:
        call = start(ledger, 1, Limits())
        answer = "a\ud800b\x00c'); DROP TABLE calls; --"
        stored = ledger.finish(call.id, Outcome("answered", answer)).outcome.answer
        assert stored == "a\\ud800b\x00c'); DROP TABLE calls; --"
        assert len(ledger.calls()) == 1


def test_the_schema_itself_refuses_a_second_answer(directory: Path) -> None:
    with Ledger.open(directory) as ledger:
        ledger.finish(start(ledger, 1, Limits()).id, ANSWERED)
    with sqlite3.connect(directory / "search.db") as database, pytest.raises(sqlite3.IntegrityError):
        database.execute(
            "INSERT INTO calls SELECT 99, generation, slot, turn, role, provider, name, state, fault, reason, input, "
            "cached, written, output, cost, reserved_calls, reserved_tokens, reserved_cost, replayed, seconds, prompt, "
            "answer, attempt, started_at, ended_at FROM calls"
        )


def test_an_archive_from_before_says_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no search"):
        Ledger.read(tmp_path)
