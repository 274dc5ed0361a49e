"""`compare`: searches beside one another, grouped by their configuration apart from the seed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from evolve.display import console, printable
from evolve.output import write_text
from runs.comparison.groups import grouped, require_comparable
from runs.comparison.measures import Comparison, Estimate, compared
from runs.comparison.page import comparison_page
from runs.comparison.traces import AXES, Axis, read_trace

UNITS: Mapping[Axis, str] = {
    "trained": "fully trained attempts",
    "evaluations": "trained attempts",
    "tokens": "training tokens",
}


def compare(
    searches: Annotated[list[Path], typer.Argument(help="Directories of searches.", metavar="RUN")],
    over: Annotated[
        str, typer.Option(help="What curves run over: trained (fully), evaluations (at all) or tokens.")
    ] = "tokens",
    reach: Annotated[
        float | None, typer.Option(help="The score to reach (default: the best published recipe's).")
    ] = None,
    json_: Annotated[Path | None, typer.Option("--json", help="Write everything to this file as JSON.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write curves and tables as one HTML file.")] = None,
) -> None:
    """Compare searches over seeds: curves of the best score, areas, the cost of reaching a score, wins."""
    axes: dict[str, Axis] = {name: name for name in AXES}
    axis = axes.get(over)
    if axis is None:
        raise ValueError(f"--over {over}: unknown; accepted: {', '.join(AXES)}")
    if reach is not None and not abs(reach) < float("inf"):
        raise ValueError(f"--reach {reach}: not a finite score")
    for path in searches:
        if not path.is_dir():
            raise ValueError(
                f"{path}: no such directory; compare takes directories of searches, `diff` two recipes"
            )
    traces = [read_trace(directory) for directory in dict.fromkeys(searches)]
    require_comparable(traces)
    groups = grouped(traces)
    found = compared(groups, axis, reach)
    if html is not None:
        write_text(html, comparison_page([found, *(compared(groups, a, reach) for a in AXES if a != axis)]))
    if json_ is not None:
        write_text(json_, json.dumps(asdict(found), sort_keys=True, ensure_ascii=False, indent=1) + "\n")
    _print(found)


def _print(found: Comparison) -> None:
    target, unit = console(), UNITS[found.over]
    runs = sum(len(group.runs) for group in found.groups)
    target.print(
        f"{runs} searches in {len(found.groups)} groups, over {unit} from {found.start:,} to {found.horizon:,}, "
        f"where the shortest ends; means over seeds, 95 % bootstrap intervals",
        soft_wrap=True,
    )
    goal = "the best published score" if found.reach is None else f"a score of {found.reach:g}"
    table = Table("group", "seeds", "best score", "mean best score on the way", "reached", f"{unit} to {goal}")
    for group in found.groups:
        table.add_row(
            escape(printable(group.name)),
            ", ".join(str(run.seed) for run in group.runs),
            _cell(group.best, len(group.runs), "{:.4f}"),
            _cell(group.area, len(group.runs), "{:.4f}"),
            f"{group.reached} of {len(group.runs)}",
            _cell(group.cost, len(group.runs), "{:,.0f}", "not reached"),
        )
    target.print(table)
    if found.duels:
        target.print("wins at the same seed; within twice the noise floor is a tie and counts half:")
    for duel in found.duels:
        names = f"{printable(duel.one)} against {printable(duel.other)}"
        if not duel.seeds:
            target.print(f"  {names}: no seed in common", markup=False, soft_wrap=True)
            continue
        counts = f"{duel.wins} won, {duel.ties} tied, {duel.losses} lost"
        rate = _cell(duel.rate, len(duel.seeds), "{:.2f}")
        target.print(f"  {names}: {rate}, {counts}", markup=False, soft_wrap=True)


def _cell(estimate: Estimate, seeds: int, form: str, missing: str = "-") -> str:
    value, low, high = (
        missing if number is None else form.format(number)
        for number in (estimate.value, estimate.low, estimate.high)
    )
    return value if seeds < 2 else f"{value} ({low} to {high})"
