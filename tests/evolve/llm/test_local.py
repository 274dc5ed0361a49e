"""A model in this process: random numbers that nevertheless answer by the schema, within their deadline."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cognition.loader import load_architectures, load_library
from evolve.cli import main
from evolve.llm.answers import parse_plan
from evolve.llm.planner import planner_request
from evolve.llm.protocol import Answer, Message, Provider, ProviderError, Request
from evolve.llm.specification import provider_of
from genome.edits import apply
from tests.evolve.llm.tiny_model import write_model

PROPERTIES: dict[str, Any] = {
    "component": {"enum": ["rms_norm", "attention", "hyena"]},
    "block": {"type": "integer", "minimum": 0, "maximum": 11},
    "why": {"type": "string", "maxLength": 20},
    "settings": {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 3},
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": PROPERTIES,
    "required": list(PROPERTIES),
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def provider(directory: Path) -> Provider:
    return provider_of(f"mlx:{directory}", {})


def ask(
    provider: Provider,
    text: str = "What next?",
    schema: dict[str, Any] = SCHEMA,
    grammar: dict[str, Any] | None = None,
    most_tokens: int = 300,
    seconds: float = 20.0,
) -> Answer:
    request = Request("The rules.", (Message("user", text),), schema, "next", most_tokens, grammar)
    return provider.ask(request, time.monotonic() + seconds)


def test_twenty_of_twenty_answers_follow_the_schema(provider: Provider) -> None:
    texts = set()
    for number in range(20):
        answer = ask(provider, f"Attempt {number}: what next?")
        found = json.loads(answer.text)
        assert set(found) == set(PROPERTIES)
        assert found["component"] in PROPERTIES["component"]["enum"]
        assert found["block"] in range(12)
        assert isinstance(found["why"], str)
        assert len(found["why"]) <= 20
        assert 1 <= len(found["settings"]) <= 3
        assert {type(setting) for setting in found["settings"]} == {bool}
        assert answer.usage.input == len(f"user: The rules.\n\nAttempt {number}: what next?\n")
        assert answer.usage.output >= len(answer.text)
        texts.add(answer.text)
    assert len(texts) > 10


def test_the_narrower_grammar_goes_before_the_schema(provider: Provider) -> None:
    narrow = {**SCHEMA, "properties": {**PROPERTIES, "component": {"const": "hyena"}, "block": {"const": 7}}}
    found = json.loads(ask(provider, grammar=narrow).text)
    assert (found["component"], found["block"]) == ("hyena", 7)


@pytest.mark.parametrize("invents", [False, True])
def test_what_random_numbers_propose_of_a_parent_applies(provider: Provider, invents: bool) -> None:
    library, architectures = load_library(), load_architectures()
    for name in ("llama", "griffin", "primer"):
        recipe = architectures[name].recipe
        request = planner_request(recipe, "", {"parent": name}, library, ["recall"], invents=invents)
        assert request.grammar is not None
        # Nothing of a motivation has to be right, and a random one is as long as it may be.
        short = {**request.grammar["properties"], "motivation": {"type": "string", "maxLength": 9}}
        answer = provider.ask(
            replace(request, grammar={**request.grammar, "properties": short}), time.monotonic() + 60
        )
        plan = parse_plan(answer.text)
        assert ("define_component" in {edit.kind for edit in plan.edits}) == invents
        assert apply(recipe, plan.edits, library).recipe != recipe


def test_the_same_request_gets_the_same_answer(provider: Provider) -> None:
    assert ask(provider) == ask(provider)
    assert ask(provider) != ask(provider, "And then?")


def test_an_answer_that_may_go_on_ends_where_the_model_ends_it(provider: Provider) -> None:
    number = ask(provider, schema={"type": "integer", "minimum": 1, "maximum": 99999999}).text
    assert number == str(int(number))


def test_a_cut_off_answer_is_truncated_and_counted(provider: Provider) -> None:
    with pytest.raises(ProviderError) as caught:
        ask(provider, most_tokens=5)
    assert caught.value.fault == "truncated"
    assert caught.value.usage.output == 5


def test_the_deadline_ends_an_answer_within_a_second(provider: Provider) -> None:
    began = time.monotonic()
    with pytest.raises(ProviderError) as caught:
        ask(provider, schema={"type": "string", "minLength": 20_000}, most_tokens=100_000, seconds=0.5)
    assert time.monotonic() - began < 1.5
    assert caught.value.fault == "timeout"
    assert caught.value.usage.input > 0
    assert json.loads(ask(provider).text)


def test_several_threads_get_their_answers_one_after_the_other(provider: Provider) -> None:
    alone = [ask(provider, f"Number {number}") for number in range(4)]
    together: dict[int, Answer] = {}

    def asked(number: int) -> None:
        together[number] = ask(provider, f"Number {number}")

    threads = [threading.Thread(target=asked, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[number] for number in range(4)] == alone


def test_a_schema_that_cannot_be_followed_is_denied(provider: Provider) -> None:
    with pytest.raises(ProviderError, match="cannot be followed") as caught:
        ask(provider, schema={"$ref": "#/$defs/absent"})
    assert caught.value.fault == "denied"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: (path / "config.json").write_text("{"), "cannot be used"),
        (lambda path: (path / "model.safetensors").unlink(), "cannot be used"),
        (lambda path: (path / "tokenizer.json").write_text("{}"), "cannot be used"),
        (lambda path: (path / "chat_template.jinja").unlink(), "no chat template"),
        (
            lambda path: (path / "config.json").write_text(
                json.dumps({**json.loads((path / "config.json").read_text()), "model_file": "own.py"})
            ),
            "custom module",
        ),
    ],
)
def test_a_directory_without_a_usable_model_is_refused_in_one_line(
    directory: Path, tmp_path: Path, spoil: Any, says: str
) -> None:
    spoilt = Path(shutil.copytree(directory, tmp_path / "spoilt"))
    (spoilt / "own.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')")
    spoil(spoilt)
    with pytest.raises(ValueError, match=says) as caught:
        provider_of(f"mlx:{spoilt}", {})
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "executed").exists()


def test_doctor_asks_a_local_model(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--llm", f"mlx:{directory}"]) == 0
    printed = capsys.readouterr().out
    assert "price: $0.000000" in printed
    assert 'answer: {"operation": "' in printed


def test_a_process_that_asked_ends_well(directory: Path) -> None:
    code = f"from evolve.cli import main; raise SystemExit(main(['doctor', '--llm', 'mlx:{directory}']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
