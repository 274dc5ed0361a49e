"""Providers behind servers: two protocols sit one exam, against servers on loopback that speak them."""

from __future__ import annotations

import gzip
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass

import pytest

from evolve.llm.protocol import Answer, Fault, Message, Provider, ProviderError, Request
from evolve.llm.specification import provider_of
from tests.evolve.llm.servers import (
    ModelServer,
    Reply,
    answer,
    dropped,
    failure,
    garbled,
    huge,
    limited,
    overloaded,
    paused,
    refusal,
    serving_anthropic,
    serving_openai,
    silent,
    slow,
    truncated,
)

KEY = "sk-key-that-nobody-may-see-1234567890"
SCHEMA = {
    "type": "object",
    "properties": {"count": {"type": "integer", "minimum": 1, "maximum": 9}},
    "required": ["count"],
    "additionalProperties": False,
}
SERVERS: dict[str, Callable[..., AbstractContextManager[ModelServer]]] = {
    "anthropic": serving_anthropic,
    "openai": serving_openai,
}


def request(stable: str = "Rules that are always the same, in nine words.", text: str = "How many?") -> Request:
    turns = (Message("user", text), Message("assistant", "Of what?"), Message("user", "Of the layers."))
    return Request(stable, turns, SCHEMA, "count", 256)


@dataclass(frozen=True)
class Examined:
    """A provider, and the server that it asks."""

    provider: Provider
    server: ModelServer

    def ask(self, *replies: Reply, seconds: float = 10.0) -> Answer:
        self.server.replies += replies
        return self.provider.ask(request(), time.monotonic() + seconds)

    def fault(self, *replies: Reply, seconds: float = 10.0) -> ProviderError:
        with pytest.raises(ProviderError) as caught:
            self.ask(*replies, seconds=seconds)
        return caught.value


def named(scheme: str, url: str, key: str = KEY) -> Provider:
    return provider_of(f"{scheme}:tiny@{url}", {"ANTHROPIC_API_KEY": key, "OPENAI_API_KEY": key})


@pytest.fixture(params=list(SERVERS))
def examined(request: pytest.FixtureRequest) -> Iterator[Examined]:
    with SERVERS[request.param](KEY) as server:
        yield Examined(named(request.param, server.url), server)


def test_an_answer_arrives_whole_with_the_usage_that_the_server_booked(examined: Examined) -> None:
    got = examined.ask(answer('{"count": 3}'))
    assert got.text == '{"count": 3}'
    assert got.usage == examined.server.usage
    assert got.usage.output == 2
    assert got.usage.cached > 0
    assert examined.server.asked[0].text.endswith("Of the layers.")


def test_text_that_is_no_json_is_an_answer_for_the_caller_to_judge(examined: Examined) -> None:
    assert examined.ask(answer("half {")).text == "half {"


@pytest.mark.parametrize(
    ("reply", "fault", "says"),
    [
        (truncated('{"cou'), "truncated", "most tokens"),
        (refusal(), "refused", "refused"),
        (paused(), "protocol", "unknown reason"),
        (limited(7), "limited", "too many requests"),
        (overloaded(), "overloaded", "529"),
        (failure(500), "overloaded", "out of order"),
        (failure(400, "no such\nfield"), "denied", "no such field"),
        (failure(404, "no such model"), "denied", "no such model"),
        (failure(307, location="http://127.0.0.1:9/"), "denied", "another address"),
        (garbled(), "protocol", "no JSON"),
        (garbled(b"[" * 100_000), "protocol", "no JSON"),
        (garbled(b"[]"), "protocol", "no JSON object"),
        (garbled(b"{}"), "protocol", ""),
        (
            garbled(b'{"usage": 7, "content": 7, "choices": [7], "stop_reason": "end_turn"}'),
            "protocol",
            "holds no",
        ),
        (dropped(), "connection", ""),
        (huge(), "protocol", "longer than"),
        (huge(sized=False), "protocol", "longer than"),
    ],
    ids=lambda value: f"{value.ending}-{value.status}" if isinstance(value, Reply) else None,
)
def test_each_fault_is_named_with_its_reason_and_what_was_paid(
    examined: Examined, reply: Reply, fault: Fault, says: str
) -> None:
    error = examined.fault(reply)
    assert error.fault == fault
    assert says in str(error)
    assert len(str(error).splitlines()) == 1
    assert error.usage == examined.server.usage
    assert error.retry_after == (7 if fault == "limited" else None)
    assert_secret(error)


def test_a_key_that_the_server_does_not_know_is_denied_and_shown_nowhere(examined: Examined) -> None:
    examined.server.key = "another"
    error = examined.fault()
    assert error.fault == "denied"
    assert "incorrect key: Bearer ***" in str(error)
    assert_secret(error)


@pytest.mark.parametrize(
    "reply",
    [silent(30), slow(), slow(head=True), Reply("why", status=500, between_bytes=0.2)],
    ids=["silence", "slow body", "slow head", "slow error"],
)
def test_the_deadline_holds_whatever_the_server_does(examined: Examined, reply: Reply) -> None:
    began = time.monotonic()
    error = examined.fault(reply, seconds=0.6)
    assert 0.5 < time.monotonic() - began < 1.6
    assert error.fault == "timeout"
    assert_secret(error)


def test_a_deadline_that_passed_asks_nobody(examined: Examined) -> None:
    assert examined.fault(seconds=-1.0).fault == "timeout"
    assert examined.server.calls == 0


def test_a_call_that_was_given_up_leaves_no_thread(examined: Examined) -> None:
    for reply in (slow(), slow(head=True), silent(30)):
        examined.fault(reply, seconds=0.3)
    until = time.monotonic() + 3
    while _calling() and time.monotonic() < until:
        time.sleep(0.02)
    assert not _calling()


