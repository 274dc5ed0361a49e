"""One tiny structured call: whether a provider answers, how fast, and for how much."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from evolve.llm.protocol import Message, Provider, ProviderError, Request, Usage

SECONDS = 60.0
"""Until when the answer must be there."""

REQUEST = Request(
    stable="You answer with JSON.",
    messages=(Message("user", "Which operation adds two values? Answer with its name."),),
    schema={
        "type": "object",
        "properties": {"operation": {"type": "string", "enum": ["add", "multiply"]}},
        "required": ["operation"],
        "additionalProperties": False,
    },
    name="operation",
    most_tokens=1024,
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What the answer parsed to, the seconds it took and its tokens."""

    parsed: Any
    seconds: float
    usage: Usage


def trial(provider: Provider) -> Trial:
    """Ask `REQUEST`, once. Raises ValueError in one line where no answer comes, or one outside its schema."""
    began = time.monotonic()
    try:
        answer = provider.ask(REQUEST, began + SECONDS)
    except ProviderError as error:
        raise ValueError(f"{provider.name}: {error.fault}: {error}") from None
    seconds = time.monotonic() - began
    try:
        parsed = json.loads(answer.text)
    except (ValueError, RecursionError):
        raise ValueError(f"{provider.name}: the answer is no JSON: {answer.text[:80]!r}") from None
    if parsed not in ({"operation": "add"}, {"operation": "multiply"}):
        raise ValueError(f"{provider.name}: the answer does not follow the schema: {answer.text[:80]!r}")
    return Trial(parsed, seconds, answer.usage)
