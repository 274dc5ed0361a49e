"""Tries of one request: what is tried again, how long it waits, and that every try's tokens are counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random

import pytest

from evolve.llm.calling import Patience, call
from evolve.llm.protocol import Answer, Message, ProviderError, Request, Usage
from evolve.llm.specification import provider_of
from tests.evolve.llm.servers import (
    ModelServer,
    Reply,
    answer,
    dropped,
    failure,
    garbled,
    limited,
    overloaded,
    paused,
    refusal,
    serving_openai,
    slow,
    truncated,
)

REQUEST = Request("Always the same rules.", (Message("user", "How many?"),), {"type": "object"}, "count", 64)
QUICK = Patience(tries=5, first=0.02, longest=0.05)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serving_openai() as server:
        yield server


def called(server: ModelServer, *replies: Reply, seconds: float = 10.0, patience: Patience = QUICK) -> Answer:
    server.replies += replies
    provider = provider_of(f"openai:tiny@{server.url}", {})
    return call(provider, REQUEST, time.monotonic() + seconds, Random(0), patience)


def failed(
    server: ModelServer, *replies: Reply, seconds: float = 10.0, patience: Patience = QUICK
) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        called(server, *replies, seconds=seconds, patience=patience)
    return caught.value


def test_an_answer_after_failures_carries_the_tokens_of_all_tries(server: ModelServer) -> None:
    got = called(server, overloaded(), paused(), dropped(), garbled(), answer("a whole answer"))
    assert got.text == "a whole answer"
    assert server.calls == 5
    assert got.usage == server.usage
    assert got.usage.output == len(["half", "a", "thought"]) + len(["a", "whole", "answer"])


def test_after_the_last_try_the_error_carries_the_tokens_of_all(server: ModelServer) -> None:
    error = failed(server, *[paused()] * 9)
    assert server.calls == 5
    assert error.fault == "protocol"
    assert error.usage == server.usage != Usage()


@pytest.mark.parametrize("reply", [refusal(), truncated("half"), failure(400)])
def test_what_would_fail_again_is_not_tried_again(server: ModelServer, reply: Reply) -> None:
    error = failed(server, reply)
    assert server.calls == 1
    assert error.usage == server.usage


def test_a_server_that_names_a_wait_gets_it(server: ModelServer) -> None:
    began = time.monotonic()
    called(server, limited(1), answer("{}"))
    assert 1.0 <= time.monotonic() - began < 3.0


def test_a_wait_beyond_the_deadline_is_not_begun(server: ModelServer) -> None:
    began = time.monotonic()
    error = failed(server, limited(60), answer("{}"), seconds=5)
    assert time.monotonic() - began < 2.0
    assert (error.fault, error.retry_after, server.calls) == ("limited", 60, 1)


def test_one_deadline_holds_for_all_tries(server: ModelServer) -> None:
    began = time.monotonic()
    error = failed(server, overloaded(), overloaded(), slow(), seconds=0.8)
    assert time.monotonic() - began < 1.8
    assert (error.fault, server.calls) == ("timeout", 3)


def test_waits_grow_and_are_drawn_from_the_generator_alone(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("evolve.llm.calling.time.sleep", waits.append)
    patience = Patience(tries=5, first=1.0, longest=4.0)
    for _ in range(2):
        failed(server, *[overloaded()] * 5, seconds=100.0, patience=patience)
    assert len(waits) == 8
    assert waits[:4] == waits[4:]
    for wait, longest in zip(waits, (1, 2, 4, 4), strict=False):
        assert longest / 2 <= wait <= longest
