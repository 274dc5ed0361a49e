"""A search written, read back and resumed through real SQLite files."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.scores import Yardstick
from runs import records
from runs.configuration import differences
from runs.errors import StoreError
from runs.store import Store

CONFIGURATION = {"seed": 7, "scale": {"parameters": 1000, "context": 64}, "generations": 3, "workers": 2}


def create(directory: Path, **changes: Any) -> Store:
    values: dict[str, Any] = {
        "name": "trial",
        "seed": 7,
        "configuration": CONFIGURATION,
        "version": "0.1.0",
        "generations": 3,
    }
    return Store.create(directory, **values | changes)


def recipe(name: str) -> records.Recipe:
    return records.Recipe(hash=f"{name}-hash", recipe=f'{{"name": "{name}"}}', label=name)


def proposal(name: str, *parents: int, **changes: Any) -> records.Proposal:
    values: dict[str, Any] = {"operator": "replace", "recipe": recipe(name), "parents": parents}
    return records.Proposal(**values | changes)


def evaluation(name: str, **changes: Any) -> records.Evaluation:
    values: dict[str, Any] = {
        "recipe": recipe(name).hash,
        "purpose": "search",
        "task": "recall",
        "seed": 1,
        "rung": 0,
        "split": "validation",
        "tokens": 4096,
        "status": "evaluated",
        "loss": 0.5,
    }
    return records.Evaluation(**values | changes)


@pytest.fixture
def store(tmp_path: Path):
    with create(tmp_path / "search") as store:
        yield store


def with_scores(store: Store, generation: int, proposals: list[records.Proposal], scores: list[float | None]):
    numbers = store.propose(generation, proposals, {"generation": generation})
    settlements = [
        records.Settlement(number, "failed", "out of memory")
        if score is None
        else records.Settlement(number, "evaluated", score=score)
        for number, score in zip(numbers, scores, strict=True)
    ]
    store.finish_generation(generation, settlements)
    return numbers


def test_a_generation_reads_back_as_it_was_proposed(store: Store) -> None:
    with_scores(store, 0, [proposal("a"), proposal("b")], [0.25, 0.75])
    edits = (
        records.Edit("graft", '{"span": [0, 1]}', "take block 1 of attempt 2"),
        records.Edit("set", "{}", "set heads to 4"),
    )
    adjustment = records.Adjustment("heads", 6, 4, "6 does not divide the width 64")
    component = records.Component("gate", "c1", "channel", "def gate(x): return x", "proposed")
    child = proposal("c", 2, 1, edits=edits, adjustments=(adjustment,), components=(component,), parameters=999)
    rejected = records.Proposal("insert", None, (1,), status="rejected", reason="no norm before block 2")
    assert store.propose(1, [child, rejected, proposal("c", 1, status="duplicate")], [1, 2]) == (3, 4, 5)

    stored, refused, duplicate = store.attempts(generation=1)
    assert (stored.operator, stored.status, stored.recipe) == ("replace", "proposed", "c-hash")
    assert (stored.parents, stored.parameters, stored.label) == ((2, 1), 999, "c")
    assert store.edits(3) == edits
    assert store.adjustments(3) == (adjustment,)
    assert store.components() == [replace(component, first_attempt=3)]
    assert store.recipe("c-hash") == recipe("c")
    assert (refused.recipe, refused.reason) == (None, "no norm before block 2")
    assert (duplicate.duplicate_of, duplicate.recipe) == (3, "c-hash")
    assert store.run.random_state == [1, 2]
    assert [attempt.id for attempt in store.pending()] == [3]
    assert store.status_counts() == {"evaluated": 2, "proposed": 1, "rejected": 1, "duplicate": 1}


def test_a_refused_generation_changes_nothing(store: Store) -> None:
    with_scores(store, 0, [proposal("a")], [0.5])
    before = (store.attempts(), store.run, store.events(), store.components())
    bad_parent = [proposal("b", 1), proposal("c", 99)]
    paid_twice = [proposal("b", 1), proposal("a", 1)]
    nothing_repeated = [proposal("b", 1), proposal("c", status="duplicate")]
    without_recipe = [proposal("b", 1), records.Proposal("insert", None)]
    without_reason = [proposal("b", 1), proposal("c", status="rejected")]
    not_finite = [proposal("b", 1), proposal("c", parameters=math.nan)]
    for refused in (
        bad_parent,
        paid_twice,
        nothing_repeated,
        without_recipe,
        without_reason,
        not_finite,
        [],
    ):
        with pytest.raises(StoreError) as caught:
            store.propose(1, refused, {"generation": 1})
        assert "\n" not in str(caught.value)
    for generation in (0, 2):
        with pytest.raises(StoreError, match="out of order"):
            store.propose(generation, [proposal("b")], None)
    assert (store.attempts(), store.run, store.events(), store.components()) == before
    assert store.propose(1, [proposal("b", 1)], None) == (2,)


def test_a_recipe_that_failed_may_be_proposed_again_and_one_with_a_result_may_not(store: Store) -> None:
    with_scores(store, 0, [proposal("a"), proposal("b")], [None, 0.5])
    with pytest.raises(StoreError, match="attempt 2 has recipe b-hash"):
        store.propose(1, [proposal("b")], None)
    assert store.propose(1, [proposal("a")], None) == (3,)


def test_a_generation_closes_once_every_attempt_has_an_outcome(store: Store) -> None:
    store.propose(0, [proposal("a"), proposal("b"), proposal("c"), proposal("d")], None)
    with pytest.raises(StoreError, match="generation 0 is proposed and not finished"):
        store.propose(1, [proposal("e")], None)
    with pytest.raises(StoreError, match="no outcome for attempts 2, 3, 4"):
        store.finish_generation(0, [records.Settlement(1, "evaluated", score=0.5)])
    assert len(store.pending()) == 4
    store.settle(records.Settlement(4, "timeout", "600 s"))
    credit = [records.OperatorCredit("replace", 4, 1, 0.25, 12.5)]
    finished = store.finish_generation(
        0,
        [
            records.Settlement(1, "evaluated", score=0.5),
            records.Settlement(2, "evaluated", score=0.25, rung=2, family="linear", seconds=3.5),
            records.Settlement(3, "screened", score=0.125),
        ],
        credit,
        {"diversity": np.float32(0.5)},
    )
    assert (finished.best, finished.median, finished.statistics) == (0.5, 0.375, {"diversity": 0.5})
    assert store.generations() == [finished]
    assert store.credit() == {0: credit}
    assert store.generation_count() == 1
    settled = store.attempt(2)
    assert (settled.rung, settled.family, settled.seconds) == (2, "linear", 3.5)
    with pytest.raises(StoreError, match="not the one proposed last"):
        store.finish_generation(0)


def test_an_outcome_is_final_but_for_screened_attempts(store: Store) -> None:
    store.propose(0, [proposal("a", parameters=100)], None)
    repair = records.Adjustment("learning_rate", 0.1, 0.05, "diverged")
    store.settle(records.Settlement(1, "screened", score=0.3, adjustments=(repair,)))
    store.settle(records.Settlement(1, "evaluated", score=0.4, adjustments=(repair,)))
    assert (store.attempt(1).status, store.attempt(1).score, store.attempt(1).parameters) == (
        "evaluated",
        0.4,
        100,
    )
    assert store.adjustments(1) == (repair, repair)
    with pytest.raises(StoreError, match="attempt 1 already has its outcome: evaluated"):
        store.settle(records.Settlement(1, "failed", "late"))
    with pytest.raises(StoreError, match="no attempt 2; attempts are numbered 1 to 1"):
        store.settle(records.Settlement(2, "failed", "late"))


def _as_evaluation(values: dict[str, Any]) -> dict[str, Any]:
    """The same fault in an evaluation, whose measurement is its loss."""
    return {"loss": None} | {"loss" if name == "score" else name: value for name, value in values.items()}


def test_a_failure_has_a_reason_and_never_a_score(store: Store) -> None:
    store.propose(0, [proposal("a")], None)
    bad: list[dict[str, Any]] = [
        {"status": "diverged", "reason": "loss is NaN", "score": 0.1},
        {"status": "failed"},
        {"status": "evaluated"},
        {"status": "evaluated", "score": math.nan},
        {"status": "evaluated", "score": math.inf},
        {"status": "evaluated", "score": np.float32("inf")},
        {"status": "evaluated", "score": True},
        {"status": "evaluated", "score": 0.5, "parameters": "many"},
        {"status": "evaluated", "score": 0.5, "parameters": 2**64},
        {"status": "improved", "score": 0.5},
    ]
    for values in bad:
        with pytest.raises(StoreError):
            store.settle(records.Settlement(1, **values))
        if values["status"] in ("diverged", "failed", "evaluated") and "parameters" not in values:
            with pytest.raises(StoreError):
                store.record_evaluation(replace(evaluation("a"), **_as_evaluation(values)))
    assert [attempt.status for attempt in store.attempts()] == ["proposed"]
    assert store.evaluations() == []


def test_numpy_numbers_are_stored_as_numbers(store: Store) -> None:
    store.propose(0, [proposal("a", parameters=np.int64(5))], {"state": np.arange(3)})
    numbers = {
        "loss": np.float32(0.25),
        "seed": np.int32(3),
        "accuracy": np.array(0.5),
        "macro_accuracy": np.float64(1.0),
    }
    store.record_evaluation(evaluation("a", attempt=np.int64(1), **numbers))
    store.settle(records.Settlement(1, "evaluated", score=float(np.float16(0.5))))
    (stored,) = store.evaluations(attempt=1)
    assert (stored.loss, stored.seed, stored.accuracy, stored.macro_accuracy) == (0.25, 3, 0.5, 1.0)
    assert all(type(value) in (int, float) for value in (stored.loss, stored.seed, stored.accuracy))
    assert (store.attempt(1).parameters, store.run.random_state) == (5, {"state": [0, 1, 2]})


def test_a_measurement_is_paid_once_and_a_failure_may_be_retried(store: Store) -> None:
    store.add_recipes([recipe("a"), recipe("b"), recipe("a")])
    assert store.record_evaluation(evaluation("a"))
    assert not store.record_evaluation(evaluation("a", loss=0.9))
    assert not store.record_evaluation(evaluation("a", status="failed", loss=None, reason="crash"))
    for other in ({"purpose": "noise"}, {"task": "copy"}, {"seed": 2}, {"rung": 1}, {"split": "sealed"}):
        assert store.record_evaluation(evaluation("a", **other))
    same = store.evaluations(recipe="a-hash", purpose="search", task="recall", seed=1, rung=0, split="validation")
    assert [one.loss for one in same] == [0.5]
    assert len(store.evaluations(recipe="a-hash")) == 6

    failure = evaluation("b", status="timeout", loss=None, reason="worker hung")
    assert store.record_evaluation(failure)
    assert not store.record_evaluation(failure)
    assert store.evaluations(recipe="b-hash") == [failure]
    assert store.record_evaluation(evaluation("b"))
    assert store.evaluations(recipe="b-hash") == [evaluation("b")]
    assert "worker hung" in store.events(kind="retried")[0].message


def measured(**changes: float) -> Yardstick:
    """A yardstick of two tasks; `changes` are losses of the third seed."""
    seeds = [
        {"text": 2.0, "recall": 0.5},
        {"text": 2.01, "recall": 0.48},
        {"text": 1.98, "recall": 0.53} | changes,
    ]
    return Yardstick.measured("rwkv4", {"text": 5.5, "recall": 2.0}, seeds)


def test_a_yardstick_is_recorded_once_and_read_back(store: Store) -> None:
    assert store.yardstick is None
    store.record_yardstick(measured())
    stored = store.yardstick
    assert stored == measured()
    assert stored is not None
    assert stored.tasks == ("text", "recall")
    store.record_yardstick(measured())
    with Store.read(store.directory) as archive:
        assert archive.yardstick == measured()


def test_rounding_is_no_other_yardstick_and_anything_else_is(store: Store) -> None:
    store.record_yardstick(measured())
    store.record_yardstick(measured(text=1.98 * (1 + 1e-15)))
    for other, told in (
        (measured(recall=0.54), "reference loss on recall was 0.50"),
        (replace(measured(), name="llama"), "recipe was rwkv4, now llama"),
        (Yardstick.measured("rwkv4", {"text": 5.5}, [{"text": 2.0}, {"text": 2.1}]), "seeds was 3, now 2"),
    ):
        with pytest.raises(StoreError, match=told) as caught:
            store.record_yardstick(other)
        assert len(str(caught.value).splitlines()) == 1
    assert store.yardstick == measured()


def test_references_must_exist(store: Store) -> None:
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store.record_evaluation(evaluation("unseen"))
    store.add_recipes([recipe("a")])
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store.record_evaluation(evaluation("a", attempt=5))


def test_a_component_name_means_one_component(store: Store) -> None:
    library = records.Component("attention", "h1", "mixer", "def attention(x): ...", arxiv="1706.03762")
    store.add_components([library])
    store.add_components([library])
    assert store.components() == [library]
    with pytest.raises(StoreError, match="component attention is already stored"):
        store.add_components([replace(library, hash="h2")])


def test_best_are_the_fully_evaluated_with_the_highest_scores(store: Store) -> None:
    names = ["a", "b", "c", "d", "e"]
    numbers = store.propose(0, [proposal(name) for name in names], None)
    for number, score in zip(numbers, [0.5, 0.9, 0.5, None, 2.0], strict=True):
        if score is None:
            store.settle(records.Settlement(number, "failed", "crash"))
        else:
            store.settle(records.Settlement(number, "screened" if score == 2.0 else "evaluated", score=score))
    assert [attempt.id for attempt in store.best(2)] == [2, 1]
    assert [attempt.id for attempt in store.best(10)] == [2, 1, 3]


def test_lineage_follows_the_best_parent(store: Store) -> None:
    with_scores(store, 0, [proposal("a"), proposal("b"), proposal("c")], [0.25, 0.5, None])
    edit = records.Edit("set", "{}", "set heads to 2")
    with_scores(store, 1, [proposal("d", 3, 1, 2, edits=(edit,)), proposal("e", 1)], [0.75, 0.25])
    with_scores(store, 2, [proposal("f", 5, 4)], [0.5])
    steps = store.lineage(6)
    assert [(step.attempt.id, step.gain) for step in steps] == [(2, None), (4, 0.25), (6, -0.25)]
    assert [step.edits for step in steps] == [(), (edit,), ()]
    assert store.attempt(4).parents == (3, 1, 2)
    with pytest.raises(StoreError, match="no attempt 7"):
        store.lineage(7)


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_ancestors_and_descendants_match_a_plain_walk(data: st.DataObject, tmp_path_factory: Any) -> None:
    parents: dict[int, tuple[int, ...]] = {1: ()}
    for number in range(2, data.draw(st.integers(2, 7))):
        parents[number] = tuple(data.draw(st.lists(st.integers(1, number - 1), max_size=3)))
    with create(tmp_path_factory.mktemp("walk") / "search") as store:
        for number, mine in parents.items():
            with_scores(store, number, [proposal(f"r{number}", *mine)], [0.5])

        def above(number: int) -> set[int]:
            return {a for parent in parents[number] for a in {parent} | above(parent)}

        for number in parents:
            assert store.ancestors(number) == sorted(above(number))
            assert store.descendants(number) == [other for other in parents if number in above(other)]
            chain = [step.attempt.id for step in store.lineage(number)]
            assert chain[-1] == number
            assert not parents[chain[0]]
            assert all(older in parents[newer] for older, newer in pairwise(chain))


def test_a_search_continues_where_it_was_closed(tmp_path: Path) -> None:
    with create(tmp_path) as store:
        with_scores(store, 0, [proposal("a")], [0.5])
        store.propose(1, [proposal("b", 1)], {"next": 2})
        store.record_evaluation(evaluation("b", attempt=2))
        store.log("weakness", "recall is poor", {"recall": 0.1})
        store.finish_run("stopped")
    with Store.open(tmp_path, configuration=CONFIGURATION) as store:
        assert (store.run.status, store.run.name, store.run.configuration) == ("running", "trial", CONFIGURATION)
        assert [attempt.id for attempt in store.pending()] == [2]
        assert store.evaluations(attempt=2) == [evaluation("b", attempt=2)]
        assert store.events(kind="weakness")[0].detail == {"recall": 0.1}
        store.finish_generation(1, [records.Settlement(2, "evaluated", score=0.5)])
        assert store.propose(2, [proposal("c", 2)], None) == (3,)


def test_another_configuration_is_refused_with_every_difference_named(tmp_path: Path) -> None:
    create(tmp_path).close()
    other = {"seed": 8, "scale": {"parameters": 1000, "context": 128}, "task": "text", "generations": 5}
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path, configuration=other)
    message = str(caught.value)
    assert "seed was 7, now 8" in message
    assert "scale.context was 64, now 128" in message
    assert 'task was absent, now "text"' in message
    assert "scale.parameters was" not in message
    assert "\n" not in message
    with Store.open(tmp_path, configuration=CONFIGURATION) as store:
        assert store.run.configuration == CONFIGURATION
        assert store.run.generations == 3


def test_a_finished_search_runs_again_only_with_a_higher_target(tmp_path: Path) -> None:
    with create(tmp_path) as store:
        store.finish_run()
    with Store.open(tmp_path, configuration=CONFIGURATION) as store:
        assert store.run.status == "finished"
    with Store.open(tmp_path, configuration=CONFIGURATION | {"generations": 9, "workers": 8}) as store:
        assert (store.run.status, store.run.generations) == ("running", 9)
    with pytest.raises(StoreError):
        Store.open(tmp_path, configuration=CONFIGURATION | {"generations": "many"})
    with Store.read(tmp_path) as archive:
        assert archive.run.configuration["workers"] == 8
        assert archive.run.generations == 9


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", min_size=1), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.text("abc", min_size=1), JSON), st.text("def", min_size=1), JSON, JSON)
def test_differences_name_exactly_what_changed(common: dict, key: str, old: Any, new: Any) -> None:
    before = common | {key: old, "workers": 1, "generations": 1}
    after = common | {key: new, "workers": 2, "generations": 5}
    phrases = differences(before, after)
    assert differences(before, before) == []
    assert all(phrase.startswith(key) for phrase in phrases)
    assert bool(phrases) == (repr(sorted_json(old)) != repr(sorted_json(new)))


def sorted_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: sorted_json(value[key]) for key in sorted(value)}
    return [sorted_json(item) for item in value] if isinstance(value, list) else value


def test_ten_thousand_attempts_read_at_once(tmp_path: Path) -> None:
    with create(tmp_path) as store:
        numbers: tuple[int, ...] = ()
        for generation in range(10):
            edits = (records.Edit("set", "{}", "set heads to 4"),)
            batch = [
                proposal(f"r{generation}-{i}", *(numbers[i : i + 1] + numbers[i // 2 : i // 2 + 1]), edits=edits)
                for i in range(1000)
            ]
            numbers = store.propose(generation, batch, generation)
            outcomes = [
                records.Settlement(number, "evaluated", score=(number * 7919 % 1000) / 1000) for number in numbers
            ]
            store.finish_generation(generation, outcomes)
        assert store.attempt_count() == 10_000
        start = time.process_time()
        assert len(store.best(10)) == 10
        assert len(store.lineage(10_000)) == 10
        assert len(store.genealogy()) == 10_000
        assert len(store.attempts()) == 10_000
        assert store.ancestors(10_000)
        assert store.descendants(1)
        assert store.pending() == []
        assert store.record_evaluation(evaluation("r0-0"))
        # Processor time, since other processes may keep the machine busy; about 0.3 s on one core.
        assert time.process_time() - start < 1.5


def test_the_first_text_of_a_recipe_stands_for_all_that_have_its_hash(store: Store) -> None:
    with_scores(store, 0, [proposal("a")], [0.5])
    renamed = replace(recipe("a"), recipe='{"other":"names"}')
    store.propose(1, [proposal("b", 1), proposal("a", recipe=renamed, status="duplicate")], None)
    assert store.attempt(3).duplicate_of == 1
    assert store.recipe("a-hash").recipe == recipe("a").recipe
