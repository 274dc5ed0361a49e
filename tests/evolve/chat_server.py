"""A server on loopback that speaks OpenAI's chat completions, and a provider that asks it once."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from evolve.llm.protocol import Answer, ProviderError, Request, Usage


@dataclass
class Chat:
    """What was asked, and who answers: a text, or a status for an error."""

    reply: Callable[[list[dict[str, str]]], str | int]
    asked: list[list[dict[str, str]]] = field(default_factory=list)
    url: str = ""

    @property
    def questions(self) -> list[str]:
        """The last message of each request."""
        return [messages[-1]["content"] for messages in self.asked]


@contextmanager
def chatting(chat: Chat) -> Iterator[Chat]:
    """Answer on a free port of 127.0.0.1; `chat.url` says where."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            chat.asked.append(asked["messages"])
            said = chat.reply(asked["messages"])
            choice = {"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
            if said == "(filtered)":
                choice = {"message": {"role": "assistant", "content": None}, "finish_reason": "content_filter"}
            body: Any = {"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 10}}
            data = json.dumps(body).encode()
            self.send_response(said if isinstance(said, int) else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    chat.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield chat
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class ChatProvider:
    """See `evolve.llm.protocol.Provider`."""

    url: str
    name: str = "chat:small"

    def ask(self, request: Request, deadline: float) -> Answer:
        messages = [{"role": "system", "content": request.stable}]
        messages += [{"role": message.role, "content": message.text} for message in request.messages]
        schema = {"name": request.name, "schema": request.schema}
        body = {
            "model": "small",
            "messages": messages,
            "max_tokens": request.most_tokens,
            "response_format": {"type": "json_schema", "json_schema": schema},
        }
        asked = urllib.request.Request(
            f"{self.url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=max(0.1, deadline - time.monotonic())) as answer:
                data = json.load(answer)
        except urllib.error.HTTPError as error:
            raise ProviderError("overloaded", f"status {error.code}") from None
        usage = Usage(input=data["usage"]["prompt_tokens"], output=data["usage"]["completion_tokens"])
        (choice,) = data["choices"]
        if choice["finish_reason"] != "stop":
            raise ProviderError("refused", "the model declines", usage)
        return Answer(choice["message"]["content"], usage)
