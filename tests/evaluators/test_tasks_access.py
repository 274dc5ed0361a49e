"""Random access, determinism, separate splits, and tasks by name."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.batch import IGNORED, Batch
from evaluators.tasks.corpus import read_corpus
from evaluators.tasks.metrics import class_counts, macro_accuracy, micro_accuracy
from evaluators.tasks.protocol import Split, Task
from evaluators.tasks.registry import PUBLISHED, TASK_NAMES, TINY, make_task
from evaluators.tasks.text import LanguageModelling

quick = settings(max_examples=25, deadline=None)
names = st.sampled_from(list(PUBLISHED))
numbers = st.integers(0, 10**6)
sizes = st.integers(1, 40)


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> LanguageModelling:
    path = tmp_path_factory.mktemp("corpus") / "text.txt"
    letters = np.random.default_rng(0).choice(list("abcdefgh \n"), size=20_000)
    path.write_text("".join(letters), encoding="utf-8", newline="")
    return LanguageModelling(corpus=read_corpus(path), context=32)


def same(one: Batch, other: Batch) -> bool:
    return np.array_equal(one.inputs_BxT, other.inputs_BxT) and np.array_equal(one.targets_BxT, other.targets_BxT)


def rows(task: Task, split: Split, size: int = 64) -> list[bytes]:
    """The sequences of an evaluation split, without what fills up the last batch."""
    return [
        inputs.tobytes() + targets.tobytes()
        for batch in task.evaluation_batches(split, size)
        for inputs, targets in zip(batch.inputs_BxT, batch.targets_BxT, strict=True)
        if (targets != IGNORED).any()
    ]


@quick
@given(names, st.sampled_from(["train", "validation", "sealed"]), numbers, numbers, sizes)
def test_a_batch_depends_on_its_address_alone(name, split, seed, index, size):
    task = TINY[name]
    first = task.batch(split, seed, index, size)
    task.batch(split, seed + 1, index + 1, size)
    assert same(first, pickle.loads(pickle.dumps(task)).batch(split, seed, index, size))
    if split != "train":
        assert same(first, task.batch(split, seed + 1, index, size))


@quick
@given(names, st.sampled_from(["train", "validation"]), numbers, st.integers(0, 50), st.integers(1, 8))
def test_examples_do_not_depend_on_the_batch_size(name, split, seed, index, size):
    task = TINY[name]
    whole = task.batch(split, seed, index, 2 * size)
    halves = [task.batch(split, seed, 2 * index + part, size) for part in (0, 1)]
    assert np.array_equal(whole.inputs_BxT, np.concatenate([half.inputs_BxT for half in halves]))
    assert np.array_equal(whole.targets_BxT, np.concatenate([half.targets_BxT for half in halves]))


@pytest.mark.parametrize("name", TINY)
def test_seeds_batches_and_splits_differ(name):
    task = TINY[name]
    addresses: list[tuple[Split, int, int]] = [
        ("train", 0, 0),
        ("train", 1, 0),
        ("train", 0, 1),
        ("validation", 0, 0),
        ("sealed", 0, 0),
    ]
    seen: set[bytes] = set()
    for split, seed, index in addresses:
        batch = task.batch(split, seed, index, 32)
        inputs = {row.tobytes() for row in batch.inputs_BxT}
        assert len(inputs) == 32
        assert not seen & inputs
        seen |= inputs


@pytest.mark.parametrize("name", PUBLISHED)
def test_training_passes_over_the_same_examples_in_new_orders(name):
    task = replace(PUBLISHED[name], training_examples=48, context=64)
    # Batches of 40 do not divide 48: passes must be kept apart inside a batch too.
    inputs = np.concatenate([task.batch("train", 3, index, 40).inputs_BxT for index in range(6)])
    passes = [inputs[start : start + 48] for start in range(0, 240, 48)]
    examples = [{row.tobytes() for row in one} for one in passes]
    assert len(examples[0]) == 48
    assert all(one == examples[0] for one in examples)
    assert not np.array_equal(passes[0], passes[1])
    assert not examples[0] & {row.tobytes() for row in task.batch("train", 4, 0, 48).inputs_BxT}


@pytest.mark.parametrize("name", TASK_NAMES)
@pytest.mark.parametrize("size", [7, 64])
def test_evaluation_goes_through_each_split_once(name, size, text):
    task = text if name == "text" else TINY[name]
    validation, sealed = rows(task, "validation", size), rows(task, "sealed", size)
    assert validation == rows(task, "validation", 64)
    assert not set(validation) & set(sealed)
    if name != "text":
        assert len(set(validation)) == len(validation) == task.evaluation_examples == len(sealed)
    batches = list(task.evaluation_batches("validation", size))
    assert {batch.inputs_BxT.shape for batch in batches} == {(size, task.context)}
    assert np.array_equal(batches[0].inputs_BxT, task.batch("validation", 5, 0, size).inputs_BxT)


def test_only_the_three_splits_exist(text):
    for task in (text, TINY["recall"]):
        with pytest.raises(ValueError, match="unknown split 'test': choose from train, validation, sealed"):
            task.batch("test", 0, 0, 1)  # pyright: ignore[reportArgumentType]
        with pytest.raises(ValueError, match="choose from validation, sealed"):
            next(task.evaluation_batches("train", 1))


@pytest.mark.parametrize("name", TINY)
def test_tiny_tasks_share_one_small_shape(name):
    task = make_task(name, "tiny")
    assert task.name == name
    assert task.context == 64
    assert task.vocabulary <= 64
    assert make_task(name, "tiny", context=96).context == 96
    assert make_task(name, "published") == PUBLISHED[name]


def test_identity_changes_with_the_data(text):
    tasks: list[Task] = [*PUBLISHED.values(), *TINY.values(), text, replace(text, context=16)]
    assert len({task.identity for task in tasks}) == len(tasks)
    assert replace(text).identity == text.identity
    assert all("\n" not in task.identity for task in tasks)


def test_unknown_names_are_refused_with_what_is_accepted(tmp_path):
    with pytest.raises(ValueError, match=r"unknown task 'chess': choose from text, recall, .*mqar"):
        make_task("chess", "tiny")
    with pytest.raises(ValueError, match="unknown profile 'huge': choose from published, tiny"):
        make_task("recall", "huge")
    with pytest.raises(ValueError, match="recall makes its own data"):
        make_task("recall", "tiny", data=tmp_path)
    with pytest.raises(ValueError, match="even context"):
        make_task("mqar", "tiny", context=65)


def test_tasks_need_no_array_framework():
    code = "import sys, evaluators.tasks.registry; sys.exit(bool({'jax', 'mlx', 'datasets'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@quick
@given(st.data(), st.integers(1, 6))
def test_accuracies_against_plain_counting(data, vocabulary):
    length = data.draw(st.integers(1, 30))
    token = st.integers(0, vocabulary - 1)
    predictions = data.draw(st.lists(token, min_size=length, max_size=length))
    targets = data.draw(st.lists(token | st.just(IGNORED), min_size=length, max_size=length))
    targets[0] = predictions[0]
    correct_V, total_V = class_counts(np.array([predictions]), np.array([targets]), vocabulary)
    scored = [(p, t) for p, t in zip(predictions, targets, strict=True) if t != IGNORED]
    shares = [
        np.mean([p == t for p, t in scored if t == label])
        for label in range(vocabulary)
        if any(t == label for _, t in scored)
    ]
    assert micro_accuracy(correct_V, total_V) == pytest.approx(np.mean([p == t for p, t in scored]))
    assert macro_accuracy(correct_V, total_V) == pytest.approx(np.mean(shares))


def test_accuracy_without_targets_is_refused():
    nothing = class_counts(np.zeros((1, 3), int), np.full((1, 3), IGNORED), 4)
    for accuracy in (micro_accuracy, macro_accuracy):
        with pytest.raises(ValueError, match="no target counts"):
            accuracy(*nothing)
