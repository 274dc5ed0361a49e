"""`confirm`: train the champions and published recipes of a search again, and score the sealed split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cognition.loader import load_architectures
from evolve.confirmation import FRESH_SEEDS
from evolve.confirmation import confirm as confirm_recipes
from evolve.display import Watch, confirmation_table, console
from evolve.naming import recipe_of
from evolve.session import prepare, reopened, stored_configuration
from evolve.yardstick import measure_yardstick
from genome.recipe import Recipe
from runs.archive import Archive
from runs.store import Store


def confirm(
    out: Annotated[Path, typer.Option(help="Directory of the search.")],
    top: Annotated[int, typer.Option(min=1, help="How many of the best attempts to confirm.")] = 1,
    published: Annotated[str, typer.Option(help="Published names, separated by commas; all or none.")] = "all",
    sweep: Annotated[
        bool, typer.Option("--sweep", help="First choose each recipe's learning rate: half, its own or double.")
    ] = False,
    workers_: Annotated[int | None, typer.Option("--workers", min=1, help="Worker processes.")] = None,
) -> None:
    """Train recipes on fresh seeds at matched parameters and score the sealed split; measured ones are kept."""
    archive = Store.read(out)
    configuration = stored_configuration(archive, workers_)
    named = _champions(archive, top) | _published(published)
    if not named:
        raise ValueError(f"{out}: no attempt is fully trained yet, and no published recipe was named")
    champion = next(iter(named))
    prepared = prepare(configuration)
    target = console()
    with reopened(archive, prepared) as lab, Watch(target, 0, 0, 1) as watch:
        lab.observe = watch.jobs
        yardstick = measure_yardstick(lab, prepared.tasks, configuration.seed)
        watch.stage("confirming", 0.0, 1)
        confirmed = confirm_recipes(lab, named, yardstick, configuration.seed, sweep=sweep)
    target.print(confirmation_table(confirmed, yardstick, champion, len(FRESH_SEEDS)))


def _champions(archive: Archive, top: int) -> dict[str, Recipe]:
    return {
        f"attempt {attempt.id} ({attempt.family})": recipe_of(archive, attempt) for attempt in archive.best(top)
    }


def _published(names: str) -> dict[str, Recipe]:
    known = load_architectures()
    if names == "none":
        return {}
    wanted = list(known) if names == "all" else [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in known:
            raise ValueError(
                f"--published: there is no architecture {name!r}; accepted: all, none, {', '.join(known)}"
            )
    return {name: known[name].recipe for name in wanted}
