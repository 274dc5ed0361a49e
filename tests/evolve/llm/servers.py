"""Servers of language models on loopback: two protocols, answers and faults as told, and the books of what was sent.

with serving_anthropic(key="sk-1") as server:
    server.replies += [limited(seconds=1), answer('{"edits": []}')]
    server.otherwise = lambda asked: answer(plan_for(asked.text))
    provider_of(f"anthropic:tiny@{server.url}", {"ANTHROPIC_API_KEY": "sk-1"})
    ...
assert server.calls == 2
assert server.usage == booked
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from evolve.llm.calling import added
from evolve.llm.faults import MOST_BYTES
from evolve.llm.protocol import Usage

Ending = Literal["whole", "cut", "refused", "paused"]

FAMILIAR = 5
"""Tokens of every prompt that the servers say they had in their caches, if the prompt is as long."""


@dataclass(frozen=True)
class Reply:
    """What one request gets.

    `text` is the model's and `ending` why it stopped; `status` other than 200 makes it the error's message; `body`
    stands for the whole response as it is. `silence` seconds pass before anything comes, `between_bytes` before every
    byte of the body (of the head too, with `slow_head`). `dropped` ends the connection in the middle; without `sized`
    the response's length is not told before, and its end is that of the connection.
    """

    text: str = ""
    ending: Ending = "whole"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    silence: float = 0.0
    between_bytes: float = 0.0
    slow_head: bool = False
    dropped: bool = False
    sized: bool = True

    @property
    def arrives(self) -> bool:
        """Whether a client can read it as an answer, so that its tokens are known on both sides."""
        odd = self.body is not None or self.dropped or self.between_bytes
        return not odd and len(self.text) <= MOST_BYTES // 2


def answer(text: str) -> Reply:
    """A whole answer."""
    return Reply(text)


def truncated(text: str) -> Reply:
    """An answer that ends at its most tokens."""
    return Reply(text, ending="cut")


def refusal() -> Reply:
    """The model declines."""
    return Reply("I cannot help with that.", ending="refused")


def failure(status: int, text: str = "the server is out of order", **headers: str) -> Reply:
    """An error by the protocol; headers with `_` for `-`."""
    return Reply(text, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def limited(seconds: float) -> Reply:
    """429 with Retry-After."""
    return failure(429, "too many requests", retry_after=f"{seconds:g}")


def overloaded() -> Reply:
    """529, Anthropic's status for no capacity."""
    return failure(529, "overloaded")


def garbled(body: bytes = b'{"half": ') -> Reply:
    """A response outside the protocol."""
    return Reply(body=body)


def paused() -> Reply:
    """An end that no structured answer has, whose tokens are paid."""
    return Reply("half a thought", ending="paused")


def huge(size: int = 10 * 2**20, sized: bool = True) -> Reply:
    """An answer of `size` bytes."""
    return Reply("x" * size, sized=sized)


def slow(between_bytes: float = 0.2, head: bool = False) -> Reply:
    """An answer whose bytes come one by one, `between_bytes` seconds apart."""
    return Reply('{"slow": true}', between_bytes=between_bytes, slow_head=head)


def silent(seconds: float) -> Reply:
    """Nothing for so long, then an answer."""
    return Reply('{"late": true}', silence=seconds)


def dropped() -> Reply:
    """A connection that ends in the middle of the response."""
    return Reply('{"half": true}', dropped=True)


@dataclass(frozen=True)
class Asked:
    """One request as it came; `text` is all of its system's and users' text."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    text: str


@dataclass
class ModelServer:
    """What a server answers, and its books: requests in order, and the tokens of every answer that arrived.

    `replies` are for the next requests in order, then `otherwise` is asked. A request without `key`, where there is
    one, gets 401 with the key that it sent in the message, as careless servers do.
    """

    key: str | None = field(default=None, repr=False)
    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    otherwise: Callable[[Asked], Reply] = field(default=lambda asked: answer("{}"))
    asked: list[Asked] = field(default_factory=list, repr=False)
    usage: Usage = field(default_factory=Usage)
    lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def calls(self) -> int:
        """How many requests came, whatever they got."""
        return len(self.asked)

    def reply_to(self, asked: Asked) -> Reply:
        """Note the request, and take what it gets."""
        sent = asked.headers.get("authorization", "")
        with self.lock:
            self.asked.append(asked)
            if self.key is not None and sent != f"Bearer {self.key}":
                return failure(401, f"incorrect key: {sent}")
            if self.replies:
                return self.replies.pop(0)
        return self.otherwise(asked)

    def book(self, usage: Usage) -> None:
        """Add an answer's tokens to what was sent."""
        with self.lock:
            self.usage = added(self.usage, usage)


