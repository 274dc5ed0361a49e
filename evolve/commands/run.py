"""`run`: start or continue a search."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cognition.loader import load_architectures
from evolve.configuration import configure
from evolve.confirmation import FRESH_SEEDS, confirm
from evolve.display import Watch, confirmation_table, console, tie_line
from evolve.measurement import Laboratory
from evolve.naming import recipe_of
from evolve.search import Report, Search
from evolve.session import Prepared, default_directory, laboratory, prepare, stored_library, workers
from evolve.stopping import stoppable
from evolve.variation import SEED
from evolve.yardstick import Yardstick
from genome.component import Component
from runs.genealogy import lineage_lines
from runs.store import Store

PUBLISHED_BESIDE = 3
"""Published recipes that stand beside the champion in the final table."""


def run(
    generations: Annotated[int | None, typer.Option(help="Generations in total; a larger number goes on.")] = None,
    population: Annotated[int | None, typer.Option(help="New recipes per generation.")] = None,
    out: Annotated[Path | None, typer.Option(help="Directory of the search (default: searches/NAME).")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of proposals and training.")] = None,
    workers_: Annotated[int | None, typer.Option("--workers", help="Worker processes.")] = None,
    strategy: Annotated[str | None, typer.Option(help="uct, regularized, local or random.")] = None,
    task: Annotated[str | None, typer.Option(help="Tasks, separated by commas.")] = None,
    data: Annotated[str | None, typer.Option(help="Corpus of the task text: a file, a folder or hf:NAME.")] = None,
    scale: Annotated[str | None, typer.Option(help="tiny, small, 20m, 125m or 350m.")] = None,
    backend: Annotated[str | None, typer.Option(help="auto or the name of a backend.")] = None,
    objective: Annotated[list[str] | None, typer.Option(help="Objective; several select by NSGA-II.")] = None,
    early_stopping: Annotated[
        bool | None, typer.Option(help="Train in full only what is promising at its rungs (the default).")
    ] = None,
    deterministic: Annotated[
        bool | None, typer.Option(help="Have a GPU repeat its results exactly, slower; a CPU always does.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with any of these.")] = None,
) -> None:
    """Search: propose, train, select, until the target number of generations; run again to continue."""
    flags = {
        "generations": generations,
        "population": population,
        "seed": seed,
        "workers": workers_,
        "strategy": strategy,
        "task": task,
        "data": data,
        "scale": scale,
        "backend": backend,
        "objective": objective,
        "early_stopping": early_stopping,
        "deterministic": deterministic,
    }
    configuration = configure(flags, config)
    prepared = prepare(configuration)
    directory = out or default_directory(configuration)
    target = console()
    with _store(directory, prepared) as store, stoppable(store):
        library = stored_library(store)
        with workers(prepared, directory / "logs") as executor:
            lab = laboratory(prepared, store, executor, library)
            _search(target, prepared, store, lab, library)


def _search(
    target: Console, prepared: Prepared, store: Store, lab: Laboratory, library: dict[str, Component]
) -> None:
    configuration = prepared.configuration
    finished = store.generation_count()
    target.print(_headline(prepared, store, finished))
    with Watch(target, configuration.generations, finished, len(lab.scale.rungs) + 1) as watch:
        lab.observe = watch.jobs

        def report(done: Report) -> None:
            watch.generation(done.generation, done.statistics)

        yardstick = Search(configuration, lab, prepared.tasks, library, report).run()
        watch.stage("confirming", float(configuration.generations), 1)
        _conclude(target, store, lab, yardstick, configuration.seed)
    store.finish_run("finished")


def _headline(prepared: Prepared, store: Store, finished: int) -> str:
    configuration, scale = prepared.configuration, prepared.scale
    tasks = " + ".join(f"{task.name} ({task.vocabulary} tokens)" for task in prepared.tasks)
    begins = f"continues after generation {finished}" if finished else "begins"
    if finished >= configuration.generations:
        begins = f"is finished: {finished} generations; a larger --generations goes on"
    return (
        f"search {store.directory} {begins}\n"
        f"{configuration.strategy} on {tasks}; scale {scale.name}: {scale.parameters:,} parameters, "
        f"{scale.tokens:,} tokens per task; backend {prepared.backend}, {configuration.workers} workers"
    )


def _conclude(target: Console, store: Store, lab: Laboratory, yardstick: Yardstick, seed: int) -> None:
    best = store.best(1)
    if not best:
        return
    champion = best[0]
    published = [attempt for attempt in store.attempts(status="evaluated") if attempt.operator == SEED]
    published.sort(key=lambda attempt: (-(attempt.score or 0.0), attempt.id))
    name = f"champion (attempt {champion.id})"
    named = {attempt.label: load_architectures()[attempt.label].recipe for attempt in published[:PUBLISHED_BESIDE]}
    recipe = recipe_of(store, champion)
    if champion.operator == SEED:
        name = champion.label
    confirmed = confirm(lab, {name: recipe, **named}, yardstick, seed)
    target.print(f"\nchampion: attempt {champion.id}, generation {champion.generation}, {champion.family}")
    for line in recipe.lines():
        target.print(f"  {line}", markup=False)
    target.print("lineage:")
    for line in lineage_lines(store.lineage(champion.id)):
        target.print(f"  {line}", markup=False)
    target.print(tie_line(store), soft_wrap=True)
    target.print(confirmation_table(confirmed, yardstick, name, len(FRESH_SEEDS)))
    target.print(f"database: {store.path}")


@contextmanager
def _store(directory: Path, prepared: Prepared) -> Iterator[Store]:
    configuration = prepared.configuration
    if Store.exists(directory):
        store = Store.open(directory, configuration=prepared.stored)
    else:
        store = Store.create(
            directory,
            name=directory.name,
            seed=configuration.seed,
            configuration=prepared.stored,
            version=version("archevolve"),
            generations=configuration.generations,
        )
    with store:
        yield store
