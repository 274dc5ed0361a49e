"""The published rules of the tasks, checked on what the tasks produce."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.batch import IGNORED
from evaluators.tasks.compression import Compression
from evaluators.tasks.fuzzy_recall import FuzzyRecall
from evaluators.tasks.in_context_recall import InContextRecall
from evaluators.tasks.memorization import Memorization
from evaluators.tasks.mqar import MQAR
from evaluators.tasks.noisy_recall import NoisyRecall
from evaluators.tasks.parity import Parity
from evaluators.tasks.protocol import Split
from evaluators.tasks.registry import MAD, PUBLISHED
from evaluators.tasks.selective_copying import SelectiveCopying
from evaluators.tasks.synthetic import SyntheticTask

quick = settings(max_examples=40, deadline=None)
splits: st.SearchStrategy[Split] = st.sampled_from(["train", "validation", "sealed"])
evaluation_splits: st.SearchStrategy[Split] = st.sampled_from(["validation", "sealed"])
numbers = st.integers(0, 10**6)
half_contexts = st.integers(2, 40)


def sequences(task: SyntheticTask, split: Split, seed: int, index: int) -> list[tuple[list[int], list[int]]]:
    batch = task.batch(split, seed, index, 8)
    assert batch.inputs_BxT.shape == batch.targets_BxT.shape == (8, task.context)
    assert batch.inputs_BxT.dtype == batch.targets_BxT.dtype == np.int32
    return list(zip(batch.inputs_BxT.tolist(), batch.targets_BxT.tolist(), strict=True))


def recall_targets(pairs: list[tuple[int, int]], keys: int, values_end: int) -> list[int]:
    """The value of each key shown before, by a plain pass over the pairs; also checks the pairs."""
    value_of: dict[int, int] = {}
    targets: list[int] = []
    for key, value in pairs:
        if key >= values_end:
            assert value >= values_end
            targets += [IGNORED, IGNORED]
            continue
        assert 0 <= key < keys <= value < values_end
        targets += [IGNORED, value] if key in value_of else [IGNORED, IGNORED]
        assert value_of.setdefault(key, value) == value
    assert targets[-1] == pairs[-1][1], "the last pair repeats a key shown before"
    return [*targets[1:], IGNORED]


@quick
@given(st.integers(4, 40), half_contexts, evaluation_splits, numbers)
def test_recall_counts_values_of_keys_shown_before(vocabulary, half, split, index):
    task = InContextRecall(vocabulary=vocabulary, context=2 * half)
    for tokens, targets in sequences(task, split, 0, index):
        pairs = list(zip(tokens[::2], tokens[1::2], strict=True))
        assert targets == recall_targets(pairs, vocabulary // 2, vocabulary)


@quick
@given(st.integers(1, 20), st.integers(4, 24), st.floats(0.01, 0.99), half_contexts, evaluation_splits, numbers)
def test_noisy_recall_counts_no_noise(noise, meaningful, fraction, half, split, index):
    task = NoisyRecall(
        vocabulary=meaningful + noise, noise_vocabulary=noise, noise_fraction=fraction, context=2 * half
    )
    for tokens, targets in sequences(task, split, 0, index):
        pairs = list(zip(tokens[::2], tokens[1::2], strict=True))
        assert targets == recall_targets(pairs, meaningful // 2, meaningful)
        assert min(tokens[:-2]) < meaningful, "the protected pair is not noise"
        assert max(tokens[-2:]) < meaningful, "the last pair is not noise"


def test_noise_comes_at_its_rate():
    tokens_BxT = NoisyRecall(noise_fraction=0.4).batch("train", 0, 0, 500).inputs_BxT
    assert np.mean(tokens_BxT[:, :-2] >= 16) == pytest.approx(0.4 * (1 - 1 / 63), abs=0.01)
    assert set(tokens_BxT[tokens_BxT >= 16].tolist()) == set(range(16, 32))


@quick
@given(st.sampled_from([InContextRecall(), NoisyRecall(), FuzzyRecall()]), numbers, numbers)
def test_recall_trains_on_every_next_token(task, seed, index):
    for tokens, targets in sequences(task, "train", seed, index):
        assert targets == [*tokens[1:], IGNORED]


def motif_pairs(tokens: list[int], keys: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Split a sequence without padding into pairs of a run of key tokens and a run of value tokens."""
    runs: list[list[int]] = []
    for place, token in enumerate(tokens):
        if place == 0 or (token < keys) != (tokens[place - 1] < keys):
            runs.append([])
        runs[-1].append(token)
    return [(tuple(key), tuple(value)) for key, value in zip(runs[::2], runs[1::2], strict=True)]


