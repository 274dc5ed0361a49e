"""`sample`: a prompt goes on with sampled text, the same for the same seed; what a user got wrong costs one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cognition.loader import load_architectures, load_library
from evaluators.tasks.corpus import CorpusError, read_corpus
from evolve.cli import main
from evolve.configuration import Configuration
from genome.recipe import recipe_hash
from runs import records
from runs.store import Store

VERSE = "the quick brown fox jumps over the lazy dog.\n"
MICRO = ["--scale", "micro", "--steps", "60"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "verse.txt"
    path.write_text(VERSE * 200)
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights") / "llama.safetensors"


@pytest.fixture
def sampled(capsys: pytest.CaptureFixture[str], corpus: Path, weights: Path):
    """Sample from a llama that is trained once; returns what is printed and what is told beside it."""

    def sample(*options: object) -> tuple[str, str]:
        arguments = ["sample", "llama", *MICRO, "--data", corpus, "--weights", weights, *options]
        assert main([str(argument) for argument in arguments]) == 0
        captured = capsys.readouterr()
        return captured.out, captured.err

    return sample


def test_a_prompt_goes_on_with_what_was_learned_and_nothing_is_trained_twice(sampled, weights: Path) -> None:
    text, told = sampled("--prompt", "the quick", "--tokens", 90, "--temperature", 0.2)
    assert text == (VERSE * 3)[: 9 + 90] + "\n"
    assert "validation loss" in told
    again, told = sampled("--prompt", "the quick", "--tokens", 90, "--temperature", 0.2)
    assert (again, told) == (text, "")
    assert [path.name for path in weights.parent.iterdir()] == [weights.name]


def test_the_seed_decides_what_is_drawn(sampled) -> None:
    hot = ("--prompt", "a", "--tokens", 60, "--temperature", 5)
    texts = [sampled(*hot, "--seed", seed)[0] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert all(text.startswith("a") and len(text) == 62 for text in texts)
    cold = [sampled("--prompt", "a", "--tokens", 9, "--temperature", 0, "--seed", seed)[0] for seed in (1, 2)]
    assert cold[0] == cold[1]


def test_a_prompt_longer_than_the_context_is_read_at_its_end(sampled) -> None:
    text, _ = sampled("--prompt", VERSE * 2 + "the qu", "--tokens", 8, "--temperature", 0)
    assert text == VERSE * 2 + "the quick brow\n"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--prompt", "das Üben: ä"], "no character 'Ü' ':' 'ä'"),
        (["--prompt", ""], "--prompt"),
        (["--prompt", "a", "--scale", "huge"], "--scale"),
        (["--prompt", "a", "--tokens", "0"], "--tokens"),
        (["--prompt", "a", "--temperature", "-1"], "--temperature"),
        (["--prompt", "a", "--data", "absent.txt"], "absent.txt"),
        (["--prompt", "a", "--weights", "absent/llama.safetensors"], "directory does not exist"),
        ([], "--prompt"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_before_anything_is_trained(
    capsys: pytest.CaptureFixture[str], corpus: Path, options: list[str], told: str
) -> None:
    assert main(["sample", "llama", "--data", str(corpus), *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert told in captured.err
    assert len(captured.err.strip().splitlines()) == 1


def test_weights_of_another_model_are_refused(
    capsys: pytest.CaptureFixture[str], sampled, corpus: Path, weights: Path
) -> None:
    sampled("--prompt", "a", "--tokens", 1)
    before = weights.read_bytes()
    given = ["--prompt", "a", *MICRO, "--data", str(corpus), "--weights", str(weights)]
    assert main(["sample", "gpt2", *given]) == 2
    assert "holds no array" in capsys.readouterr().err
    assert weights.read_bytes() == before


def test_an_attempt_is_trained_on_the_data_and_the_scale_of_its_search(
    capsys: pytest.CaptureFixture[str], corpus: Path, tmp_path: Path
) -> None:
    for tasks in (("text", "recall"), ("recall",)):
        directory = tmp_path / tasks[0]
        data = str(corpus) if "text" in tasks else None
        configuration = Configuration(task=tasks, data=data, scale="micro").stored()
        recipe = load_architectures()["llama"].recipe
        row = records.Recipe(recipe_hash(recipe, load_library()), recipe.json_text, "llama")
        about = {"name": "s", "seed": 0, "configuration": configuration, "version": "0", "generations": 1}
        with Store.create(directory, **about) as store:
            store.propose(1, [records.Proposal("seed", row, label="llama", parameters=1, state_bytes=1)], None)
    sample = ["sample", "1", "--prompt", "the", "--tokens", "20"]
    assert main([*sample, "--out", str(tmp_path / "text")]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("the")
    assert len(captured.out) == 24
    assert "context 32, batch 16, 20 steps" in captured.err
    assert main([*sample, "--prompt", "T", "--out", str(tmp_path / "text")]) == 2
    assert "no character 'T'" in capsys.readouterr().err
    assert main([*sample, "--out", str(tmp_path / "recall")]) == 2
    assert "has no text, only recall" in capsys.readouterr().err


@pytest.mark.parametrize("level", ["character", "byte"])
def test_a_corpus_reads_back_what_it_wrote(corpus: Path, level) -> None:
    read = read_corpus(corpus, level)
    assert read.decode(read.encode("lazy fox")) == "lazy fox"
    assert np.array_equal(read.encode(VERSE), read.ids_N[: len(VERSE)])
    if level == "character":
        with pytest.raises(CorpusError, match="no character 'L'"):
            read.encode("Lazy")
