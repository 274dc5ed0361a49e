"""`train`: one recipe on one task, in this process, with its loss as it falls."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer
from rich.console import Console

from backends.selection import make_backend
from evaluators.fitting import fit
from evaluators.jobs import Job
from evaluators.scales import SCALES
from evaluators.tasks.registry import TASK_NAMES
from evaluators.training import Trainer
from evolve.commands.inspect import RecipeName
from evolve.commands.recipe_options import (
    AttemptsOf,
    Components,
    Context,
    Depth,
    Hidden,
    Settings,
    Width,
    choose,
    shaped_scale,
    whole_run,
)
from evolve.display import console
from evolve.session import cache_directory, task_specs

REPORTS = 10
"""Lines of progress that a run prints."""


def train(
    recipe: RecipeName,
    task: Annotated[str, typer.Option(help=f"One of {', '.join(TASK_NAMES)}.")] = "text",
    data: Annotated[str | None, typer.Option(help="Corpus of the task text.")] = None,
    scale: Annotated[str, typer.Option(help=f"One of {', '.join(SCALES)}.")] = "tiny",
    seed: Annotated[int, typer.Option(min=0, help="Seed of parameters and batches.")] = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimizer steps.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Sequences per step.")] = None,
    context: Context = None,
    depth: Depth = None,
    width: Width = None,
    hidden: Hidden = None,
    settings: Settings = None,
    components: Components = None,
    whole: Annotated[bool, typer.Option("--no-sealed", help="Validate on all of the text's last tenth.")] = False,
    backend: Annotated[str, typer.Option(help="auto or the name of a backend.")] = "auto",
    out: AttemptsOf = None,
) -> None:
    """Train one recipe on one task and print its validation loss and accuracy."""
    chosen = choose(recipe, out, components, settings)
    shaped = shaped_scale(scale, steps, batch, context, depth)
    (spec,) = task_specs((task,), data, shaped)
    spec = replace(spec, sealed=not whole)
    trainer = Trainer(make_backend(backend, str(cache_directory())))
    vocabulary = trainer.task(spec).vocabulary
    if width is None:
        sizes = fit(chosen.recipe, chosen.library, shaped, vocabulary).instance.sizes
        width, hidden = sizes.width, sizes.hidden
    job = whole_run(chosen, shaped, (width, hidden or 4 * width), spec, seed)
    print_run(trainer, job, chosen.named.name, console())


def print_run(trainer: Trainer, job: Job, name: str, target: Console) -> None:
    """Run a job and print its loss as it falls, then its scores. Raises ValueError where it is not evaluated."""
    scale = job.scale
    target.print(
        f"{name} on {job.task.name}: width {job.width}, hidden {job.hidden}, context {scale.context}, "
        f"batch {scale.batch}, {scale.steps} steps"
    )
    every = max(1, scale.steps // REPORTS)
    reported = 0

    def watch(step: int, loss: float) -> None:
        nonlocal reported
        if step // every > reported or step == scale.steps:
            reported = step // every
            target.print(f"step {step}: training loss {loss:.4f}")

    outcome = trainer.run(job, watch)
    if outcome.status != "evaluated":
        raise ValueError(f"{name}: {outcome.status}: {outcome.reason}")
    target.print(
        f"{job.split} loss {outcome.loss:.4f} nats, accuracy {outcome.accuracy:.4f}; {outcome.parameters:,} parameters; "
        f"compiled {outcome.compile_seconds:.1f} s, trained {outcome.train_seconds:.1f} s on {outcome.device}"
    )
