"""`sample`: a recipe trained on text, in this process, goes on with a prompt."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer

from backends.selection import make_backend
from evaluators.fitting import fit
from evaluators.jobs import TaskSpec
from evaluators.sampling import continuation
from evaluators.scales import SCALES, Scale
from evaluators.tasks.registry import make_task
from evaluators.tasks.text import LanguageModelling
from evaluators.training import Trainer
from evolve.commands.inspect import RecipeName
from evolve.commands.recipe_options import (
    AttemptsOf,
    Chosen,
    Components,
    Settings,
    choose,
    shaped_scale,
    whole_run,
)
from evolve.commands.train import print_run
from evolve.configuration import Configuration
from evolve.display import console
from evolve.session import cache_directory, search_scale, task_specs
from genome.instance import instantiate
from genome.values import Sizes


def sample(
    recipe: RecipeName,
    prompt: Annotated[str, typer.Option(help="Text to go on with.")],
    tokens: Annotated[int, typer.Option(min=1, help="Characters (or bytes) to add.")] = 200,
    temperature: Annotated[float, typer.Option(min=0.0, help="0 takes the most probable each time.")] = 0.8,
    seed: Annotated[int, typer.Option(min=0, help="Seed of parameters, batches and draws.")] = 0,
    weights: Annotated[
        Path | None, typer.Option(help="Trained state of this model; where the file is absent, it is kept there.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Corpus (default: the search's, else as in `run`).")] = None,
    scale: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(SCALES)} (default: the search's, else tiny).")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimizer steps.")] = None,
    settings: Settings = None,
    components: Components = None,
    backend: Annotated[str, typer.Option(help="auto or the name of a backend.")] = "auto",
    out: AttemptsOf = None,
) -> None:
    """Train one recipe on text, unless its weights are given, and print the prompt with what it adds."""
    if weights is not None and not weights.parent.is_dir():
        raise ValueError(f"--weights {weights}: its directory does not exist")
    chosen = choose(recipe, out, components, settings)
    shaped, specs = _training(chosen, scale, steps, data)
    made = {spec: make_task(spec.name, spec.profile, data=spec.data, context=spec.context) for spec in specs}
    spec, text = next((spec, task) for spec, task in made.items() if isinstance(task, LanguageModelling))
    read = text.corpus.encode(prompt)
    if not len(read):
        raise ValueError("--prompt: give at least one character to go on with")
    vocabulary = max(task.vocabulary for task in made.values())
    fitted = fit(chosen.recipe, chosen.library, shaped, vocabulary).instance.sizes
    sizes = Sizes(fitted.width, fitted.hidden, text.vocabulary, text.context)
    own = make_backend(backend, str(cache_directory()))
    model = own.lower(
        instantiate(chosen.recipe, chosen.library, sizes, shaped.depth),
        steps=shaped.steps,
        precision=shaped.precision,
    )
    with TemporaryDirectory() as folder:
        path = weights or Path(folder) / "weights.safetensors"
        if not path.exists():
            job = whole_run(chosen, shaped, (sizes.width, sizes.hidden), spec, seed, path)
            trainer = Trainer(own, {spec: text})
            print_run(trainer, job, chosen.named.name, console(stderr=True))
        state = model.load(path)
    added = continuation(
        model, state, read.tolist(), vocabulary=text.corpus.vocabulary, temperature=temperature, seed=seed
    )
    whole = np.array([*read.tolist(), *islice(added, tokens)])
    console().out(text.corpus.decode(whole), highlight=False)


def _training(
    chosen: Chosen, scale: str | None, steps: int | None, data: str | None
) -> tuple[Scale, tuple[TaskSpec, ...]]:
    """Scale and tasks of the search that an attempt is of, unless options say otherwise; else text alone, at `tiny`.

    Raises ValueError where the search has no text.
    """
    archive = chosen.named.archive
    if archive is None:
        shaped = shaped_scale(scale or "tiny", steps, None, None, None)
        return shaped, task_specs((LanguageModelling.name,), data, shaped)
    configuration = Configuration.of_search(archive.run.configuration)
    if LanguageModelling.name not in configuration.task:
        raise ValueError(f"{chosen.named.name}: its search has no text, only {', '.join(configuration.task)}")
    shaped = search_scale(configuration)
    if scale is not None or steps is not None:
        shaped = shaped_scale(scale or configuration.scale, steps, None, None, None)
    return shaped, task_specs(configuration.task, data or configuration.data, shaped)
