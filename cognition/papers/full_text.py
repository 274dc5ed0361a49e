"""Bringing the text of stored papers into the store: from arXiv's HTML, else the TeX source, else the PDF."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cognition.papers.archives import tex_files
from cognition.papers.errors import Garbled, NoText, NotThere
from cognition.papers.hypertext import read_html
from cognition.papers.portable import read_pdf
from cognition.papers.sections import kept_sections
from cognition.papers.tex import read_tex
from cognition.papers.transport import Transport
from cognition.store.records import Section
from cognition.store.store import CognitionStore

Sections = tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a paper: its address under arXiv's, how its files are named on the disk, how it is read."""

    address: str
    suffix: str
    read: Callable[[bytes], Sections]


FORMS: Mapping[str, Form] = {
    "html": Form("html/{}", "html", lambda content: kept_sections(read_html(content))),
    "source": Form("e-print/{}", "source", lambda content: kept_sections(read_tex(tex_files(content)))),
    "pdf": Form("pdf/{}", "pdf", lambda content: kept_sections(read_pdf(content))),
}
"""Every form by its name, the best first."""


@dataclass(frozen=True, slots=True)
class FullText:
    """What came of one paper: the form that was read ("" for none), its sections, and why other forms were not."""

    arxiv: str
    method: str
    sections: Sections
    reason: str


def ingest_texts(
    store: CognitionStore, transport: Transport, site: str, wanted: Sequence[str] = (), limit: int | None = None
) -> Iterator[FullText]:
    """Store the text of papers that have none, the newest first, or of the `wanted` arXiv ids.

    A paper of which no form can be read is refused, and asked for again only by its id. Yields after each paper
    is stored, at most `limit` times. Raises ArxivUnavailable and QueryError; what was stored before stays.
    """
    for arxiv in store.papers_without_text(wanted, limit):
        text = _full_text(transport, site, arxiv)
        store.put_text(arxiv, text.method, text.sections, text.reason)
        yield text


def _full_text(transport: Transport, site: str, arxiv: str) -> FullText:
    reasons = []
    for name, form in FORMS.items():
        try:
            url = f"{site}/{form.address.format(arxiv)}"
            sections, _ = transport.fetch(url, form.read, form.suffix, lambda found: True)
            return FullText(arxiv, name, sections, "; ".join(reasons))
        except NotThere:
            reasons.append(f"{name}: arXiv has none")
        except (NoText, Garbled) as error:
            reasons.append(f"{name}: {error}")
    return FullText(arxiv, "", (), "; ".join(reasons))
