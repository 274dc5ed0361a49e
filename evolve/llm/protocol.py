"""What a provider of language-model answers is: one request in, one answer or one error out.

A provider does not retry, validate or keep books; whoever calls it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Fault = Literal["refused", "truncated", "overloaded", "limited", "denied", "timeout", "connection", "protocol"]
"""Why there is no answer: the model declined; the answer was cut off; the server has no capacity, limits the rate,
does not accept the key or the request; no answer in time; no connection; a response outside the protocol."""

RETRYABLE: frozenset[Fault] = frozenset({"overloaded", "limited", "connection", "protocol"})


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """One question. `stable` is the same text in many requests, which providers may cache.

    `schema` is the JSON schema of the answer and `name` a name for it; `most_tokens` bounds the answer. `grammar`
    is a narrower schema of the same answer, for providers that can force a model to follow it.
    """

    stable: str
    messages: tuple[Message, ...]
    schema: Mapping[str, Any]
    name: str
    most_tokens: int
    grammar: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. `cached` were read from the provider's cache, `written` put into it, `input` neither."""

    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of an answer, and what it took."""

    text: str
    usage: Usage


class ProviderError(Exception):
    """No answer: one line that says why and never holds a key. `usage` is what was paid nevertheless.

    `retry_after` is how many seconds the server asks to wait.
    """

    def __init__(
        self, fault: Fault, reason: str, usage: Usage | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(reason)
        self.fault: Fault = fault
        self.usage = usage or Usage()
        self.retry_after = retry_after


class Provider(Protocol):
    """One model behind one server, or in this process."""

    @property
    def name(self) -> str:
        """As the user named it, such as `anthropic:claude-sonnet-5-5`; without keys and passwords."""
        ...

    def ask(self, request: Request, deadline: float) -> Answer:
        """One call, once. Any number of threads may ask at the same time.

        `deadline` is a value of `time.monotonic()` after which nobody waits for the answer any more. Raises
        ProviderError, also when the deadline passes; it returns or raises within a second of it.
        """
        ...
