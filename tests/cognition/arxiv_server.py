"""An arXiv that answers on loopback: the Atom protocol with paging, papers' files, listings, and told faults."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from tests.loopback import listening

NAMESPACES = (
    'xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" '
    'xmlns:arxiv="http://arxiv.org/schemas/atom"'
)


@dataclass(frozen=True)
class Fault:
    """What one request gets instead of its answer: a status, an empty page, silence, half the answer, or a text."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    empty: bool = False
    total: int | None = None
    silent_seconds: float = 0.0
    cut: bool = False
    text: str = ""


@dataclass
class Arxiv:
    """Papers by id as entries of a feed, other files by their path, faults for the next requests in order, and what
    was asked so far."""

    entries: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    began: list[float] = field(default_factory=list)
    url: str = ""

    def add(self, identifier: str, title: str, abstract: str = "", **fields: str) -> None:
        self.entries[identifier] = entry(identifier, title, abstract, **fields)

    @property
    def site(self) -> str:
        return self.url.removesuffix("/api/query")

    def starts(self) -> list[int]:
        return [int(asked["start"]) for asked in self.asked]

    def answer(self, asked: dict[str, str], fault: Fault) -> str:
        if asked.get("search_query") == "bad":
            name = "<id>http://arxiv.org/api/errors#incorrect_query</id><title>Error</title>"
            return feed([f"<entry>{name}<summary>incorrect query</summary></entry>"], 1)
        wanted = [one for one in asked.get("id_list", "").split(",") if one]
        found = (
            [self.entries[one] for one in wanted if one in self.entries] if wanted else [*self.entries.values()]
        )
        start, count = int(asked["start"]), int(asked["max_results"])
        page = [] if fault.empty else found[start : start + count]
        return feed(page, len(found) if fault.total is None else fault.total)


def entry(identifier: str, title: str, abstract: str = "", *, comment: str = "", published: str = "") -> str:
    moment = published or "2024-01-02T03:04:05Z"
    return (
        f"<entry><id>http://arxiv.org/abs/{identifier}v2</id><title>{escape(title)}</title>"
        f"<updated>2024-02-03T03:04:05Z</updated><published>{moment}</published>"
        f"<summary>  {escape(abstract)}\n</summary><author><name>Ada Example</name></author>"
        f'<category term="cs.LG" scheme="http://arxiv.org/schemas/atom"/>'
        f"<arxiv:comment>{escape(comment)}</arxiv:comment></entry>"
    )


def feed(entries: Sequence[str], total: int) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<feed {NAMESPACES}><id>http://arxiv.org/api/x</id>'
        f"<title>ArXiv Query</title><opensearch:totalResults>{total}</opensearch:totalResults>"
        f"{''.join(entries)}</feed>\n"
    )


@contextmanager
def serving(arxiv: Arxiv) -> Iterator[Arxiv]:
    """Answer on a free port of 127.0.0.1; `arxiv.url` says where."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
            if self.path.startswith("/api/"):
                arxiv.asked.append(asked)
            else:
                arxiv.paths.append(self.path)
            arxiv.began.append(time.monotonic())
            fault = arxiv.faults.pop(0) if arxiv.faults else Fault()
            time.sleep(fault.silent_seconds)
            status = fault.status
            if self.path.startswith("/api/"):
                body = (fault.text or arxiv.answer(asked, fault)).encode()
            else:
                body = fault.text.encode() or arxiv.files.get(self.path, b"")
                status = 404 if not body and status == 200 else status
            try:
                self.send_response(status)
                for name, value in (*fault.headers, ("Content-Length", str(len(body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if fault.cut else body)
            except BrokenPipeError:
                self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            """Tests print nothing."""

    with listening(Handler) as address:
        arxiv.url = f"{address}/api/query"
        yield arxiv
