"""arXiv's daily listing of a category: RSS 2.0 with arXiv's own element for the kind of announcement."""

from __future__ import annotations

import re

from cognition.papers.errors import UnreadableAnswer
from cognition.papers.feed import IDENTIFIER
from cognition.papers.transport import Transport
from cognition.store.records import CognitionError

_ANNOUNCED = "{http://arxiv.org/schemas/atom}announce_type"
_NEW = ("new", "cross")
_CATEGORY = re.compile(r"[a-z-]{2,20}(?:\.[A-Za-z-]{2,20})?")


def new_papers(transport: Transport, site: str, category: str) -> tuple[str, ...]:
    """arXiv ids of the papers announced as new, or as new in this category, in the listing's order.

    The listing changes every day and is empty on days without announcements, so it is never kept. Raises
    CognitionError for what is no category, and what `Transport.fetch` raises.
    """
    if not _CATEGORY.fullmatch(category):
        raise CognitionError(f"{category!r} is no arXiv category; accepted: cs.LG, stat.ML, quant-ph and such")
    return transport.fetch(f"{site}/rss/{category}", read_listing, "rss", lambda found: False)[0]


def read_listing(content: bytes) -> tuple[str, ...]:
    """The ids of a listing; raises UnreadableAnswer for what is no whole one. Items without an id are passed over."""
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

    try:
        root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise UnreadableAnswer(f"the listing cannot be read: {error}") from None
    if root.tag != "rss" or root.find("channel") is None:
        raise UnreadableAnswer(f"the answer is no listing; it is <{root.tag}>")
    found = []
    for item in root.iter("item"):
        link = re.search(rf"/abs/({IDENTIFIER})(?:v\d+)?$", (item.findtext("link") or "").strip())
        if link is not None and (item.findtext(_ANNOUNCED) or "new").strip() in _NEW:
            found.append(link[1])
    return tuple(dict.fromkeys(found))
