"""`train`: one recipe on one task, in this process, with its loss as it falls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from backends.selection import make_backend
from cognition.loader import read_components
from evaluators.fitting import fit
from evaluators.jobs import Job, component_sources
from evaluators.scales import SCALES, Scale
from evaluators.tasks.registry import TASK_NAMES
from evaluators.training import Trainer
from evolve.commands.inspect import opened
from evolve.display import console
from evolve.naming import resolve
from evolve.session import cache_directory, stored_library, task_specs
from genome.component import Library
from genome.edits import Edit, apply
from genome.edits.kinds import SetSetting
from genome.expressions import Scalar
from genome.recipe import Recipe, component_of

REPORTS = 10
"""Lines of progress that a run prints."""


def train(
    recipe: Annotated[str, typer.Argument(help="An attempt's number, a published name, or a recipe's JSON file.")],
    task: Annotated[str, typer.Option(help=f"One of {', '.join(TASK_NAMES)}.")] = "text",
    data: Annotated[str | None, typer.Option(help="Corpus of the task text.")] = None,
    scale: Annotated[str, typer.Option(help=f"One of {', '.join(SCALES)}.")] = "tiny",
    seed: Annotated[int, typer.Option(min=0, help="Seed of parameters and batches.")] = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimizer steps.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Sequences per step.")] = None,
    context: Annotated[int | None, typer.Option(min=1, help="Positions per sequence.")] = None,
    depth: Annotated[int | None, typer.Option(min=1, help="Times that the sequence of blocks repeats.")] = None,
    width: Annotated[int | None, typer.Option(min=1, help="Stream width, in place of a parameter budget.")] = None,
    hidden: Annotated[
        int | None, typer.Option(min=1, help="Hidden size with --width (default: 4 widths).")
    ] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="PATH.SETTING=VALUE: 2.0.1.heads=8.")] = None,
    components: Annotated[
        Path | None, typer.Option(help="Python file of components that the recipe uses besides the library's.")
    ] = None,
    whole: Annotated[bool, typer.Option("--no-sealed", help="Validate on all of the text's last tenth.")] = False,
    backend: Annotated[str, typer.Option(help="auto or the name of a backend.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Search that an attempt's number refers to.")] = None,
) -> None:
    """Train one recipe on one task and print its validation loss and accuracy."""
    named = resolve(recipe, lambda: opened(out))
    library = stored_library(named.archive)
    if components is not None:
        library |= own_components(components, library)
    chosen = with_settings(named.recipe, settings or (), library)
    shaped = shaped_scale(scale, steps, batch, context, depth)
    (spec,) = task_specs((task,), data, shaped)
    spec = replace(spec, sealed=not whole)
    trainer = Trainer(make_backend(backend, str(cache_directory())))
    vocabulary = trainer.task(spec).vocabulary
    if width is None:
        sizes = fit(chosen, library, shaped, vocabulary).instance.sizes
        width, hidden = sizes.width, sizes.hidden
    job = Job(
        "train",
        chosen.json_text,
        component_sources(chosen, library),
        shaped,
        width,
        hidden or 4 * width,
        spec,
        seed,
        start=0,
        stop=shaped.steps,
    )
    _print_run(trainer, job, named.name)


def _print_run(trainer: Trainer, job: Job, name: str) -> None:
    target = console()
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


def with_settings(recipe: Recipe, assignments: Sequence[str], library: Library) -> Recipe:
    """The recipe with settings changed, each given as PATH.SETTING=VALUE.

    Raises ValueError for an assignment that is not of that form, and EditError for one that does not apply.
    """
    edits: list[Edit] = []
    genes = dict(recipe.genes())
    for assignment in assignments:
        place, equals, text = assignment.partition("=")
        path, dot, name = place.rpartition(".")
        if not equals or not dot or path not in genes:
            raise ValueError(
                f"--set {assignment}: expected PATH.SETTING=VALUE with PATH one of {', '.join(genes)}"
            )
        component = component_of(genes[path], library, path)
        defaults = {setting.name: setting.default for setting in component.settings}
        edits.append(SetSetting(path=path, setting=name, value=_value(text, defaults.get(name))))
    return apply(recipe, edits, library).recipe if edits else recipe


def own_components(path: Path, library: Library) -> Library:
    """Components of a user's file. Raises ValueError where it cannot be read, GenomeError where it is not legal."""
    try:
        return read_components(path, library)
    except OSError as error:
        raise ValueError(f"--components {path}: cannot be read: {error.strerror}") from None
    except UnicodeError:
        raise ValueError(f"--components {path}: not text in UTF-8") from None


def shaped_scale(name: str, steps: int | None, batch: int | None, context: int | None, depth: int | None) -> Scale:
    """A scale of the ladder with some of its sizes replaced. Raises ValueError for one that is not there."""
    if name not in SCALES:
        raise ValueError(f"--scale: unknown scale {name!r}; accepted: {', '.join(SCALES)}")
    scale = SCALES[name]
    batch, context = batch or scale.batch, context or scale.context
    tokens = steps * batch * context if steps else scale.tokens
    return replace(scale, batch=batch, context=context, depth=depth or scale.depth, tokens=tokens)


def _value(text: str, default: Scalar | None) -> Scalar:
    """The text as a value of the setting's type."""
    if isinstance(default, bool) and text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text) if isinstance(default, float) else int(text)
    except ValueError:
        return text
