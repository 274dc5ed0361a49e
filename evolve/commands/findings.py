"""`findings`: what a search teaches: edits that paid, neighbours and ordered configurations that do well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from evolve.commands.inspect import Out, opened
from evolve.display import console
from runs.evidence.evidence import extremes
from runs.evidence.interval import Interval
from runs.evidence.lifts import Lift

COUNT = 10


def findings(
    out: Out = None, count: Annotated[int, typer.Option(min=1, help="How many of each.")] = COUNT
) -> None:
    """List what a search taught when it finished last: edits that paid, and orders that did better than expected."""
    with opened(out) as archive:
        evidence, directory = archive.evidence, archive.directory
    target = console()
    if not (evidence.pairs or evidence.configurations or evidence.findings):
        target.print(
            f"{directory}: no evidence yet; it is stored when `run` ends, from enough fully trained recipes"
        )
        return
    if evidence.findings:
        target.print("edits, by their gain over the recipe they were applied to (95 % interval):")
        for one in evidence.findings[:count]:
            target.print(f"  {one}", markup=False)
    _print_lifts("neighbours", [(str(pair), lift) for pair, lift in evidence.pairs], count)
    named = [(" > ".join(steps), lift) for steps, lift in evidence.configurations]
    _print_lifts("ordered configurations", named, count)


def _print_lifts(title: str, found: Sequence[tuple[str, Lift]], count: int) -> None:
    """The strongest of both signs, by the lift over what the components lead one to expect."""
    if not found:
        return
    table = Table(title=f"{title}: lift over what their components lead to expect", title_justify="left")
    for column in (title, "lift", "95 % interval", "cases", "recipes"):
        table.add_column(column, justify="left" if column == title else "right")
    for name, lift in extremes(found, count):
        own = lift.interval
        table.add_row(escape(name), f"{own.mean:+.4f}", _range(own), str(own.cases), str(lift.recipes))
    console().print(table)


def _range(own: Interval) -> str:
    return f"{own.low:+.4f} to {own.high:+.4f}"
