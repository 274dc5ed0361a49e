"""`cognition`: what is known of published components; reading arXiv, finding duplicates, search and export."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from evolve.display import console
from evolve.output import write_text

if TYPE_CHECKING:
    from cognition.papers.ingestion import Ingested
    from cognition.store.reading import Shown
    from cognition.store.store import CognitionStore

app = typer.Typer(
    help="What is known of published components: search it, and read arXiv for more.", no_args_is_help=True
)
Store = Annotated[
    Path | None,
    typer.Option(help="File of the store (default: EVOLVE_COGNITION, else in the user's data directory)."),
]


def opened(store: Path | None) -> CognitionStore:
    """The store, made on first use and brought up to date with the library."""
    from cognition.store.store import CognitionStore

    return CognitionStore.open(store)


@app.command("list")
def list_(
    kind: Annotated[
        str | None, typer.Option(help="Only this kind: mixer, norm, ..., architecture, paper.")
    ] = None,
    store: Store = None,
) -> None:
    """List components and architectures, or those of a kind, or the papers."""
    with opened(store) as known:
        rows = known.listed(kind)
    columns = ("name", "kind", "year", "arXiv", "from", "insight" if kind != "paper" else "title")
    _print_table(columns, [(r.name, r.kind, str(r.year or ""), r.identifier, r.origin, r.text) for r in rows])


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A component, an architecture, or a paper's arXiv id.")],
    store: Store = None,
) -> None:
    """Show one component, architecture or paper: source, paper, insights, relations with their evidence."""
    with opened(store) as known:
        found = known.shown(name)
    for one in found:
        _print(one)


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="Words; all of them are looked for, else any.")],
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 10,
    store: Store = None,
) -> None:
    """Find components, architectures and papers by names, weaknesses, insights and abstracts (BM25)."""
    with opened(store) as known:
        matches = known.search(query, count)
    columns = ("score", "form", "name", "kind", "insight or title")
    _print_table(columns, [(f"{m.score:.2f}", m.form, m.name, m.kind, m.text) for m in matches])


@app.command()
def stats(store: Store = None) -> None:
    """Count rows by table, kind, relation and mark."""
    with opened(store) as known:
        counts = known.statistics()
        console().print(str(known.path), markup=False)
    rows = [(what, name, f"{count:,}") for what, counted in counts.items() for name, count in counted.items()]
    _print_table(("what", "of", "rows"), rows)


@app.command()
def ingest(
    query: Annotated[
        str | None, typer.Option(help='An arXiv query, such as "cat:cs.LG AND abs:attention".')
    ] = None,
    ids: Annotated[list[str] | None, typer.Option(help="arXiv ids, separated by commas; may be repeated.")] = None,
    since: Annotated[str | None, typer.Option(help="Only papers first submitted on or after this day.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Entries of the query in total, over all runs; the same again continues."),
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
    """Read papers from arXiv, oldest first, and store what they say about known components.

    Stop it at any moment; the same command continues, and asks for no page twice.
    """
    from cognition.papers.client import ArxivClient, address, identifiers
    from cognition.papers.errors import ArxivUnavailable
    from cognition.papers.ingestion import ingest_identifiers, ingest_query, plain_query, query_since
    from cognition.papers.transport import Manners, Transport

    if bool(ids) == bool(query or since):
        raise ValueError("say what to read: --ids, or --query and --since or one of them")
    if ids and limit is not None:
        raise ValueError("--limit goes with a query; --ids names the papers already")
    wanted = identifiers([part for one in ids or () for part in one.replace(",", " ").split()])
    written = plain_query(query) if query is not None else ""
    written = written if since is None else query_since(written, since)
    with opened(store) as known:
        transport = Transport(known.path.parent / f"{known.path.stem}.arxiv", Manners(pause=pause, backoff=pause))
        client = ArxivClient(transport, address(url))
        if wanted:
            pages = ingest_identifiers(known, client, wanted, dry=dry_run)
        else:
            pages = ingest_query(known, client, written, limit, dry=dry_run)
        papers = relations = refused = 0
        try:
            for page in pages:
                _print_page(page, dry_run)
                papers, relations = papers + len(page.papers), relations + page.relations
                refused += len(page.refused)
        except ArxivUnavailable as error:
            typer.echo(f"{error}; {papers} papers came before; the same command continues", err=True)
            raise typer.Exit(1) from None
    done = "would be stored" if dry_run else "stored"
    console().print(f"{papers} papers and {relations} relations {done}, {refused} entries refused")


@app.command()
def dedup(
    apply: Annotated[bool, typer.Option("--apply", help="Mark what is listed as duplicates.")] = False,
    by: Annotated[
        list[str] | None, typer.Option(help="Only these rules: hash, name, text; may be repeated.")
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0.1, max=1.0, help="Least share of words in common for the rule text.")
    ] = 0.8,
    store: Store = None,
) -> None:
    """Propose duplicates: equal canonical hash, equal name, nearly equal text. Nothing changes without --apply."""
    from cognition.duplicates import RULES, duplicates

    if unknown := [rule for rule in by or () if rule not in RULES]:
        raise ValueError(f"unknown rule {unknown[0]!r}; accepted: {', '.join(RULES)}")
    with opened(store) as known:
        found = [one for one in duplicates(known, threshold) if one.rule in (by or RULES)]
        if apply:
            known.merge([(one.form, one.kept, one.repeated) for one in found])
    columns = ("form", "kept", "repetition", "by", "similarity")
    if found:
        _print_table(
            columns, [(d.form, d.kept_name, d.repeated_name, d.rule, f"{d.similarity:.2f}") for d in found]
        )
    console().print(f"{len(found)} {'marked' if apply else 'proposed; --apply marks them'}")


@app.command()
def export(
    file: Annotated[Path | None, typer.Option("--file", "-o", help="Write to this file.")] = None,
    store: Store = None,
) -> None:
    """Write every row of every table as one line of JSON."""
    with opened(store) as known:
        if file is None:
            for line in known.exported():
                typer.echo(line)
        else:
            write_text(file, "".join(f"{line}\n" for line in known.exported()))


def _print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on a terminal; on a pipe a line for each row, its cells between tabs."""
    target = console()
    if target.is_terminal:
        table = Table(*columns)
        for row in rows:
            table.add_row(*map(escape, row))
        target.print(table)
        return
    for row in (columns, *rows):
        typer.echo("\t".join(" ".join(cell.split()) for cell in row))


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


