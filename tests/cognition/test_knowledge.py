"""Knowledge: answers by skill and affinities of pairs, from the library, from papers and from searches."""

from __future__ import annotations

import pytest

from cognition.knowledge import RELATED, Affinity, knowledge, library_knowledge
from cognition.store.records import Paper, Searched, Statement, StoredComponent
from cognition.store.store import CognitionStore
from genome.arrangement import Pair


def affinity(store: CognitionStore, pair: Pair) -> Affinity | None:
    return next((own for own in knowledge(store).affinities if own.pair == pair), None)


def relate(store: CognitionStore, one: str, other: str) -> None:
    """Store a paper that says two components go together."""
    rows = [store.shown(name)[0].row["id"] for name in (one, other)]
    statement = Statement("pairs_with", rows[0], rows[1], f"{one} with {other}", "combination")
    store.add_papers("q", {Paper("2401.00001", 1, "A title", 2024): [statement]})


def measure(store: CognitionStore, pair: Pair, strength: float, cases: int, name: str = "one") -> None:
    row = {"first": pair.first, "second": pair.second, "arrangement": pair.arrangement, "recipes": 3}
    row |= {"strength": strength, "cases": cases, "mean": strength / 10, "low": -1.0, "high": 1.0}
    searched = Searched(name, "2026-01-01", 0, "text", "tiny")
    store.add_search(searched, {"pair_evidence": [row], "configuration_evidence": [], "findings": []})


def test_a_fresh_store_knows_what_the_library_says(store: CognitionStore) -> None:
    assert knowledge(store) == library_knowledge()
    published = affinity(store, Pair("attention", "swiglu"))
    assert published is not None
    assert published.strength >= 0.5
    assert "llama" in published.reason
    # A published stack repeats its blocks; what no architecture has and nobody tells is not known.
    assert affinity(store, Pair("swiglu", "attention")) is not None
    assert affinity(store, Pair("canon", "hyena")) is None


def test_what_papers_relate_is_known_in_both_orders_and_what_was_measured_stands_above_it(
    store: CognitionStore,
) -> None:
    relate(store, "canon", "hyena")
    for pair in (Pair("canon", "hyena"), Pair("hyena", "canon")):
        assert affinity(store, pair) == Affinity(pair, RELATED, "a paper says they go together (arXiv 2401.00001)")
    measure(store, Pair("canon", "hyena"), -1.5, 4)
    measured = affinity(store, Pair("canon", "hyena"))
    assert measured is not None
    assert measured.strength == -1.5
    other = affinity(store, Pair("hyena", "canon"))
    assert other is not None
    assert other.strength == RELATED


def test_searches_count_by_their_cases_and_a_search_that_writes_again_replaces(store: CognitionStore) -> None:
    pair = Pair("canon", "hyena")
    measure(store, pair, 9.0, 7)
    measure(store, pair, 1.0, 10)
    measure(store, pair, 2.0, 30, "two")
    found = affinity(store, pair)
    assert found is not None
    assert found.strength == pytest.approx(1.75)
    assert store.statistics()["table"]["searches"] == 2


def test_pairs_of_components_that_the_store_does_not_know_are_left_out(store: CognitionStore) -> None:
    measure(store, Pair("canon", "hyena_0a1b2c"), 1.0, 5)
    assert store.statistics()["table"]["pair_evidence"] == 0


def test_answers_are_components_by_triggers_and_insights_best_first(store: CognitionStore) -> None:
    mine = StoredComponent(
        "mine", "component", "mixer", "0", "-", insight="Recall, recall, recall of every key.", triggers="recall"
    )
    store.add_components([mine], "me")
    answers = knowledge(store).answers["recall"]
    assert answers[0].component == "mine"
    assert answers[0].relevance == 1.0
    assert [own.relevance for own in answers] == sorted((own.relevance for own in answers), reverse=True)
    assert "transformer" not in {own.component for own in answers}
