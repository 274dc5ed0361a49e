"""`cognition ingest`: reading arXiv into the store, abstracts page by page and texts paper by paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from evolve.commands.store_options import Store, opened
from evolve.display import console

if TYPE_CHECKING:
    from cognition.papers.full_text import FullText
    from cognition.papers.ingestion import Ingested

Got = TypeVar("Got")

TEXT_SECONDS = 120.0
"""Time for one text, which may be a file of many megabytes."""


def ingest(
    query: Annotated[
        str | None, typer.Option(help='An arXiv query, such as "cat:cs.LG AND abs:attention".')
    ] = None,
    ids: Annotated[list[str] | None, typer.Option(help="arXiv ids, separated by commas; may be repeated.")] = None,
    since: Annotated[str | None, typer.Option(help="Only papers first submitted on or after this day.")] = None,
    new: Annotated[
        str | None, typer.Option(help="The papers of today's listing of a category, such as cs.LG.")
    ] = None,
    full_text: Annotated[
        bool,
        typer.Option(
            "--full-text",
            help="Read the texts of stored papers without one, or of --ids: HTML, else TeX, else PDF.",
        ),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, help="Entries of the query in total, over all runs; with --full-text alone: texts of this run."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask and print, and store nothing.")] = False,
    url: Annotated[
        str | None, typer.Option(help="Another address of the API (default: EVOLVE_ARXIV_URL).")
    ] = None,
    pause: Annotated[
        float,
        typer.Option(min=0.0, help="Seconds between requests, and before a second try; arXiv's terms ask for 3."),
    ] = 3.0,
    store: Store = None,
) -> None:
    """Read papers from arXiv and store what they say about known components: abstracts, or texts with --full-text.

    Stop it at any moment; the same command continues, and asks for nothing twice.
    """
    from cognition.papers.client import ArxivClient, address, identifiers, pages_of
    from cognition.papers.full_text import ingest_texts
    from cognition.papers.ingestion import ingest_identifiers, ingest_query, plain_query, query_since
    from cognition.papers.listing import new_papers
    from cognition.papers.transport import Manners, Transport

    named = [bool(ids), bool(query or since), bool(new)]
    if sum(named) != 1 and not (full_text and not any(named)):
        raise ValueError(
            "say what to read: --ids, or --query and --since or one of them, or --new, or --full-text"
        )
    if limit is not None and (ids or new):
        raise ValueError("--limit goes with a query, or with --full-text alone; --ids and --new name the papers")
    if full_text and (query or since or new or dry_run):
        raise ValueError("--full-text goes with --ids or alone: read the abstracts first, then the texts")
    asked = identifiers([part for one in ids or () for part in one.replace(",", " ").split()])
    written = plain_query(query) if query is not None else ""
    written = written if since is None else query_since(written, since)
    where = address(url)
    papers, listings = pages_of(where)
    with opened(store) as known:
        directory = known.path.parent / f"{known.path.stem}.arxiv"
        transport = Transport(directory, Manners(pause=pause, backoff=pause))
        client = ArxivClient(transport, where)
        if new:
            asked = _come(lambda: new_papers(transport, listings, new), "nothing")
        if written:
            _abstracts(ingest_query(known, client, written, limit, dry=dry_run), dry_run)
        elif asked or new:
            _abstracts(ingest_identifiers(known, client, asked, dry=dry_run), dry_run)
        if full_text:
            patient = Transport(directory, Manners(pause=pause, backoff=pause, timeout=TEXT_SECONDS))
            _texts(ingest_texts(known, patient, papers, asked, limit))


def _abstracts(pages: Iterator[Ingested], dry: bool) -> None:
    papers = relations = refused = 0
    while (page := _come(lambda: next(pages, None), f"{papers} papers")) is not None:
        _print_page(page, dry)
        papers, relations = papers + len(page.papers), relations + page.relations
        refused += len(page.refused)
    done = "would be stored" if dry else "stored"
    console().print(f"{papers} papers and {relations} relations {done}, {refused} entries refused")


def _texts(texts: Iterator[FullText]) -> None:
    target, stored, refused = console(), 0, 0
    while (text := _come(lambda: next(texts, None), f"{stored} texts")) is not None:
        if text.method:
            stored += 1
            count = sum(len(section.text) for section in text.sections)
            target.print(
                f"{text.arxiv}: {len(text.sections)} sections, {count:,} characters from its {text.method}"
            )
        else:
            refused += 1
            target.print(f"  refused {text.arxiv}: {text.reason}", markup=False)
    target.print(f"{stored} texts stored, {refused} refused")


def _come(get: Callable[[], Got], before: str) -> Got:
    """What arXiv gives next, or one line and exit code 1 where it gives nothing now; `before` is what came so far."""
    from cognition.papers.errors import ArxivUnavailable

    try:
        return get()
    except ArxivUnavailable as error:
        typer.echo(f"{error}; {before} came before; the same command continues", err=True)
        raise typer.Exit(1) from None


def _print_page(page: Ingested, dry: bool) -> None:
    target = console()
    source = ", from the disk" if page.from_disk else ""
    target.print(f"{page.reached} of {page.total}: {len(page.papers)} papers, {page.relations} relations{source}")
    for refusal in page.refused:
        target.print(f"  refused {refusal.key}: {refusal.reason}", markup=False)
    if dry:
        for paper in page.papers:
            mark = " (withdrawn)" if paper.withdrawn else ""
            target.print(f"  {paper.arxiv} {paper.title}{mark}", markup=False)
