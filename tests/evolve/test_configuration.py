"""Configuration: flags over environment over file over defaults, and one clear line for what is not accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.scales import SCALES
from evolve.configuration import Configuration, ConfigurationError, configure
from evolve.session import SLOW_CPU, SLOW_GPU, deadline_seconds, prepare


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    file = tmp_path / "search.toml"
    file.write_text('population = 5\nseed = 5\nworkers = 5\ntask = ["recall"]\n')
    environment = {"EVOLVE_SEED": "6", "EVOLVE_WORKERS": "6", "PATH": "/bin"}
    configuration = configure({"workers": 7, "strategy": None}, file, environment)
    assert (configuration.population, configuration.seed, configuration.workers) == (5, 6, 7)
    assert configuration.task == ("recall",)
    assert configuration.strategy == Configuration().strategy


def test_variables_of_the_cognition_store_are_no_configuration() -> None:
    environment = {
        "EVOLVE_COGNITION": "a.db",
        "EVOLVE_ARXIV_URL": "http://127.0.0.1:1",
        "EVOLVE_LIBRARY": "learned",
    }
    assert configure({}, None, environment).library == "learned"


def test_a_search_of_before_there_were_learned_libraries_goes_on() -> None:
    stored = Configuration(library="published").stored()
    assert "library" not in stored
    assert Configuration.of_search(stored).library == "published"
    assert Configuration(library="learned").stored()["library"] == "learned"


def test_lists_may_be_written_with_commas() -> None:
    configuration = configure({"task": "text, recall", "objective": ["score", "state_bytes"]}, None, {})
    assert configuration.task == ("text", "recall")
    assert configuration.objective == ("score", "state_bytes")


def test_language_models_are_configured_like_everything_else(tmp_path: Path) -> None:
    file = tmp_path / "search.toml"
    file.write_text(
        'llm = ["openai:a@http://localhost:1", "openai:b@http://u:word@localhost:2"]\nllm_share = 0.25\n'
    )
    configuration = configure({"llm_budget_tokens": 9}, file, {"EVOLVE_STORE_PROMPTS": "false"})
    assert configuration.llm == ("openai:a@http://localhost:1", "openai:b@http://u:word@localhost:2")
    assert (configuration.llm_share, configuration.llm_budget_tokens) == (0.25, 9)
    assert configuration.store_prompts is False
    assert "word" not in str(configuration.stored())
    assert configure({}, None, {"EVOLVE_LLM": "openai:a@http://localhost:1, mlx:b"}).llm[1] == "mlx:b"
    assert not {"llm", "llm_share", "store_prompts"} & Configuration().stored().keys()


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ({"llm": ["mlx:a", "mlx:a"]}, "llm"),
        ({"llm_share": 0.0}, "llm_share"),
        ({"llm_deadline": 0.5}, "llm_deadline"),
        ({"llm_budget_usd": float("nan")}, "llm_budget_usd"),
        ({"llm_budget_calls": -1}, "llm_budget_calls"),
        ({"generations": 0}, "generations"),
        ({"population": 1}, "population"),
        ({"seed": -1}, "seed"),
        ({"workers": 0}, "workers"),
        ({"strategy": "bayesian"}, "strategy"),
        ({"task": "translation"}, "translation"),
        ({"task": ""}, "task"),
        ({"task": "text,text"}, "task"),
        ({"scale": "huge"}, "huge"),
        ({"library": "found"}, "library"),
        ({"objective": ["parameters"]}, "objective"),
        ({"learning_rate": 1.0}, "learning_rate"),
    ],
)
def test_a_bad_value_is_refused_in_one_line_that_names_it(flags: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        configure(flags, None, {})
    assert named in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["populaton = 5", "population = [", "[search]\nseed = 1"])
def test_a_file_with_unknown_keys_or_bad_syntax_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "search.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        configure({}, file, {})
    assert "\n" not in str(error.value)


def test_unknown_environment_variables_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="EVOLVE_POPULATON"):
        configure({}, None, {"EVOLVE_POPULATON": "3"})
    with pytest.raises(ConfigurationError, match=r"absent\.toml"):
        configure({}, tmp_path / "absent.toml", {})


def test_every_scale_has_time_for_its_training():
    """At half of what is slow: 20,000 tokens per second at `tiny`, 2,000 at `small`, 200,000 on a GPU at `125m`."""
    assert deadline_seconds(SCALES["tiny"], SLOW_CPU) > SCALES["tiny"].tokens / 10_000
    assert deadline_seconds(SCALES["small"], SLOW_CPU) > SCALES["small"].tokens / 1_000
    assert deadline_seconds(SCALES["125m"], SLOW_GPU) > SCALES["125m"].tokens / 100_000


def test_a_deterministic_search_is_refused_where_there_is_none() -> None:
    assert prepare(Configuration(deterministic=True, backend="jax", task=("recall",))).stored["deterministic"]
    with pytest.raises(ValueError, match="accepted with backend jax"):
        prepare(Configuration(deterministic=True, backend="mlx", task=("recall",)))
