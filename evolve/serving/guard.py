"""Who may ask, and how often: the name of the host, a rate per client, a token. Pure ASGI; it reads no body."""

from __future__ import annotations

import hmac
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from math import ceil
from time import monotonic
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

BURST, PER_SECOND = 60.0, 20.0
"""Requests that a client may send at once, and those it gets back per second; the page sends one in two seconds."""

MOST_CLIENTS = 1024
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")

HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
"""On every answer: no other site shows or reads it, and no address with a token leaves as a referrer."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server on `host`, a name or an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass
class TokenBucket:
    """So many requests at once, and so many more per second (a token bucket)."""

    capacity: float
    per_second: float
    level: float = field(init=False)
    at: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.level = self.capacity

    def take(self, now: float) -> float:
        """Take one; 0.0 where there was one at the time `now`, else the seconds until there will be."""
        self.level = min(self.capacity, self.level + max(0.0, now - self.at) * self.per_second)
        self.at = now
        if self.level >= 1.0:
            self.level -= 1.0
            return 0.0
        return (1.0 - self.level) / self.per_second


class Guard:
    """Passes on what it lets through; answers the rest itself, in JSON.

    On loopback, `names` are what the Host header may be: a page of another site whose name was made to resolve to
    this machine (DNS rebinding) has its own name there. Elsewhere `names` is None and there is a token.
    """

    def __init__(self, inner: Application, names: tuple[str, ...] | None, token: str | None) -> None:
        self._inner, self._names, self._token = inner, names, token
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            # A client may ask for a web socket; there is none.
            return None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if self._names is not None and _host_name(headers.get("host", "")) not in self._names:
            return await _refuse(send, 403, f"this host is called {' or '.join(self._names)}")
        if seconds := self._bucket(scope).take(monotonic()):
            after = (b"retry-after", str(ceil(seconds)).encode())
            return await _refuse(send, 429, "too many requests", after)
        if self._token is not None and not _matches(self._token, headers, scope["query_string"]):
            challenge = (b"www-authenticate", b"Bearer")
            message = "the token that was printed at the start: ?token=TOKEN, or Authorization: Bearer TOKEN"
            return await _refuse(send, 401, message, challenge)

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *HEADERS]
            await send(message)

        return await self._inner(scope, receive, marked)

    def _bucket(self, scope: Scope) -> TokenBucket:
        client = (scope.get("client") or ("",))[0]
        bucket = self._buckets.pop(client, None) or TokenBucket(BURST, PER_SECOND)
        self._buckets[client] = bucket
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return bucket


def _host_name(header: str) -> str:
    """The name in a Host header, without the port and without the brackets of an IPv6 address."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


def _matches(token: str, headers: MutableMapping[str, str], query: bytes) -> bool:
    """Whether a request has the token, compared in a time that does not depend on where it differs."""
    kind, _, given = headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        given = parse_qs(query.decode("latin-1")).get("token", [""])[0]
    return hmac.compare_digest(given.encode(), token.encode())


async def _refuse(send: Send, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
    body = json.dumps({"detail": message}).encode()
    size = (b"content-length", str(len(body)).encode())
    kind = (b"content-type", b"application/json")
    await send({"type": "http.response.start", "status": status, "headers": [kind, size, *headers, *HEADERS]})
    await send({"type": "http.response.body", "body": body})