@quick
@given(st.integers(1, 4), st.integers(0, 20), st.integers(1, 60), splits, numbers, numbers)
def test_fuzzy_recall(motif, more_tokens, more_context, split, seed, index):
    task = FuzzyRecall(vocabulary=2 * motif + 1 + more_tokens, context=4 * motif + more_context, motif=motif)
    padding, keys = task.vocabulary - 1, (task.vocabulary - 1) // 2
    for tokens, targets in sequences(task, split, seed, index):
        content = [token for token in tokens if token != padding]
        assert tokens == [padding] * (task.context - len(content)) + content
        value_of: dict[tuple[int, ...], tuple[int, ...]] = {}
        expected: list[int] = [IGNORED] * (task.context - len(content))
        pairs = motif_pairs(content, keys)
        for key, value in pairs:
            assert len(set(key)) == len(key) <= motif
            assert len(set(value)) == len(value) <= motif
            assert split == "train" or len(key) == motif
            expected += [IGNORED] * len(key)
            expected += value if key in value_of else [IGNORED] * len(value)
            assert value_of.setdefault(key, value) == value
        assert pairs[-1] in pairs[:-1]
        if split != "train":
            assert targets == [*expected[1:], IGNORED]


def test_fuzzy_recall_draws_lengths_motifs_and_places_evenly():
    task = FuzzyRecall(context=256)
    pairs = [motif_pairs([t for t in row if t != 15], 7) for row, _ in zip_rows(task, "train", 300)]
    firsts = [row[0] for row in pairs]
    for side in (0, 1):
        lengths = Counter(len(pair[side]) for pair in firsts)
        assert all(60 < lengths[length] < 140 for length in (1, 2, 3))
    tokens = Counter(token for row in pairs for key, _ in row for token in key)
    assert max(tokens.values()) < 1.2 * min(tokens.values())
    evaluation = [motif_pairs([t for t in row if t != 15], 7) for row, _ in zip_rows(task, "validation", 300)]
    places = [row.index(row[-1]) / (len(row) - 2) for row in evaluation]
    assert np.mean(places) == pytest.approx(0.5, abs=0.06)


def zip_rows(task: SyntheticTask, split: Split, count: int) -> list[tuple[list[int], list[int]]]:
    batch = task.batch(split, 0, 0, count)
    return list(zip(batch.inputs_BxT.tolist(), batch.targets_BxT.tolist(), strict=True))


@quick
@given(st.integers(4, 40), st.integers(1, 20), st.integers(1, 60), splits, numbers, numbers)
def test_copying_asks_for_the_content_in_order(vocabulary, copy, blanks, split, seed, index):
    task = SelectiveCopying(vocabulary=vocabulary, copy=copy, context=2 * copy + 1 + blanks)
    for tokens, targets in sequences(task, split, seed, index):
        before, after = tokens[: copy + blanks], tokens[copy + blanks + 1 :]
        content = [token for token in before if token < vocabulary - 2]
        assert before.count(vocabulary - 2) == blanks
        assert len(content) == copy
        assert before[-1] == content[-1], "the last content token touches the copy token"
        assert tokens[copy + blanks] == vocabulary - 1
        assert after == [vocabulary - 2] * copy
        assert targets == [IGNORED] * (copy + blanks + 1) + content


def test_copying_spreads_blanks_over_all_content_tokens():
    tokens_BxT = SelectiveCopying().batch("train", 0, 0, 500).inputs_BxT
    places_BxC = np.nonzero(tokens_BxT[:, :239] < 14)[1].reshape(500, 16)
    gaps_BxC = np.diff(places_BxC, axis=1, prepend=-1) - 1
    assert np.allclose(gaps_BxC.mean(0), 223 / 16, rtol=0.05)


