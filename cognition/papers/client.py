"""Asking arXiv for a page of a query through the `arxiv` package, which writes the address and reads the entries."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cognition.papers.feed import IDENTIFIER, Feed
from cognition.papers.transport import Manners, Transport
from cognition.store.records import CognitionError, Paper

if TYPE_CHECKING:
    import arxiv

URL = "https://export.arxiv.org/api/query"
ENVIRONMENT = "EVOLVE_ARXIV_URL"
PAGE_SIZE = 100
PAUSE_SECONDS = 3.0
ARXIV_HOSTS = ("export.arxiv.org", "arxiv.org", "www.arxiv.org")

_WITHDRAWN_TEXT = re.compile(
    r"^\W*(?:withdrawn\b|(?:this|the) (?:paper|article|submission|manuscript|preprint|work|version)"
    r" (?:has been|was|is|is being) (?:\w+ )?withdrawn\b)",
    re.IGNORECASE,
)
_WITHDRAWN_COMMENT = re.compile(r"\bwithdrawn\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    """Papers of one answer, what of it cannot be used and why, how many entries came, how many papers match."""

    url: str
    papers: tuple[Paper, ...]
    refused: tuple[tuple[str, str], ...]
    count: int
    total: int
    from_disk: bool


class ArxivClient:
    """Pages of queries, oldest paper first, so that a page stays the same when papers are added.

    `url` is the address of arXiv's API, or of another server that speaks its protocol. Raises CognitionError
    without the package, and for a pause shorter than arXiv's terms allow.
    """

    def __init__(self, transport: Transport, url: str) -> None:
        try:
            import arxiv
        except ImportError:
            raise CognitionError(
                "reading arXiv needs the package arxiv; install it with: pip install 'archevolve[arxiv]'"
            ) from None
        be_polite(url, transport.manners)
        self._transport = transport
        self._plausible: Callable[[Feed], str] = lambda feed: ""
        self._answer: tuple[str, Feed, bool] | None = None
        self._client = arxiv.Client(page_size=PAGE_SIZE, delay_seconds=0, num_retries=0)
        self._client.query_url_format = url + "?{}"
        adapter = _adapter(self._serve)
        for scheme in ("http://", "https://"):
            self._client._session.mount(scheme, adapter)

    def page(
        self, query: str, identifiers: Sequence[str], start: int, size: int, plausible: Callable[[Feed], str]
    ) -> Page:
        """At most `size` entries from entry `start` (from 0); `plausible` and errors as in `Transport.page`."""
        import arxiv

        search = arxiv.Search(
            query=query,
            id_list=list(identifiers),
            max_results=None,
            sort_by=arxiv.SortCriterion.SubmittedDate,
            sort_order=arxiv.SortOrder.Ascending,
        )
        self._plausible = plausible
        self._client.page_size = size
        results = list(self._client.results(search, offset=start))
        if self._answer is None:
            raise AssertionError("the package asks for a page before it returns")
        url, feed, from_disk = self._answer
        papers = tuple(map(_paper, results))
        return Page(url, papers, feed.refused, feed.count, feed.total, from_disk)

    def _serve(self, url: str) -> bytes:
        feed, from_disk = self._transport.page(url, self._plausible)
        self._answer = url, feed, from_disk
        return feed.usable


def address(url: str | None) -> str:
    """The address to ask: `url`, else what EVOLVE_ARXIV_URL says, else arXiv's."""
    return url or os.environ.get(ENVIRONMENT) or URL


def be_polite(url: str, manners: Manners) -> None:
    """Raise CognitionError for a pause shorter than arXiv's terms allow, where `url` is arXiv's."""
    if urlsplit(url).hostname in ARXIV_HOSTS and manners.pause < PAUSE_SECONDS:
        raise CognitionError(f"a pause of {manners.pause:g} s: arXiv's terms ask for {PAUSE_SECONDS:g} s or more")


def pages_of(url: str) -> tuple[str, str]:
    """Where the papers and the listings of new ones are, for the address of an API.

    arXiv has hosts for each; another server has all of it in one place.
    """
    parts = urlsplit(url)
    if parts.hostname in ARXIV_HOSTS:
        return "https://arxiv.org", "https://rss.arxiv.org"
    own = f"{parts.scheme}://{parts.netloc}"
    return own, own


def identifiers(written: Sequence[str]) -> tuple[str, ...]:
    """arXiv ids without version suffixes, in order and once each.

    Raises CognitionError for one that is no arXiv id.
    """
    found = []
    for text in written:
        match = re.fullmatch(rf"(?:arxiv:)?({IDENTIFIER})(?:v\d+)?", text.strip(), re.IGNORECASE)
        if match is None:
            raise CognitionError(f"{text!r} is no arXiv id; accepted: 2312.06635, 2312.06635v2, cs/0112017")
        found.append(match[1])
    return tuple(dict.fromkeys(found))


def _adapter(serve: Callable[[str], bytes]) -> Any:
    """What answers the package's requests: pages that our transport has got."""
    import requests
    from requests.adapters import BaseAdapter

    class Served(BaseAdapter):
        def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            url = request.url or ""
            response = requests.Response()
            response.status_code, response.url, response.request = 200, url, request
            response.raw = io.BytesIO(serve(url))
            return response

        def close(self) -> None:
            """There is no connection to close."""

    return Served()


def _paper(result: arxiv.Result) -> Paper:
    identifier, _, version = result.get_short_id().rpartition("v")
    if not re.fullmatch(IDENTIFIER, identifier):
        identifier, version = result.get_short_id(), ""
    title, abstract, comment = (
        " ".join((text or "").split()) for text in (result.title, result.summary, result.comment)
    )
    told = _WITHDRAWN_TEXT.search(title) or _WITHDRAWN_TEXT.search(abstract) or _WITHDRAWN_COMMENT.search(comment)
    return Paper(
        arxiv=identifier,
        version=int(version) if version.isdigit() else None,
        title=title,
        year=result.published.year,
        abstract=abstract,
        authors=tuple(" ".join(author.name.split()) for author in result.authors),
        categories=tuple(result.categories),
        published=result.published.isoformat(),
        updated=result.updated.isoformat(),
        comment=comment,
        doi=result.doi or "",
        withdrawn=told is not None,
    )
