"""A server on loopback that speaks OpenAI's chat completions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.loopback import listening


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

    with listening(Handler) as address:
        chat.url = f"{address}/v1"
        yield chat
