"""The command line with a model behind a real server: what is stored, what a key never reaches, and a replay."""

from __future__ import annotations

import json
import sqlite3
from contextlib import nullcontext
from pathlib import Path
from random import Random

import pytest

from evolve import beginning
from evolve.cli import main
from runs.ledger import Ledger
from tests.evolve.landscape import Landscape
from tests.evolve.llm.scripted import analysis, good, useless
from tests.evolve.llm.servers import Asked, Reply, answer, serving_openai
from tests.evolve.llm.test_kills import COMPARED

KEY = "sk-never-to-be-seen-again"
FLAGS = ["--scale", "micro", "--task", "recall", "--generations", "4", "--population", "4", "--seed", "2"]


def replied(asked: Asked) -> Reply:
    turns = [turn for turn in asked.body["messages"] if turn["role"] != "system"]
    data = json.loads(turns[0]["content"][turns[0]["content"].index("{") :])
    if "results" in data:
        return answer(analysis(data))
    return answer((useless if len(turns) == 1 else good)(data, Random(asked.text)))


def content(directory: Path) -> list[list[tuple]]:
    with sqlite3.connect(directory / "search.db") as database:
        return [database.execute(query).fetchall() for query in COMPARED]


@pytest.fixture(autouse=True)
def _landscape(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training is a formula; everything else is the command's own."""
    monkeypatch.setattr(beginning, "workers", lambda prepared, logs: nullcontext(Landscape()))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def hidden(directory: Path, secret: str) -> bool:
    return all(secret.encode() not in file.read_bytes() for file in directory.rglob("*") if file.is_file())


def test_a_run_keeps_the_books_of_its_server_and_no_key_and_is_replayed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    with serving_openai(KEY) as server:
        server.otherwise = replied
        assert main(["run", *FLAGS, "--out", str(one), "--llm", f"openai:tiny@{server.url}"]) == 0
        told = capsys.readouterr().out
        assert f"language models: openai:tiny@{server.url}; up to 50% of a population; budget none" in told
        with Ledger.read(one) as ledger:
            calls = ledger.calls()
        assert {call.role for call in calls} == {"planner", "repairer", "analyst"}
        assert all(call.state == "answered" and call.outcome.cost == 0.0 for call in calls)
        used = server.usage
        assert sum(call.tokens or 0 for call in calls) == used.input + used.cached + used.output
        assert server.calls == len(calls)
    assert hidden(one, KEY)
    assert KEY not in told
    assert main(["run", *FLAGS, "--out", str(two), "--llm", f"replay:{one}"]) == 0
    assert "answers replayed, for free" in capsys.readouterr().out
    assert content(two) == content(one)
    assert main(["check", "--out", str(two)]) == 0


def test_a_password_in_an_address_is_not_stored_and_a_changed_budget_goes_on(tmp_path: Path) -> None:
    with serving_openai() as server:
        server.otherwise = replied
        spec = f"openai:tiny@{server.url.replace('//', '//someone:hidden-word@')}"
        start = ["run", *FLAGS, "--out", str(tmp_path), "--llm", spec]
        assert main([*start, "--llm-budget-calls", "2"]) == 0
        assert server.calls == 2
        assert main([*start, "--generations", "5", "--llm-budget-calls", "100"]) == 0
        assert server.calls > 2
        assert main([*start, "--generations", "5", "--llm-share", "0.9"]) == 2
        assert main(["run", *FLAGS, "--out", str(tmp_path)]) == 2
    assert hidden(tmp_path, "hidden-word")


def test_a_finished_search_says_so_without_its_key_its_server_and_its_recording(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    spec = "anthropic:tiny@http://someone:word@models.invalid"
    start = ["run", *FLAGS, "--llm-budget-calls", "0", "--out", str(one), "--llm"]
    replay = ["run", *FLAGS, "--out", str(two), "--llm", f"replay:{one}"]
    assert main([*start, spec]) == 0
    assert main(replay) == 0
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    one.rename(tmp_path / "moved")
    capsys.readouterr()
    assert main(replay) == 0
    assert "is finished: 4 generations" in capsys.readouterr().out
    (tmp_path / "moved").rename(one)
    before = content(one)
    assert main([*start, spec.replace("someone:word@", "")]) == 0
    told = capsys.readouterr().out
    assert "is finished: 4 generations" in told
    assert "every generation is finished, and none is asked" in told
    assert "language models: 0 calls" in told
    assert content(one) == before
    assert main([*start, spec.replace("someone:word@", ""), "--generations", "5"]) == 2
    assert "needs a key; set ANTHROPIC_API_KEY" in capsys.readouterr().err
    assert content(one) == before
    assert main(["run", *FLAGS, "--out", str(one), "--llm", "openai:other@http://localhost"]) == 2
    assert "another configuration" in capsys.readouterr().err


def test_without_models_a_search_says_that_it_is_purely_evolutionary(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["run", *FLAGS, "--out", str(tmp_path)]) == 0
    assert "purely evolutionary" in capsys.readouterr().out
    assert main(["llm", "--out", str(tmp_path)]) == 0
    assert "no language model was asked" in capsys.readouterr().out
    with sqlite3.connect(tmp_path / "search.db") as database:
        assert "llm" not in database.execute("SELECT configuration FROM runs").fetchone()[0]