def counted(asked: Asked, text: str) -> Usage:
    """A server's count: a token for each word of the prompt, at least one, and of the answer."""
    prompt = max(1, len(asked.text.split()))
    cached = FAMILIAR if prompt > FAMILIAR else 0
    return Usage(input=prompt - cached, cached=cached, output=len(text.split()))


@contextmanager
def serving_anthropic(key: str | None = None) -> Iterator[ModelServer]:
    """A server of the Messages API, without `/v1` in its address; written to its cache: 3 tokens of every prompt."""
    with _serving(ModelServer(key), "/v1/messages", _messages_text, _messages_body, "") as server:
        yield server


@contextmanager
def serving_openai(key: str | None = None) -> Iterator[ModelServer]:
    """A server of chat completions; its address ends in `/v1`."""
    with _serving(ModelServer(key), "/v1/chat/completions", _chat_text, _chat_body, "/v1") as server:
        yield server


def _messages_text(body: Mapping[str, Any]) -> str:
    system = body.get("system", [])
    return " ".join([*(block["text"] for block in system), *(turn["content"] for turn in body["messages"])])


def _messages_body(reply: Reply, usage: Usage) -> tuple[dict[str, Any], Usage]:
    if reply.status != 200:
        kind = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}
        error = {"type": kind.get(reply.status, "api_error"), "message": reply.text}
        return {"type": "error", "error": error}, Usage()
    written = min(3, usage.input)
    usage = replace(usage, input=usage.input - written, written=written)
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "tiny",
        "content": [{"type": "text", "text": reply.text}],
        "stop_reason": {"whole": "end_turn", "cut": "max_tokens", "refused": "refusal", "paused": "pause_turn"}[
            reply.ending
        ],
        "stop_sequence": None,
        "usage": {
            "input_tokens": usage.input,
            "cache_read_input_tokens": usage.cached,
            "cache_creation_input_tokens": usage.written,
            "output_tokens": usage.output,
        },
    }, usage


def _chat_text(body: Mapping[str, Any]) -> str:
    return " ".join(turn["content"] for turn in body["messages"])


def _chat_body(reply: Reply, usage: Usage) -> tuple[dict[str, Any], Usage]:
    if reply.status != 200:
        return {"error": {"type": "server_error", "message": reply.text}}, Usage()
    refused = reply.ending == "refused"
    message = {"content": None, "refusal": reply.text} if refused else {"content": reply.text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "tiny",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", **message},
                "finish_reason": {"cut": "length", "paused": "tool_calls"}.get(reply.ending, "stop"),
            }
        ],
        "usage": {
            "prompt_tokens": usage.input + usage.cached,
            "completion_tokens": usage.output,
            "prompt_tokens_details": {"cached_tokens": usage.cached},
        },
    }, usage


@contextmanager
def _serving(
    server: ModelServer,
    path: str,
    text_of: Callable[[Mapping[str, Any]], str],
    body_of: Callable[[Reply, Usage], tuple[dict[str, Any], Usage]],
    suffix: str,
) -> Iterator[ModelServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            read = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.path, headers, read, text_of(read))
            reply = failure(404, f"no {self.path}") if self.path != path else server.reply_to(asked)
            if server.closing.wait(reply.silence) and reply.silence:
                self.close_connection = True
                return
            told, usage = body_of(reply, counted(asked, reply.text))
            body = json.dumps(told).encode() if reply.body is None else reply.body
            head = [
                f"HTTP/1.1 {reply.status} Told",
                "Content-Type: application/json",
                f"Content-Length: {len(body)}" if reply.sized else "Connection: close",
                *(f"{name}: {value}" for name, value in reply.headers.items()),
            ]
            if reply.dropped:
                body = body[: len(body) // 2]
            self.close_connection = reply.dropped or not reply.sized
            # Before the last byte: whoever reads it may look at the books at once.
            if reply.arrives and not self.left():
                server.book(usage)
            with suppress(OSError):
                self.send("\r\n".join((*head, "\r\n")).encode(), reply.between_bytes if reply.slow_head else 0.0)
                self.send(body, reply.between_bytes)

        def left(self) -> bool:
            """Whether the client closed the connection while it waited."""
            try:
                return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            except OSError:
                return True

        def send(self, data: bytes, between_bytes: float) -> None:
            if not between_bytes:
                self.wfile.write(data)
                return
            for place in range(len(data)):
                if server.closing.wait(between_bytes):
                    self.close_connection = True
                    return
                self.wfile.write(data[place : place + 1])

        def log_message(self, format: str, *arguments: object) -> None:
            """Tests print nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that went away is what tests are about."""

    listening = Quiet(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{listening.server_address[1]}{suffix}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        listening.shutdown()
        listening.server_close()
        thread.join()
