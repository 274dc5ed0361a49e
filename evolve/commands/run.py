"""`run`: start or continue a search."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from evolve.beginning import Begun, begun
from evolve.configuration import Configuration, configure
from evolve.confirmation import FRESH_SEEDS, confirm
from evolve.display import Watch, confirmation_table, console, tie_line
from evolve.guidance.teaching import teach
from evolve.llm.desk import Desk
from evolve.llm.specification import ACCEPTED
from evolve.naming import recipe_of
from evolve.search import Report, Search
from evolve.variation import SEED
from evolve.yardstick import Yardstick
from runs.genealogy import lineage_lines
from runs.ledger import Ledger

PUBLISHED_BESIDE = 3
"""Published recipes that stand beside the champion in the final table."""


def run(
    generations: Annotated[int | None, typer.Option(help="Generations in total; a larger number goes on.")] = None,
    population: Annotated[int | None, typer.Option(help="New recipes per generation.")] = None,
    out: Annotated[Path | None, typer.Option(help="Directory of the search (default: searches/NAME).")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of proposals and training.")] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes.")] = None,
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
    flags = {name: value for name, value in locals().items() if name in Configuration.model_fields}
    configuration, target = configure(flags, config), console()
    with begun(configuration, out) as own:
        finished = own.store.generation_count()
        target.print(_headline(own, finished))
        target.print(_proposers_line(configuration, own.desk), markup=False, soft_wrap=True)
        stages = len(own.laboratory.scale.rungs) + 1
        with Watch(target, configuration.generations, finished, stages) as watch:
            yardstick = _search(own, watch)
            watch.stage("confirming", float(configuration.generations), 1)
            _conclude(target, own, yardstick)
        target.print(teach(own.store), markup=False, soft_wrap=True)
        if configuration.llm:
            target.print(_spent_line(own.store.directory))
        own.store.finish_run("finished")


def _search(own: Begun, watch: Watch) -> Yardstick:
    """Search until the target, watched; returns what the scores are measured by."""

    def report(done: Report) -> None:
        watch.generation(done.generation, done.statistics)

    def tell(line: str) -> None:
        watch.console.print(line, markup=False, soft_wrap=True)

    own.laboratory.observe = watch.jobs
    configuration, tasks = own.prepared.configuration, own.prepared.tasks
    return Search(configuration, own.laboratory, tasks, own.library, report, own.seeds, own.desk, tell).run()


def _headline(own: Begun, finished: int) -> str:
    prepared, scale = own.prepared, own.prepared.scale
    configuration = prepared.configuration
    tasks = " + ".join(f"{task.name} ({task.vocabulary} tokens)" for task in prepared.tasks)
    begins = f"continues after generation {finished}" if finished else "begins"
    if finished >= configuration.generations:
        begins = f"is finished: {finished} generations; a larger --generations goes on"
    return (
        f"search {own.store.directory} {begins}\n"
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


def _spent_line(directory: Path) -> str:
    with Ledger.read(directory) as ledger:
        spent = ledger.spent()
    return (
        f"language models: {spent.calls} calls, {spent.tokens:,} tokens, {spent.cost or 0.0:.4f} dollars "
        f"where prices are known; `llm` tells more"
    )


def _conclude(target: Console, own: Begun, yardstick: Yardstick) -> None:
    """Confirm the champion beside published recipes, and print it with its lineage and what the scores say."""
    store = own.store
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
    confirmed = confirm(own.laboratory, {name: recipe, **named}, yardstick, own.prepared.configuration.seed)
    target.print(f"\nchampion: attempt {champion.id}, generation {champion.generation}, {champion.family}")
    for line in recipe.lines():
        target.print(f"  {line}", markup=False)
    target.print("lineage:")
    for line in lineage_lines(store.lineage(champion.id)):
        target.print(f"  {line}", markup=False)
    target.print(tie_line(store), soft_wrap=True)
    target.print(confirmation_table(confirmed, yardstick, name, len(FRESH_SEEDS)))
    target.print(f"database: {store.path}")
