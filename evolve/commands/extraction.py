"""`cognition extract`: what papers say about components, by rules, or as components by a language model."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.commands.store_options import Store, opened
from evolve.display import console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cognition.candidates.extraction import Extracted
    from cognition.candidates.reader import Reader
    from cognition.store.store import CognitionStore

COMPARED_SECONDS = 600.0
"""Time for comparing outputs in one run."""


def extract(
    llm: Annotated[
        str | None, typer.Option(help="The model to ask for components, as for `run` (default: rules alone).")
    ] = None,
    paper: Annotated[str | None, typer.Option(help="Only this paper, by its arXiv id.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many papers in this run.")] = None,
    store: Store = None,
) -> None:
    """Read stored papers, texts before abstracts, for what they say: relations by rules, or components by a model.

    A component is kept where it is legal, new and trains; everything else is stored with the reason. Stop it at any
    moment; the same command continues, and asks nothing twice.
    """
    from cognition.candidates.extraction import extract_relations
    from cognition.papers.client import identifiers

    if paper is not None and limit is not None:
        raise ValueError("--paper names one paper; --limit goes without it")
    arxiv = identifiers([paper])[0] if paper is not None else ""
    with opened(store) as known:
        if llm is None:
            _print_relations(extract_relations(known, arxiv, limit))
        else:
            extract_by(reader_of(llm), known, arxiv, limit)


def reader_of(specification: str) -> Reader:
    """The reader that a specification of a model names. Raises ValueError for one that names none."""
    from evolve.llm.calling import call
    from evolve.llm.paper_reader import ModelReader
    from evolve.llm.specification import provider_of

    # The generator draws how long tries wait; what is stored does not depend on it.
    return ModelReader(provider_of(specification, os.environ), partial(call, generator=Random(0)))


def extract_by(reader: Reader, store: CognitionStore, arxiv: str = "", limit: int | None = None) -> None:
    """Have a reader read, judge what it finds, store and print it. Raises typer.Exit where it does not answer."""
    from cognition.candidates.extraction import extract_components
    from cognition.candidates.judging import Judge
    from cognition.candidates.reader import Unanswered
    from cognition.extracted import parsed
    from cognition.loader import load_library
    from evolve.behaviour import Behaviour
    from evolve.examination import examination

    known = {**load_library(), **{component.name: component for component in parsed(store.extracted())}}
    with examination(_logs(store)) as examine:
        behaviour = Behaviour(COMPARED_SECONDS)
        judge = Judge(known, examine, behaviour.same)
        try:
            _print_components(extract_components(store, reader, judge, arxiv, limit))
            if behaviour.left_out:
                console().print(
                    f"{behaviour.left_out} comparisons of outputs left out; `cognition dedup` makes them"
                )
        except Unanswered as error:
            typer.echo(f"{error}; the same command continues", err=True)
            raise typer.Exit(1) from None


def _logs(store: CognitionStore) -> Path:
    return store.path.parent / f"{store.path.stem}.logs"


def _print_relations(found: Iterator[Extracted]) -> None:
    papers = relations = 0
    for one in found:
        papers, relations = papers + 1, relations + one.relations
    console().print(f"{papers} papers read by rules, {relations} relations stored")


def _print_components(found: Iterator[Extracted]) -> None:
    target, papers, accepted, refused = console(), 0, 0, 0
    for one in found:
        papers += 1
        target.print(f"{one.material.arxiv} {one.material.title} ({one.material.kind})", markup=False)
        if one.reason:
            target.print(f"  nothing: {one.reason}", markup=False)
        for judged in one.judged:
            name = judged.entry.name or "an entry without a name"
            if judged.component is not None:
                target.print(f"  accepted {judged.component.name}: {judged.entry.insight}", markup=False)
                accepted += 1
            else:
                target.print(f"  refused {name}: {judged.reason}", markup=False)
                refused += 1
    target.print(f"{papers} papers read, {accepted} components accepted, {refused} refused")
