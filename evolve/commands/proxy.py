"""`proxy`: whether early rungs rank recipes as full training does, over recipes of a search trained to the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from evolve.correlation import Correlation
from evolve.display import Watch, console
from evolve.history import PARENTAL
from evolve.proxy import Foretold, foretold, full_curves, rung_reports, spread_evenly
from evolve.session import prepare, reopened, stored_configuration
from evolve.yardstick import measure_yardstick
from runs.store import Store

LEAST_RECIPES = 24
"""With fewer, the interval of a rank correlation says next to nothing."""

DOUBTFUL = 0.5
"""A correlation below this is no ground for stopping anything."""


def proxy(
    out: Annotated[Path, typer.Option(help="Directory of the search.")],
    recipes: Annotated[
        int, typer.Option(min=LEAST_RECIPES, help="How many recipes, spread evenly over the search.")
    ] = 32,
    workers_: Annotated[int | None, typer.Option("--workers", min=1, help="Worker processes.")] = None,
) -> None:
    """Train what a search stopped early to the end, and say how well its rungs foretell the final score."""
    archive = Store.read(out)
    configuration = stored_configuration(archive, workers_)
    known = [a.id for a in archive.attempts() if a.status in PARENTAL]
    if len(known) < LEAST_RECIPES:
        raise ValueError(
            f"{out}: {len(known)} recipes are trained; at least {LEAST_RECIPES} are needed: go on with `run`"
        )
    prepared = prepare(configuration)
    with reopened(archive, prepared) as lab, Watch(console(), 0, 0, len(prepared.scale.rungs)) as watch:
        lab.observe = watch.jobs
        yardstick = measure_yardstick(lab, prepared.tasks, configuration.seed)
        attempts = [lab.store.attempt(number) for number in spread_evenly(known, recipes)]
        parts = lab.scale.parts
        found = foretold(lab.store, full_curves(lab, attempts, configuration.seed), yardstick, parts)
    _print(found, prepared.scale.parts)


def _print(found: list[Foretold], parts: Sequence[float]) -> None:
    table = Table(
        title=f"Spearman's correlation with the score after full training, {len(found)} recipes, 95 % intervals",
        title_justify="left",
    )
    for column in ("rung", "training done", "score there", "score expected from the parent's run"):
        table.add_column(column, justify="right")
    reports = rung_reports(found, parts)
    for report in reports:
        expected = _cell(report.expected) if report.expected else "-"
        table.add_row(str(report.rung), f"{report.part:.0%}", _cell(report.score), expected)
    target = console()
    target.print(table)
    for report in reports:
        used = report.expected or report.score
        if used.value < DOUBTFUL:
            target.print(
                f"rung {report.rung} foretells little (below {DOUBTFUL}): --no-early-stopping trains everything"
            )


def _cell(correlation: Correlation) -> str:
    interval = f"{correlation.low:.2f} to {correlation.high:.2f}"
    return f"{correlation.value:.2f} ({interval}; n = {correlation.recipes})"
