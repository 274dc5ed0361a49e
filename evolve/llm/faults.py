"""Faults of servers of language-model answers: what a status means, how long to wait, a reason without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from cognition.papers.transport import retry_after
from evolve.llm.endpoint import without_credentials
from evolve.llm.protocol import Fault, ProviderError, Usage

MOST_BYTES = 4 * 2**20
"""A longer response is not read: an answer of 100,000 tokens takes about half a megabyte."""

_LONGEST_REASON = 300


def fault_of(status: int) -> Fault:
    """What a status other than 200 means. 529 is "overloaded" in Anthropic's list of errors; others as RFC 9110."""
    if status == 429:
        return "limited"
    if status in (408, 409) or status >= 500:
        return "overloaded"
    return "denied" if 300 <= status < 500 else "protocol"


def status_error(status: int, headers: Mapping[str, str], body: bytes, secrets: Iterable[str]) -> ProviderError:
    """The error of a response whose status is not 200, with what its body and its Retry-After say."""
    if 300 <= status < 400:
        told = "the server sends us to another address, which is not followed: name the final one"
    else:
        told = _message(body) or "no reason given"
    wait = retry_after(headers.get("retry-after", "")) or None
    return ProviderError(fault_of(status), reason(f"status {status}: {told}", secrets), retry_after=wait)


def too_long() -> ProviderError:
    """The error of a response longer than MOST_BYTES."""
    return ProviderError("protocol", f"the response is longer than {MOST_BYTES:,} bytes")


def reason(text: str, secrets: Iterable[str]) -> str:
    """Text of a server as one printable line of at most 300 characters, each secret replaced by `***`."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    # A server may show only the ends of a key.
    text = re.sub(r"\bsk-[\w*.-]+", "***", without_credentials(text))
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}..."


def read_object(body: bytes) -> dict[str, Any]:
    """A response's JSON object. Raises ProviderError for anything else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise ProviderError("protocol", "the response is no JSON") from None
    if not isinstance(found, dict):
        raise ProviderError("protocol", "the response is no JSON object")
    return found


def tokens(counts: Any, name: str) -> int:
    """A count of a response's usage; 0 where it is absent or no count."""
    found = counts.get(name) if isinstance(counts, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0


def unusable(fault: Fault, text: str, usage: Usage, secrets: Iterable[str] = ()) -> ProviderError:
    """The error of a whole response that holds no usable answer; its tokens are paid."""
    return ProviderError(fault, reason(text, secrets), usage)


def _message(body: bytes) -> str:
    """The reason in an error's body: `error.message` by both protocols, else `error`, `message` or `detail`."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return body[:2000].decode("utf-8", "replace")
    if isinstance(found, dict):
        told = found.get("error") or found.get("message") or found.get("detail")
        return str(told.get("message", "")) if isinstance(told, dict) else str(told or "")
    return ""