@quick
@given(st.integers(3, 40), st.integers(2, 64), splits, numbers, numbers)
def test_compression_asks_for_every_input(vocabulary, context, split, seed, index):
    task = Compression(vocabulary=vocabulary, context=context)
    assert task.readout == "last"
    for tokens, targets in sequences(task, split, seed, index):
        assert targets == tokens
        assert tokens[-1] == vocabulary - 1
        assert max(tokens[:-1]) < vocabulary - 1


@quick
@given(st.integers(5, 300), half_contexts, numbers)
def test_memorization_has_one_map_for_all_splits_and_seeds(vocabulary, half, seed):
    task = Memorization(vocabulary=vocabulary, context=2 * half)
    value_of: dict[int, int] = {}
    streams: tuple[tuple[Split, int], ...] = (
        ("train", seed),
        ("train", seed + 1),
        ("validation", 0),
        ("sealed", 0),
    )
    for split, stream_seed in streams:
        for tokens, targets in sequences(task, split, stream_seed, 0):
            assert set(tokens[1::2]) == {vocabulary - 1}
            assert set(targets[0::2]) == {IGNORED}
            for key, value in zip(tokens[0::2], targets[1::2], strict=True):
                assert 0 <= key < (vocabulary - 1) // 2 <= value < vocabulary - 1
                assert value_of.setdefault(key, value) == value
    assert len(set(value_of.values())) == len(value_of), "no value belongs to two keys"


@st.composite
def mqar_tasks(draw: st.DrawFn) -> MQAR:
    pairs = draw(st.integers(1, 10))
    return MQAR(
        vocabulary=2 * (pairs + 1 + draw(st.integers(0, 40))),
        context=4 * pairs + 2 * draw(st.integers(0, 20)),
        pairs=pairs,
        power=draw(st.sampled_from([0.01, 0.5, 1.0])),
        random_fillers=draw(st.booleans()),
    )


@quick
@given(mqar_tasks(), splits, numbers, numbers)
def test_mqar_asks_each_key_once_at_even_slots(task, split, seed, index):
    half, shown = task.vocabulary // 2, 2 * task.pairs
    for tokens, targets in sequences(task, split, seed, index):
        keys, values = tokens[0:shown:2], tokens[1:shown:2]
        assert len(set(keys)) == len(set(values)) == task.pairs
        assert all(1 <= key < half for key in keys)
        assert all(half <= value < task.vocabulary for value in values)
        asked = [place for place, target in enumerate(targets) if target != IGNORED]
        assert all(place >= shown and place % 2 == 0 for place in asked)
        assert sorted(tokens[place] for place in asked) == sorted(keys)
        value_of = dict(zip(keys, values, strict=True))
        assert all(targets[place] == value_of[tokens[place]] for place in asked)
        if not task.random_fillers:
            others = set(range(shown, task.context)) - set(asked)
            assert all(tokens[place] == 0 for place in others)


def test_mqar_slots_follow_the_power_law():
    """The slots of the first pair and of all pairs, against NumPy's weighted choice without replacement."""
    task = MQAR(vocabulary=64, context=64, pairs=4, training_examples=None)
    batch = task.batch("train", 0, 0, 4_000)
    asked_BxT = batch.targets_BxT != IGNORED
    first_BxT = asked_BxT & (batch.inputs_BxT == batch.inputs_BxT[:, :1])
    slots = (task.context - 2 * task.pairs) // 2
    weights = np.arange(1, slots + 1) ** (task.power - 1)
    generator = np.random.default_rng(0)
    drawn = np.array([generator.choice(slots, 4, replace=False, p=weights / weights.sum()) for _ in range(4_000)])
    reference = np.bincount(drawn.ravel(), minlength=slots) / 4_000
    assert np.allclose(asked_BxT[:, 8::2].mean(0), reference, atol=0.045)
    assert np.allclose(first_BxT[:, 8::2].mean(0), weights / weights.sum(), atol=0.045)


def test_random_fillers_use_the_whole_vocabulary():
    task = MQAR(vocabulary=16, context=64, pairs=2, random_fillers=True)
    fillers_BxT = task.batch("train", 0, 0, 100).inputs_BxT[:, 5::2]
    counts_V = np.bincount(fillers_BxT.ravel(), minlength=16)
    assert counts_V.min() > 0.7 * counts_V.mean()


