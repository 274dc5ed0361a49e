"""arXiv's Atom answers: how many papers match, which entries can be used, and why the others cannot.

The format: arXiv API user's manual, "Details of Atom Results Returned". Every entry is read by itself, so that a
broken one costs no other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from cognition.papers.errors import QueryError, UnreadableAnswer

IDENTIFIER = r"\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7}"

_ATOM = "{http://www.w3.org/2005/Atom}"
_TOTAL = "{http://a9.com/-/spec/opensearch/1.1/}totalResults"
_ENTRY = re.compile(rb"<entry[\s>]")
_LINK = re.compile(rf"/abs/(?P<id>{IDENTIFIER})(?:v(?P<version>\d+))?$")


@dataclass(frozen=True, slots=True)
class Feed:
    """One answer: `total` papers match the query; `usable` is a feed of the well-formed entries alone.

    `refused` are pairs of a name (an arXiv id, else "") and a reason. `count` is how many entries came.
    """

    total: int
    usable: bytes
    count: int
    refused: tuple[tuple[str, str], ...]


def read_feed(content: bytes) -> Feed:
    """Take an answer apart.

    Raises UnreadableAnswer for an answer that is not a whole feed, and QueryError with arXiv's reason where the
    answer is arXiv's error entry.
    """
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

    body = content.rstrip()
    if not body.endswith(b"</feed>"):
        start = " ".join(body[:60].decode("utf-8", "replace").split())
        raise UnreadableAnswer(f"the answer is no whole Atom feed; it begins with {start!r}")
    starts = [match.start() for match in _ENTRY.finditer(body)]
    end = len(body) - len(b"</feed>")
    head = body[: starts[0] if starts else end]
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(head + b"</feed>", parser)
        total = int(root.findtext(_TOTAL) or "")
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableAnswer(f"the answer's head cannot be read: {error}") from None
    refused: list[tuple[str, str]] = []
    usable = 0
    for begin, stop in pairwise([*starts, end]):
        name, reason, entry = _read_entry(head + body[begin:stop] + b"</feed>", etree, parser)
        if reason or entry is None:
            refused.append((name, reason))
        else:
            root.append(entry)
            usable += 1
    # The arxiv package asks for more while entries are missing; which page comes next is decided here.
    root.find(_TOTAL).text = str(usable)
    return Feed(total, etree.tostring(root), len(starts), tuple(refused))


def _read_entry(document: bytes, etree: Any, parser: Any) -> tuple[str, str, Any]:
    """An entry's arXiv id, why it cannot be used ("" if it can), and its element."""
    try:
        entry = etree.fromstring(document, parser).find(f"{_ATOM}entry")
    except etree.XMLSyntaxError as error:
        written = re.search(rf"/abs/({IDENTIFIER})(?:v\d+)?</id>", document.decode("utf-8", "replace"))
        return (written[1] if written else ""), f"not XML: {error}", None
    told = {name: (entry.findtext(f"{_ATOM}{name}") or "").strip() for name in ("id", "title", "summary")}
    if "/api/errors" in told["id"]:
        raise QueryError(f"arXiv refuses the query: {' '.join(told['summary'].split())}")
    link = _LINK.search(told["id"])
    if link is None:
        return "", f"its id {told['id']!r} is no arXiv paper" if told["id"] else "it has no id", None
    if not told["title"]:
        return link["id"], "it has no title", None
    for name in ("published", "updated"):
        written = (entry.findtext(f"{_ATOM}{name}") or "").strip()
        try:
            datetime.fromisoformat(written)
        except ValueError:
            return link["id"], f"{name} is {written!r}: a date and time is needed", None
    return link["id"], "", entry