def test_many_threads_ask_at_the_same_time(examined: Examined) -> None:
    examined.server.otherwise = lambda asked: Reply('{"count": 1}', silence=0.5)
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(examined.ask())) for _ in range(8)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == examined.server.calls == 8
    assert sum(got.usage.output for got in answers) == examined.server.usage.output
    assert time.monotonic() - began < 8 * 0.5


@pytest.mark.parametrize("scheme", list(SERVERS))
def test_a_server_that_is_not_there_is_no_connection(scheme: str) -> None:
    with serving_openai() as server:
        url = server.url
    with pytest.raises(ProviderError) as caught:
        named(scheme, url).ask(request(), time.monotonic() + 5)
    assert caught.value.fault == "connection"
    assert url.removesuffix("/v1") in str(caught.value)
    assert_secret(caught.value)


@pytest.mark.parametrize("scheme", list(SERVERS))
def test_no_redirect_takes_the_key_to_another_server(scheme: str) -> None:
    with SERVERS[scheme](KEY) as first, SERVERS[scheme]() as second:
        for status in (301, 302, 303, 307, 308):
            first.replies.append(failure(status, location=second.url))
            with pytest.raises(ProviderError) as caught:
                named(scheme, first.url).ask(request(), time.monotonic() + 5)
            assert caught.value.fault == "denied"
        assert (first.calls, second.calls) == (5, 0)


@pytest.mark.parametrize("scheme", list(SERVERS))
def test_user_and_password_of_an_address_are_sent_and_never_shown(scheme: str) -> None:
    with SERVERS[scheme]() as server:
        provider = named(scheme, server.url.replace("//", "//ada:hidden%20word@"))
        assert provider.name == f"{scheme}:tiny@{server.url}"
        server.replies.append(failure(403, "ada may not: hidden word"))
        with pytest.raises(ProviderError) as caught:
            provider.ask(request(), time.monotonic() + 5)
        assert server.asked[0].headers["authorization"] == "Basic YWRhOmhpZGRlbiB3b3Jk"
    assert caught.value.fault == "denied"
    for text in _texts(caught.value):
        assert "hidden" not in text
        assert "YWRhOmhpZGRlbiB3b3Jk" not in text


@pytest.mark.parametrize("scheme", list(SERVERS))
def test_a_server_of_this_machine_needs_no_key(scheme: str) -> None:
    with SERVERS[scheme]() as server:
        server.replies.append(answer("{}"))
        assert provider_of(f"{scheme}:tiny@{server.url}", {}).ask(request(), time.monotonic() + 5).text == "{}"
        assert KEY not in str(server.asked[0].headers)


def test_a_response_that_could_unpack_to_any_size_is_not_unpacked() -> None:
    body = gzip.compress(b" " * 2**20)
    with serving_anthropic(KEY) as server:
        server.replies.append(Reply(body=body, headers={"Content-Encoding": "gzip"}))
        with pytest.raises(ProviderError, match="compressed") as caught:
            named("anthropic", server.url).ask(request(), time.monotonic() + 5)
    assert caught.value.fault == "protocol"
    assert server.asked[0].headers["accept-encoding"] == "identity"


def test_the_messages_api_is_asked_to_cache_the_stable_text_and_to_keep_to_the_schema() -> None:
    with serving_anthropic(KEY) as server:
        named("anthropic", server.url).ask(request(), time.monotonic() + 5)
    body = server.asked[0].body
    assert body["system"] == [
        {"type": "text", "text": request().stable, "cache_control": {"type": "ephemeral"}},
    ]
    assert body["max_tokens"] == 256
    sent = body["output_config"]["format"]
    assert sent["type"] == "json_schema"
    assert sent["schema"]["properties"]["count"]["type"] == "integer"
    assert sent["schema"]["additionalProperties"] is False


def test_chat_completions_are_asked_for_the_narrower_schema_without_its_patterns() -> None:
    counts = {"anyOf": [{"type": "string", "pattern": "^[1-2]$"}, {"enum": [1, 2]}]}
    narrow = {"type": "object", "properties": {"count": counts}, "required": ["count"]}
    with serving_openai(KEY) as server:
        provider = named("openai", server.url)
        provider.ask(request(), time.monotonic() + 5)
        asked = Request("", (Message("user", "How many?"),), SCHEMA, "count", 10, narrow)
        provider.ask(asked, time.monotonic() + 5)
    first, second = (one.body for one in server.asked)
    assert first["response_format"] == {"type": "json_schema", "json_schema": {"name": "count", "schema": SCHEMA}}
    assert [turn["role"] for turn in first["messages"]] == ["system", "user", "assistant", "user"]
    sent = {**narrow, "properties": {"count": {"anyOf": [{"type": "string"}, {"enum": [1, 2]}]}}}
    assert second["response_format"]["json_schema"]["schema"] == sent
    assert [turn["role"] for turn in second["messages"]] == ["user"]
    assert second["max_tokens"] == 10


def assert_secret(error: BaseException) -> None:
    """The key is in no text that the error can become, with its causes and all variables of its frames."""
    for text in _texts(error):
        assert KEY not in text


def _texts(error: BaseException) -> Iterator[str]:
    yield from (str(error), repr(error), repr(vars(error)))
    found = error
    while found is not None:
        yield "".join(traceback.TracebackException.from_exception(found, capture_locals=True).format())
        found = found.__cause__ or found.__context__


def _calling() -> list[threading.Thread]:
    with suppress(RuntimeError):
        return [thread for thread in threading.enumerate() if thread.name == "language model"]
    return []
