"""From a model's answer to entries. The answer is data that may be anything: it is bounded, cleaned and never run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

MOST_ENTRIES = 6
MOST_ANSWER, MOST_SOURCE, MOST_LINE, MOST_NAME = 400_000, 20_000, 500, 64
"""Characters of an answer, of a source, of an insight and of a name."""

MOST_BUILT_ON = 12

ENTRY = ("name", "kind", "source", "insight", "triggers")


class AnswerError(ValueError):
    """An answer without readable entries."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One component as a model describes it; `fault` says why the entry cannot be read, or is empty."""

    name: str
    kind: str
    source: str
    insight: str
    triggers: str
    builds_on: tuple[str, ...] = ()
    fault: str = ""


def read_entries(answer: str) -> list[Entry]:
    """The entries of an answer, at most six; text around the JSON, such as a fence, is passed over.

    Raises AnswerError where there is no object with a list of components.
    """
    if len(answer) > MOST_ANSWER:
        raise AnswerError(f"the answer has {len(answer)} characters; up to {MOST_ANSWER} are read")
    start, stop = answer.find("{"), answer.rfind("}") + 1
    try:
        data = json.loads(answer[start:stop] if 0 <= start < stop else answer)
    except RecursionError:
        raise AnswerError("the answer is nested too deeply") from None
    except ValueError as error:
        raise AnswerError(f"the answer is not JSON: {error}") from None
    components = data.get("components") if isinstance(data, dict) else None
    if not isinstance(components, list):
        raise AnswerError('the answer is no object with a list "components"')
    return [_entry(one) for one in components[:MOST_ENTRIES]]


def _entry(data: Any) -> Entry:
    given = data if isinstance(data, dict) else {}
    texts = {field: given.get(field) for field in ENTRY}
    bad = [field for field, value in texts.items() if not isinstance(value, str)]
    built = given.get("builds_on", [])
    source = texts["source"] if isinstance(texts["source"], str) else ""
    fault = f"{', '.join(bad)}: text is needed" if bad else ""
    if len(source) > MOST_SOURCE:
        fault = f"the source has {len(source)} characters; up to {MOST_SOURCE} are accepted"
    return Entry(
        line(texts["name"], MOST_NAME),
        line(texts["kind"], MOST_NAME),
        clean(source[:MOST_SOURCE]),
        line(texts["insight"], MOST_LINE),
        line(texts["triggers"], MOST_LINE),
        tuple(line(one, MOST_NAME) for one in built[:MOST_BUILT_ON]) if isinstance(built, list) else (),
        fault,
    )


def line(value: Any, most: int) -> str:
    """One line of printable text, cut to a length; "" for what is no text."""
    return clean(" ".join(value.split()))[:most] if isinstance(value, str) else ""


def clean(text: str) -> str:
    """Text that can be stored and shown: line ends stay, control characters and lone surrogates go."""
    return "".join(c for c in text if c.isprintable() or c == "\n")
