"""`run`: start or continue a search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from evolve.configuration import Configuration, configure
from evolve.confirmation import FRESH_SEEDS, confirm
from evolve.display import Watch, confirmation_table, console, tie_line
from evolve.guidance.snapshot import require_store
from evolve.learned import learned_components
from evolve.learning import learn
from evolve.llm.desk import Desk
from evolve.llm.opening import access
from evolve.llm.specification import ACCEPTED
from evolve.measurement import Laboratory
from evolve.naming import recipe_of
from evolve.search import Report, Search
from evolve.seeds import read_seeds
from evolve.session import Prepared, default_directory, laboratory, prepare, stored_library, workers
from evolve.software import note_software
from evolve.stopping import stoppable
from evolve.variation import SEED
from evolve.yardstick import Yardstick
from genome.component import Component
from genome.recipe import Recipe
from runs.archive import Archive
from runs.genealogy import lineage_lines
from runs.ledger import Ledger
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
    scale: Annotated[str | None, typer.Option(help="micro, tiny, small, 20m, 125m or 350m.")] = None,
    backend: Annotated[str | None, typer.Option(help="auto or the name of a backend.")] = None,
    objective: Annotated[list[str] | None, typer.Option(help="Objective; several select by NSGA-II.")] = None,
    early_stopping: Annotated[
        bool | None, typer.Option(help="Train in full only what is promising at its rungs (the default).")
    ] = None,
    deterministic: Annotated[
        bool | None, typer.Option(help="Have a GPU repeat its results exactly, slower; a CPU always does.")
    ] = None,
    llm: Annotated[
        list[str] | None,
        typer.Option(help=f"A language model that proposes too: {ACCEPTED}."),
    ] = None,
    llm_share: Annotated[
        float | None, typer.Option(help="Most of a population that language models propose (0.5).")
    ] = None,
    llm_deadline: Annotated[
        float | None, typer.Option(help="Seconds for a proposal with its repair and all retries (120).")
    ] = None,
    llm_budget_usd: Annotated[float | None, typer.Option(help="Most dollars that calls may cost.")] = None,
    llm_budget_tokens: Annotated[int | None, typer.Option(help="Most tokens, in and out.")] = None,
    llm_budget_calls: Annotated[int | None, typer.Option(help="Most calls.")] = None,
    llm_prices: Annotated[str | None, typer.Option(help="TOML file with prices of models.")] = None,
    store_prompts: Annotated[
        bool | None, typer.Option(help="Keep prompts and answers in the database (the default).")
    ] = None,
    library: Annotated[
        str | None, typer.Option(help="published, or learned: also the components extracted from papers.")
    ] = None,
    guidance: Annotated[
        str | None, typer.Option(help="on, off, or learned: with what earlier searches and papers say.")
    ] = None,
    seed_recipe: Annotated[
        list[str] | None, typer.Option(help="JSON file of a recipe to start from besides; may be repeated.")
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
        "llm": llm,
        "llm_share": llm_share,
        "llm_deadline": llm_deadline,
        "llm_budget_usd": llm_budget_usd,
        "llm_budget_tokens": llm_budget_tokens,
        "llm_budget_calls": llm_budget_calls,
        "llm_prices": llm_prices,
        "store_prompts": store_prompts,
        "library": library,
        "guidance": guidance,
        "seed_recipe": seed_recipe,
    }
    configuration = configure(flags, config)
    directory = out or default_directory(configuration)
    models = None if _finished(directory, configuration) else access(configuration)
    prepared = prepare(configuration)
    seeds = _seeds(directory, prepared)
    if not Store.exists(directory):
        require_store(configuration.guidance)
    target = console()
    # Once a search has begun, its own rows are its library: what is learned later would change its genealogy.
    wanted = configuration.library == "learned" and not _begun(directory)
    learned = learned_components() if wanted else {}
    with _store(directory, prepared) as store, stoppable(store):
        note_software(store)
        known = {**stored_library(store), **learned}
        desk = models.desk(store, configuration) if models else nullcontext()
        with workers(prepared, directory / "logs") as executor, desk as opened:
            lab = laboratory(prepared, store, executor, known)
            _search(target, prepared, store, lab, known, seeds, opened)


def _finished(directory: Path, configuration: Configuration) -> bool:
    """Whether a search has every generation that is wanted: it asks no language model any more."""
    if not Store.exists(directory):
        return False
    with Archive.at(directory) as archive:
        return archive.generation_count() >= configuration.generations


def _begun(directory: Path) -> bool:
    """Whether a search has stored its library, which it does with its first proposals."""
    if not Store.exists(directory):
        return False
    with Archive.at(directory) as archive:
        return bool(archive.components())


def _seeds(directory: Path, prepared: Prepared) -> dict[str, Recipe]:
    """The user's recipes, which a search needs until its first generation is proposed and never again."""
    if not prepared.configuration.seed_recipe:
        return {}
    if Store.exists(directory):
        with Store.read(directory) as archive:
            if archive.attempt_count():
                return {}
    vocabulary = max(task.vocabulary for task in prepared.tasks)
    return read_seeds(prepared.configuration.seed_recipe, stored_library(None), prepared.scale, vocabulary)