def _print(one: Shown) -> None:
    target, row = console(), one.row
    if one.form == "paper":
        mark = "; withdrawn" if row["withdrawn"] else ""
        target.print(f"{row['title']} ({row['year']}, arXiv {row['arxiv']}{mark})", markup=False)
        if row["abstract"]:
            target.print(f"{', '.join(json.loads(row['authors']))}\n\n{row['abstract']}", markup=False)
    else:
        marks = (" (no longer in the library)" if row["retired"] else "") + (
            f" (duplicate of row {row['duplicate_of']})" if row["duplicate_of"] is not None else ""
        )
        target.print(f"{row['name']}: {row['kind']} from {row['origin']}{marks}", markup=False)
        target.print(row["source"].rstrip(), markup=False)
        if one.paper is not None:
            number = f"arXiv {one.paper['arxiv']}" if one.paper["arxiv"] else "no arXiv id"
            target.print(f"{one.paper['title']} ({one.paper['year']}, {number})", markup=False)
    for insight in one.insights:
        target.print(f"answers {insight['triggers']}: {insight['insight']}", markup=False)
    for relation in one.relations:
        paper = f", arXiv {relation['paper']}" if relation["paper"] else ""
        told = f"{relation['subject']} {relation['kind'].replace('_', ' ')} {relation['object']}"
        target.print(f"  {told} ({relation['rule']}{paper}): {relation['evidence']}", markup=False)
    for pair, own in one.pairs.items():
        searches = "1 search" if own.searches == 1 else f"{own.searches} searches"
        target.print(f"  {pair}: lift {own.mean:+.4f} in {own.cases} cases of {searches}", markup=False)
    target.print("")