@quick
@given(st.integers(2, 12), st.integers(2, 64), splits, numbers, numbers)
def test_parity_asks_for_the_sum_so_far_and_counts_the_second_half(vocabulary, context, split, seed, index):
    task = Parity(vocabulary=vocabulary, context=context)
    for tokens, targets in sequences(task, split, seed, index):
        total, expected = 0, []
        for place, token in enumerate(tokens):
            assert 0 <= token < vocabulary
            total = (total + token) % vocabulary
            expected.append(total if split == "train" or place >= context // 2 else IGNORED)
        assert targets == expected


def test_parity_cannot_be_told_from_the_last_tokens():
    """The best table from the last tokens to an answer, fitted to the very sequences it is scored on, hardly wins."""
    batch = Parity(context=40).batch("train", 0, 0, 4_000)
    for window in (1, 4, 6):
        codes_B = batch.inputs_BxT[:, -window:] @ (1 << np.arange(window))
        ones_W = np.bincount(codes_B, weights=batch.targets_BxT[:, -1], minlength=1 << window)
        right = np.maximum(ones_W, np.bincount(codes_B, minlength=1 << window) - ones_W).sum()
        assert right / 4_000 < 0.57


@pytest.mark.parametrize(
    ("name", "percent"),
    [
        ("recall", 12.5),
        ("noisy_recall", 12.5),
        ("fuzzy_recall", 12.5),
        ("copying", 7.1),
        ("compression", 6.7),
        ("memorization", 0.8),
        ("mqar", 100 / 4096),
        ("parity", 50),
    ],
)
def test_chance_at_published_baselines(name, percent):
    task = PUBLISHED[name]
    assert 100 * task.chance_accuracy == pytest.approx(percent, abs=0.05)
    assert np.exp(-task.chance_loss) == pytest.approx(task.chance_accuracy)


@pytest.mark.parametrize("name", PUBLISHED)
def test_chance_is_what_guessing_among_occurring_answers_scores(name):
    task = PUBLISHED[name] if name != "mqar" else MQAR(vocabulary=64)
    targets_BxT = task.batch("validation", 0, 0, 1_000).targets_BxT
    if task.readout == "last":
        targets_BxT = targets_BxT[:, :-1]
    occurring = np.unique(targets_BxT[targets_BxT != IGNORED])
    assert 1 / len(occurring) == pytest.approx(task.chance_accuracy, rel=0.01)


def test_the_published_grid():
    counts = {task.name: len(task.published_settings()) for task in MAD}
    assert counts == {
        "recall": 11,
        "noisy_recall": 14,
        "fuzzy_recall": 11,
        "copying": 13,
        "compression": 11,
        "memorization": 6,
    }
    every = [setting for task in (*MAD, MQAR) for setting in task.published_settings()]
    assert len(set(every)) == len(every) == 66 + 3
    for setting in every:
        batch = setting.batch("train", 0, 0, 2)
        assert batch.inputs_BxT.shape == (2, setting.context)
        assert 0 <= batch.inputs_BxT.min() <= batch.inputs_BxT.max() < setting.vocabulary


@pytest.mark.parametrize(
    ("task", "wrong", "accepted"),
    [
        (InContextRecall, {"context": 7}, "even context"),
        (InContextRecall, {"vocabulary": 3}, "vocabulary >= 4"),
        (InContextRecall, {"training_examples": 0}, "training_examples > 0"),
        (NoisyRecall, {"vocabulary": 18}, "noise_vocabulary [+] 4"),
        (NoisyRecall, {"noise_fraction": 1.0}, "noise_fraction < 1"),
        (FuzzyRecall, {"context": 12}, "context > 4 motif"),
        (FuzzyRecall, {"vocabulary": 6}, "2 motif"),
        (SelectiveCopying, {"copy": 128}, "2 copy"),
        (Compression, {"vocabulary": 2}, "vocabulary >= 3"),
        (Memorization, {"vocabulary": 4}, "vocabulary >= 5"),
        (MQAR, {"pairs": 17}, "context >= 4 pairs"),
        (MQAR, {"vocabulary": 8}, "vocabulary / 2 > pairs"),
        (Parity, {"vocabulary": 1}, "vocabulary >= 2"),
        (Parity, {"context": 1}, "context >= 2"),
    ],
)
def test_settings_without_examples_are_refused(task, wrong, accepted):
    with pytest.raises(ValueError, match=accepted) as refusal:
        task(**wrong)
    assert "\n" not in str(refusal.value)
