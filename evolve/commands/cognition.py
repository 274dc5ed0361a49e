"""`cognition`: what is known of published components; reading arXiv, finding duplicates, search and export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.commands.extraction import extract
from evolve.commands.ingestion import ingest
from evolve.commands.store_options import Store, opened, print_table
from evolve.display import console
from evolve.output import write_text

if TYPE_CHECKING:
    from cognition.store.reading import Shown

app = typer.Typer(
    help="What is known of published components: search it, and read arXiv for more.", no_args_is_help=True
)
for command in (ingest, extract):
    app.command()(command)


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
    print_table(columns, [(r.name, r.kind, str(r.year or ""), r.identifier, r.origin, r.text) for r in rows])


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
    print_table(columns, [(f"{m.score:.2f}", m.form, m.name, m.kind, m.text) for m in matches])


@app.command()
def stats(store: Store = None) -> None:
    """Count rows by table, kind, relation and mark."""
    with opened(store) as known:
        counts = known.statistics()
        console().print(str(known.path), markup=False)
    rows = [(what, name, f"{count:,}") for what, counted in counts.items() for name, count in counted.items()]
    print_table(("what", "of", "rows"), rows)


@app.command()
def dedup(
    apply: Annotated[bool, typer.Option("--apply", help="Mark what is listed as duplicates.")] = False,
    by: Annotated[
        list[str] | None, typer.Option(help="Only these rules: hash, behaviour, name, text; may be repeated.")
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0.1, max=1.0, help="Least share of words in common for the rule text.")
    ] = 0.8,
    seconds: Annotated[
        float, typer.Option(min=0.0, help="Time for the rule behaviour, which computes outputs.")
    ] = 300.0,
    store: Store = None,
) -> None:
    """Propose duplicates: equal canonical hash, equal outputs under equal parameters, equal name, nearly equal text.

    Nothing changes without --apply.
    """
    from cognition.duplicates import RULES, duplicates
    from evolve.behaviour import Behaviour

    if unknown := [rule for rule in by or () if rule not in RULES]:
        raise ValueError(f"unknown rule {unknown[0]!r}; accepted: {', '.join(RULES)}")
    behaviour = Behaviour(seconds)
    with opened(store) as known:
        found = duplicates(known, threshold, [rule for rule in RULES if rule in (by or RULES)], behaviour.same)
        if apply:
            known.merge([(one.form, one.kept, one.repeated) for one in found])
    columns = ("form", "kept", "repetition", "by", "similarity")
    if found:
        print_table(
            columns, [(d.form, d.kept_name, d.repeated_name, d.rule, f"{d.similarity:.2f}") for d in found]
        )
    if behaviour.left_out:
        console().print(f"{behaviour.left_out} comparisons of outputs left out after {seconds:g} s")
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


def _print(one: Shown) -> None:
    target, row = console(), one.row
    if one.form == "paper":
        mark = "; withdrawn" if row["withdrawn"] else ""
        target.print(f"{row['title']} ({row['year']}, arXiv {row['arxiv']}{mark})", markup=False)
        if row["abstract"]:
            target.print(f"{', '.join(json.loads(row['authors']))}\n\n{row['abstract']}", markup=False)
        if one.sections:
            titles = "; ".join(section["title"] or "untitled" for section in one.sections)
            target.print(f"text from its {one.sections[0]['method']}: {titles}", markup=False)
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