def _search(
    target: Console,
    prepared: Prepared,
    store: Store,
    lab: Laboratory,
    library: dict[str, Component],
    seeds: Mapping[str, Recipe],
    desk: Desk | None,
) -> None:
    configuration = prepared.configuration
    finished = store.generation_count()
    target.print(_headline(prepared, store, finished))
    target.print(_proposers_line(configuration, desk), markup=False, soft_wrap=True)
    with Watch(target, configuration.generations, finished, len(lab.scale.rungs) + 1) as watch:
        lab.observe = watch.jobs

        def report(done: Report) -> None:
            watch.generation(done.generation, done.statistics)

        def tell(line: str) -> None:
            watch.console.print(line, markup=False, soft_wrap=True)

        yardstick = Search(configuration, lab, prepared.tasks, library, report, seeds, desk, tell).run()
        watch.stage("confirming", float(configuration.generations), 1)
        _conclude(target, store, lab, yardstick, configuration.seed)
    target.print(learn(store), markup=False, soft_wrap=True)
    if configuration.llm:
        with Ledger.read(store.directory) as ledger:
            spent = ledger.spent()
        target.print(
            f"language models: {spent.calls} calls, {spent.tokens:,} tokens, {spent.cost or 0.0:.4f} dollars "
            f"where prices are known; `llm` tells more"
        )
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


def _proposers_line(configuration: Configuration, desk: Desk | None) -> str:
    if not configuration.llm:
        return "purely evolutionary: no language model proposes (--llm)"
    if desk is None:
        return "language models: every generation is finished, and none is asked"
    limits = desk.limits
    ceilings = [
        f"{value:g} {what}"
        for value, what in ((limits.dollars, "dollars"), (limits.tokens, "tokens"), (limits.calls, "calls"))
        if value is not None
    ]
    source = "answers replayed, for free" if desk.recording else f"budget {', '.join(ceilings) or 'none'}"
    share = f"up to {configuration.llm_share:.0%} of a population"
    return f"language models: {', '.join(desk.names)}; {share}; {source}"


def _conclude(target: Console, store: Store, lab: Laboratory, yardstick: Yardstick, seed: int) -> None:
    best = store.best(1)
    if not best:
        return
    champion = best[0]
    published = [attempt for attempt in store.attempts(status="evaluated") if attempt.operator == SEED]
    published.sort(key=lambda attempt: (-(attempt.score or 0.0), attempt.id))
    name = f"champion (attempt {champion.id})"
    named = {attempt.label: recipe_of(store, attempt) for attempt in published[:PUBLISHED_BESIDE]}
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
