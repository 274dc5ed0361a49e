"""Answers by chat completions, the protocol of OpenAI that vLLM, llama.cpp, Ollama, LM Studio and mlx-lm speak."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from evolve.llm.endpoint import Endpoint
from evolve.llm.faults import MOST_BYTES, read_object, reason, status_error, tokens, too_long, unusable
from evolve.llm.protocol import Answer, Fault, ProviderError, Request, Usage
from evolve.llm.timing import late, within

OPENAI_HOST = "api.openai.com"

_STOPPED: dict[str, tuple[Fault, str]] = {
    "content_filter": ("refused", "the server's filter refused the answer"),
    "length": ("truncated", "the answer was cut off at its most tokens or at the end of the model's context"),
}


@dataclass(frozen=True, slots=True)
class OpenAIProvider:
    """One model of one server, asked over plain HTTP or HTTPS; proxies are not used, redirects are not followed.

    An address without a path means its `/v1`. User and password of the address are sent instead of the key.
    """

    name: str
    model: str
    endpoint: Endpoint
    key: str | None = field(default=None, repr=False)

    def ask(self, request: Request, deadline: float) -> Answer:
        """One call, once; see `Provider.ask`. The request's grammar, else its schema, goes as `response_format`.

        Patterns of the grammar do not go: servers read them by rules of their own, or refuse them.
        """
        # The connection forgets its socket when it hands it to a response.
        sockets: list[socket.socket] = []

        def call() -> Answer:
            connection = self._connection(deadline)
            try:
                connection.connect()
                sockets.append(connection.sock)
                return self._called(connection, request, deadline)
            except TimeoutError:
                raise late() from None
            except (OSError, UnicodeError, http.client.HTTPException) as error:
                if time.monotonic() > deadline:
                    raise late() from None
                told = f"no answer from {self.endpoint.url}: {str(error) or type(error).__name__}"
                raise ProviderError("connection", reason(told, self._secrets)) from None
            finally:
                connection.close()

        return within(deadline, call, lambda: _end(sockets))

    def _connection(self, deadline: float) -> http.client.HTTPConnection:
        timeout = max(0.001, deadline - time.monotonic())
        host, port = self.endpoint.host, self.endpoint.port
        if self.endpoint.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=timeout)
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl.create_default_context())

    def _called(self, connection: http.client.HTTPConnection, request: Request, deadline: float) -> Answer:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Connection": "close"}
        if credentials := self.endpoint.basic or (f"Bearer {self.key}" if self.key else None):
            headers["Authorization"] = credentials
        path = f"{self.endpoint.path or '/v1'}/chat/completions"
        connection.request("POST", path, json.dumps(self._body(request)).encode(), headers)
        with connection.getresponse() as response:
            body = _read(response, deadline)
        if response.status != 200:
            told = {name.lower(): value for name, value in response.getheaders()}
            raise status_error(response.status, told, body, self._secrets)
        return _answer(read_object(body), self._secrets)

    def _body(self, request: Request) -> dict[str, Any]:
        stable = [{"role": "system", "content": request.stable}] if request.stable else []
        turns = [{"role": message.role, "content": message.text} for message in request.messages]
        # OpenAI's own server has renamed it; others know the old name.
        most = "max_completion_tokens" if self.endpoint.host == OPENAI_HOST else "max_tokens"
        schema = request.schema if request.grammar is None else _without_patterns(request.grammar)
        return {
            "model": self.model,
            "messages": [*stable, *turns],
            most: request.most_tokens,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": request.name, "schema": schema},
            },
        }

    @property
    def _secrets(self) -> tuple[str, ...]:
        return (*self.endpoint.secrets, *((self.key,) if self.key else ()))


def _without_patterns(schema: Any) -> Any:
    if isinstance(schema, Mapping):
        return {name: _without_patterns(part) for name, part in schema.items() if name != "pattern"}
    return [_without_patterns(part) for part in schema] if isinstance(schema, list) else schema


def _read(response: http.client.HTTPResponse, deadline: float) -> bytes:
    """The body, up to MOST_BYTES. Raises ProviderError for a longer or later one, OSError for half of one."""
    if (response.length or 0) > MOST_BYTES:
        raise too_long()
    body = bytearray()
    while part := response.read1(2**16):
        body += part
        if len(body) > MOST_BYTES:
            raise too_long()
        if time.monotonic() > deadline:
            raise late()
    if response.length:
        raise ConnectionError("the connection closed in the middle of the response")
    return bytes(body)


def _answer(response: dict[str, Any], secrets: tuple[str, ...]) -> Answer:
    counts = response.get("usage")
    details = counts.get("prompt_tokens_details") if isinstance(counts, dict) else None
    cached = tokens(details, "cached_tokens")
    usage = Usage(
        input=max(0, tokens(counts, "prompt_tokens") - cached),
        cached=cached,
        output=tokens(counts, "completion_tokens"),
    )
    choices = response.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise unusable("protocol", "the response holds no message", usage)
    stopped = str(choice.get("finish_reason"))
    if message.get("refusal"):
        raise unusable("refused", f"the model refused: {message['refusal']}", usage, secrets)
    if stopped in _STOPPED:
        raise unusable(*_STOPPED[stopped], usage)
    if stopped != "stop":
        raise unusable("protocol", f"the response stopped for an unknown reason: {stopped}", usage, secrets)
    text = message.get("content")
    if not isinstance(text, str) or not text:
        raise unusable("protocol", "the response holds no text", usage)
    return Answer(text, usage)


def _end(sockets: list[socket.socket]) -> None:
    """Wake whoever reads from the sockets."""
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
