"""Bringing arXiv's papers into the store, page by page; whatever stops it, the next run continues."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from cognition.papers.client import PAGE_SIZE, ArxivClient, Page
from cognition.papers.feed import Feed
from cognition.statements import Vocabulary, statements
from cognition.store.records import CognitionError, Paper, Refusal
from cognition.store.store import CognitionStore


@dataclass(frozen=True, slots=True)
class Ingested:
    """What one page brought: papers, how many relations they state, refused entries, the place reached."""

    papers: tuple[Paper, ...]
    relations: int
    refused: tuple[Refusal, ...]
    reached: int
    total: int
    from_disk: bool


def query_since(query: str, since: str) -> str:
    """A query restricted to papers first submitted on or after a day (YYYY-MM-DD, UTC).

    Raises CognitionError for another form. The filter is the API user's manual's submittedDate, to the minute.
    """
    try:
        day = date.fromisoformat(since)
    except ValueError:
        raise CognitionError(f"--since is {since!r}: a date such as 2024-01-31 is accepted") from None
    span = f"submittedDate:[{day:%Y%m%d}0000 TO 299912312359]"
    return f"({query}) AND {span}" if query else span


def ingest_query(
    store: CognitionStore, client: ArxivClient, query: str, limit: int | None, *, dry: bool = False
) -> Iterator[Ingested]:
    """Store the papers of a query, oldest first, from where the last run of this query stopped.

    `limit` is the number of entries in total over all runs of this query (None: all). With `dry` nothing
    is stored. Yields after each page is stored. Raises ArxivUnavailable and QueryError; what was stored before stays.
    """
    vocabulary = Vocabulary(store.names())
    reached = store.reached(query)
    while limit is None or reached < limit:
        size = PAGE_SIZE if limit is None else min(PAGE_SIZE, limit - reached)
        page = client.page(query, (), reached, size, _plausible_from(reached))
        if page.count == 0:
            return
        ingested = _take(store, vocabulary, query, page, reached, dry)
        yield ingested
        reached = ingested.reached
        # An answer from the disk may be old: only a fresh one says that this is the end.
        if reached >= page.total and not page.from_disk:
            return


def ingest_identifiers(
    store: CognitionStore, client: ArxivClient, wanted: Sequence[str], *, dry: bool = False
) -> Iterator[Ingested]:
    """Store the papers of these arXiv ids, but for those stored before; one that arXiv lacks is refused."""
    vocabulary = Vocabulary(store.names())
    done = store.stored_keys([f"arxiv:{one}" for one in wanted])
    left = [one for one in wanted if f"arxiv:{one}" not in done]
    for first in range(0, len(left), PAGE_SIZE):
        asked = left[first : first + PAGE_SIZE]
        page = client.page("", asked, 0, PAGE_SIZE, _plausible_identifiers)
        came = {paper.arxiv for paper in page.papers} | {name for name, _ in page.refused}
        # A refused entry without an id may be any of those that did not come; it is told by its own reason.
        missing = [(one, "arXiv has no paper of this id") for one in asked if one not in came]
        whole = Page(page.url, page.papers, (*page.refused, *missing), page.count, page.total, page.from_disk)
        yield _take(store, vocabulary, "", whole, 0, dry)


def _take(
    store: CognitionStore, vocabulary: Vocabulary, query: str, page: Page, start: int, dry: bool
) -> Ingested:
    """Store one page in one transaction, with the place reached if it is a query's."""
    found = {paper: statements(paper.title, paper.abstract, vocabulary) for paper in page.papers}
    refusals = tuple(
        Refusal(f"arxiv:{name}" if name else f"{page.url}#{number}", reason)
        for number, (name, reason) in enumerate(page.refused)
    )
    reached = start + page.count
    if not dry:
        store.add_papers(query, found, refusals, reached=reached if query else None, total=page.total)
    return Ingested(page.papers, sum(map(len, found.values())), refusals, reached, page.total, page.from_disk)


def _plausible_from(start: int) -> Callable[[Feed], str]:
    def plausible(feed: Feed) -> str:
        """An empty page is the end only where arXiv says that papers match, and no more than were seen."""
        if feed.count or 0 < feed.total <= start:
            return ""
        return f"an empty page at entry {start}, where arXiv says that {feed.total} papers match"

    return plausible


def _plausible_identifiers(feed: Feed) -> str:
    return "" if feed.count else "an empty page for ids, as arXiv answers when it is busy or has none of them"


def plain_query(written: str) -> str:
    """A query with single spaces, as the store remembers it. Raises CognitionError for an empty one."""
    query = " ".join(re.split(r"\s+", written.strip()))
    if not query:
        raise CognitionError("the query is empty; write one such as: cat:cs.LG AND abs:attention")
    return query
