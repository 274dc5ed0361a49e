"""Reading a corpus and cutting it into windows."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.batch import IGNORED
from evaluators.tasks.corpus import STANDARD_LIBRARY_BYTES, Corpus, CorpusError, read_corpus
from evaluators.tasks.registry import make_task
from evaluators.tasks.text import LanguageModelling


def counting_corpus(length: int) -> Corpus:
    """A stream in which each token differs from its neighbours and tells its place modulo 251."""
    return Corpus((np.arange(length) % 251).astype(np.uint8), None)


def written(folder: Path, text: str) -> Path:
    path = folder / "text.txt"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_the_nanogpt_split_of_tinyshakespeare(tmp_path):
    characters = [chr(33 + place) for place in range(65)]
    text = "".join(np.random.default_rng(0).choice(characters, size=1_115_394))
    corpus = read_corpus(written(tmp_path, text))
    task = LanguageModelling(corpus=corpus, context=64, sealed_fraction=0)
    assert task.vocabulary == 65
    assert task.split_sizes == {"train": 1_003_854, "validation": 111_540}
    assert task.chance_loss == pytest.approx(4.174, abs=0.001)
    with pytest.raises(ValueError, match="no sealed split"):
        task.batch("sealed", 0, 0, 1)
    halved = LanguageModelling(corpus=corpus, context=64)
    assert halved.split_sizes == {"train": 1_003_854, "validation": 55_771, "sealed": 55_769}


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1, max_size=400).filter(lambda text: "\0" not in text))
def test_character_ids_are_places_among_the_sorted_characters(tmp_path_factory, text):
    path = written(tmp_path_factory.mktemp("corpus"), text)
    alphabet = sorted(set(text))
    corpus = read_corpus(path, "character")
    assert corpus.ids_N.tolist() == [alphabet.index(character) for character in text]
    assert corpus.vocabulary == len(alphabet)
    assert corpus.decode(corpus.ids_N) == text
    in_bytes = read_corpus(path, "byte")
    assert in_bytes.ids_N.tolist() == list(text.encode())
    assert in_bytes.decode(in_bytes.ids_N) == text


def test_many_characters_are_read_as_bytes(tmp_path):
    few, many = ("".join(map(chr, range(300, 300 + count))) for count in (250, 251))
    assert read_corpus(written(tmp_path, few)).vocabulary == 250
    assert read_corpus(written(tmp_path, many)).vocabulary == 256
    assert read_corpus(written(tmp_path, many), "character").vocabulary == 251


@settings(max_examples=50, deadline=None)
@given(st.integers(200, 3_000), st.integers(1, 9), st.integers(1, 11), st.sampled_from(["validation", "sealed"]))
def test_evaluation_windows_cover_the_split(length, context, size, split):
    task = LanguageModelling(corpus=counting_corpus(length), context=context)
    batches = list(task.evaluation_batches(split, size))
    targets = np.concatenate([batch.targets_BxT.ravel() for batch in batches])
    inputs = np.concatenate([batch.inputs_BxT.ravel() for batch in batches])
    counted = targets != IGNORED
    start = length - task.split_sizes["sealed"]
    if split == "validation":
        start = task.split_sizes["train"]
    expected = np.arange(start, start + task.split_sizes[split]) % 251
    assert targets[counted].tolist() == expected[1:].tolist()
    assert inputs[counted].tolist() == expected[:-1].tolist()


def test_capped_windows_are_spread_evenly():
    corpus = counting_corpus(40_000)
    whole, capped = (LanguageModelling(corpus=corpus, context=16, evaluation_windows=cap) for cap in (None, 10))
    every = np.concatenate([batch.inputs_BxT for batch in whole.evaluation_batches("validation", 25)])
    (some,) = capped.evaluation_batches("validation", 10)
    # 1,999 tokens to predict in windows of 16 are 125 windows.
    chosen = [window * 125 // 10 for window in range(10)]
    assert np.array_equal(some.inputs_BxT, every[chosen])


def test_training_windows_reach_the_whole_training_split_and_nothing_else():
    task = LanguageModelling(corpus=counting_corpus(230), context=8)
    batches = [task.batch("train", 0, index, 64) for index in range(60)]
    inputs = np.concatenate([batch.inputs_BxT for batch in batches])
    targets = np.concatenate([batch.targets_BxT for batch in batches])
    assert np.array_equal(targets, inputs + 1)
    assert set(inputs[:, 0].tolist()) == set(range(207 - 8))
    assert not np.array_equal(task.batch("train", 0, 0, 64).inputs_BxT, task.batch("train", 1, 0, 64).inputs_BxT)


@pytest.mark.parametrize("multiple", [1, 64, 256])
def test_padding_the_vocabulary_leaves_chance_alone(multiple):
    corpus = Corpus(np.tile(np.arange(65, dtype=np.uint8), 20), tuple(map(chr, range(65))))
    task = LanguageModelling(corpus=corpus, context=8, vocabulary_multiple=multiple)
    assert task.vocabulary == {1: 65, 64: 128, 256: 256}[multiple]
    assert task.chance_accuracy == pytest.approx(1 / 65)


def test_a_folder_is_read_in_the_order_of_its_paths(tmp_path):
    for name, content in {
        "b.txt": b"second",
        "a/z.md": b"first",
        "c/empty.txt": b"",
        "c/picture.png": b"\x89PNG\0",
        "c/latin.txt": b"\xe9",
        ".git/config": b"hidden",
        "d.py": b"third",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    corpus = read_corpus(tmp_path)
    assert corpus.decode(corpus.ids_N) == "first\nsecond\nthird"


def test_without_data_the_standard_library_is_read():
    one, other = make_task("text", "tiny"), make_task("text", "tiny")
    assert one.identity == other.identity
    assert isinstance(one, LanguageModelling)
    assert 1_000_000 < sum(one.split_sizes.values()) <= STANDARD_LIBRARY_BYTES
    text = one.corpus.decode(one.corpus.ids_N[:200_000])
    assert "import " in text


def test_the_published_profile_has_the_published_context(tmp_path):
    path = written(tmp_path, "to be or not to be " * 1_000)
    assert make_task("text", "published", data=path).context == 256
    assert make_task("text", "tiny", data=path).context == 64
    assert make_task("text", "tiny", data=path, context=32).batch("train", 0, 0, 4).inputs_BxT.shape == (4, 32)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"abc\0def", "is not text"),
        (b"caf\xe9", "is not text"),
        (b"short", "too short"),
        (b"x" * 1_200, "60 for the validation split"),
    ],
)
def test_unusable_files_are_refused_in_one_line(tmp_path, content, reason):
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=reason) as refusal:
        make_task("text", "tiny", data=path)
    assert "\n" not in str(refusal.value)


def test_what_is_not_there_is_refused(tmp_path, monkeypatch):
    with pytest.raises(CorpusError, match="does not exist: give a UTF-8 text file, a folder"):
        read_corpus(tmp_path / "nowhere.txt")
    (tmp_path / "data.bin").write_bytes(b"\0\1")
    with pytest.raises(CorpusError, match="has no text files"):
        read_corpus(tmp_path)
    with pytest.raises(CorpusError, match="unknown level 'word': choose from auto, character, byte"):
        read_corpus(tmp_path, "word")  # pyright: ignore[reportArgumentType]
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(CorpusError, match="needs the package datasets, which is not installed"):
        read_corpus("hf:owner/name")


@pytest.mark.parametrize("wrong", [{"context": 0}, {"sealed_fraction": 0.2}, {"evaluation_windows": 0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LanguageModelling(corpus=counting_corpus(5_000), **wrong)


def test_a_dataset_folder_is_read(tmp_path):
    datasets = pytest.importorskip("datasets")
    saved = datasets.Dataset.from_dict({"label": [1, 2], "story": ["once upon", "a time"]})
    saved.save_to_disk(str(tmp_path / "plain"))
    datasets.DatasetDict({"test": saved}).save_to_disk(str(tmp_path / "splits"))
    plain = read_corpus(f"hf:{tmp_path / 'plain'}")
    assert plain.decode(plain.ids_N) == "once upon\na time"
    split = read_corpus(f"hf:{tmp_path / 'splits'}:test:story")
    assert split.digest == plain.digest
    for wrong in ("splits", "plain:train:missing", "nowhere"):
        with pytest.raises(CorpusError, match="cannot be loaded"):
            read_corpus(f"hf:{tmp_path / wrong}")
