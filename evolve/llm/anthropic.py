"""Answers by the Messages API of Anthropic, or of another server that speaks it, through the `anthropic` package."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from evolve.llm.endpoint import Endpoint, endpoint_of
from evolve.llm.faults import MOST_BYTES, read_object, reason, status_error, tokens, too_long, unusable
from evolve.llm.protocol import Answer, Fault, ProviderError, Request, Usage
from evolve.llm.schemas import messages_schema
from evolve.llm.timing import late, within

if TYPE_CHECKING:
    import httpx2

ADDRESS = "https://api.anthropic.com"

_STOPPED: dict[str, tuple[Fault, str]] = {
    "refusal": ("refused", "the model refused"),
    "max_tokens": ("truncated", "the answer was cut off at its most tokens"),
    "model_context_window_exceeded": ("truncated", "the answer was cut off at the end of the model's context"),
}


@dataclass(frozen=True, slots=True)
class AnthropicProvider:
    """One model of one server. `key` is None for a server that asks for none.

    User and password of the address, where it has them, are sent instead of the key.
    """

    name: str
    model: str
    endpoint: Endpoint = field(default_factory=lambda: endpoint_of(ADDRESS))
    key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        try:
            # It takes seconds: not out of the first call's time.
            importlib.import_module("anthropic")
        except ImportError:
            raise ValueError(
                f"{self.name} needs the package anthropic; install it with: pip install 'archevolve[llm]'"
            ) from None

    def ask(self, request: Request, deadline: float) -> Answer:
        """One call, once; see `Provider.ask`. The stable text is cached for five minutes (`cache_control`).

        The schema goes as `output_config`, changed as `messages_schema` says. Of a call that ends without a whole
        response, no usage is known.
        """
        import anthropic

        http = anthropic.DefaultHttpxClient(
            follow_redirects=False, event_hooks={"response": [lambda response: _bound(response, deadline)]}
        )

        def call() -> Answer:
            try:
                return self._called(http, request, deadline)
            except anthropic.APIStatusError as error:
                # The bounded body was read: APIStatusError is raised from it.
                found = status_error(
                    error.status_code, error.response.headers, error.response.content, self._secrets
                )
            except anthropic.APITimeoutError:
                found = late()
            except anthropic.APIConnectionError as error:
                cause = error.__cause__
                found = cause if isinstance(cause, ProviderError) else self._unconnected(cause or error)
            except anthropic.AnthropicError as error:
                found = ProviderError("protocol", reason(f"{type(error).__name__}: {error}", self._secrets))
            raise found

        return within(deadline, call, http.close)

    def _called(self, http: httpx2.Client, request: Request, deadline: float) -> Answer:
        import anthropic

        try:
            schema = messages_schema(request.schema)
        except ValueError as error:
            raise ProviderError("denied", reason(str(error), ())) from None
        client = anthropic.Anthropic(
            api_key=self.key or "none",
            base_url=self.endpoint.url.removesuffix("/v1"),
            # Few bytes can unpack to very many.
            default_headers={
                "Accept-Encoding": "identity",
                **({"Authorization": self.endpoint.basic} if self.endpoint.basic else {}),
            },
            max_retries=0,
            timeout=max(0.001, deadline - time.monotonic()),
            http_client=http,
        )
        turns = cast(
            "list[anthropic.types.MessageParam]",
            [{"role": message.role, "content": message.text} for message in request.messages],
        )
        stable: list[anthropic.types.TextBlockParam] = [
            {"type": "text", "text": request.stable, "cache_control": {"type": "ephemeral"}}
        ]
        response = client.messages.with_raw_response.create(
            model=self.model,
            max_tokens=request.most_tokens,
            system=stable if request.stable else anthropic.omit,
            messages=turns,
            output_config={"format": {"type": "json_schema", "schema": schema}},
        )
        return _answer(read_object(response.http_response.content), self._secrets)

    def _unconnected(self, cause: BaseException) -> ProviderError:
        return ProviderError(
            "connection",
            reason(f"no connection to {self.endpoint.url}: {cause or type(cause).__name__}", self._secrets),
        )

    @property
    def _secrets(self) -> tuple[str, ...]:
        return (*self.endpoint.secrets, *((self.key,) if self.key else ()))


def _answer(response: dict[str, Any], secrets: tuple[str, ...]) -> Answer:
    counts = response.get("usage")
    usage = Usage(
        input=tokens(counts, "input_tokens"),
        cached=tokens(counts, "cache_read_input_tokens"),
        written=tokens(counts, "cache_creation_input_tokens"),
        output=tokens(counts, "output_tokens"),
    )
    stopped = str(response.get("stop_reason"))
    if stopped in _STOPPED:
        raise unusable(*_STOPPED[stopped], usage)
    if stopped not in ("end_turn", "stop_sequence"):
        raise unusable("protocol", f"the response stopped for an unknown reason: {stopped}", usage, secrets)
    blocks = response.get("content")
    texts = [
        block["text"]
        for block in (blocks if isinstance(blocks, list) else [])
        if isinstance(block, dict) and block.get("type") == "text" and isinstance(block.get("text"), str)
    ]
    if not texts:
        raise unusable("protocol", "the response holds no text", usage)
    return Answer("".join(texts), usage)


def _bound(response: httpx2.Response, deadline: float) -> None:
    """Have a response's body end in an error at `deadline` and where it is too long, before all of it is read."""
    import httpx2

    if response.headers.get("content-encoding", "identity") != "identity":
        raise ProviderError("protocol", "the response is compressed, which was not asked for")
    with suppress(ValueError):
        if int(response.headers.get("content-length", "0")) > MOST_BYTES:
            raise too_long()
    received = response.stream
    assert isinstance(received, httpx2.SyncByteStream)

    class Bounded(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            length = 0
            for part in received:
                length += len(part)
                if length > MOST_BYTES:
                    raise too_long()
                if time.monotonic() > deadline:
                    raise late()
                yield part

        def close(self) -> None:
            received.close()

    response.stream = Bounded()
