"""`export`: a recipe as one Python module of a framework, which needs nothing of this project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backends.export.module import module_text
from backends.export.targets import TARGETS
from backends.weights import read_state, write_state
from cognition.loader import load_architectures
from evaluators.fitting import fit
from evaluators.scales import SCALES
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
)
from evolve.configuration import Configuration
from evolve.display import console
from evolve.naming import NamedRecipe
from evolve.output import write_text
from evolve.session import prepare
from genome.instance import instantiate
from genome.values import Sizes
from runs.genealogy import lineage_lines

BYTES = 256
"""Vocabulary unless a search or an option says otherwise."""


def export(
    recipe: RecipeName,
    to: Annotated[str, typer.Option("--to", help=f"One of {', '.join(TARGETS)}.")],
    file: Annotated[Path, typer.Option("--file", "-o", help="Write the module to this file.")],
    weights: Annotated[
        Path | None, typer.Option(help="Trained state of this model; its parameters go beside the module.")
    ] = None,
    scale: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(SCALES)} (default: the search's, else tiny).")
    ] = None,
    vocabulary: Annotated[
        int | None, typer.Option(min=1, help="Number of tokens (default: the search's, else 256).")
    ] = None,
    context: Context = None,
    depth: Depth = None,
    width: Width = None,
    hidden: Hidden = None,
    settings: Settings = None,
    components: Components = None,
    out: AttemptsOf = None,
) -> None:
    """Write a recipe as one readable Python module of PyTorch, Flax or MLX.

    The module reads whole sequences, `model(tokens)`, and decodes: `state = model.initial_state(batch)`, then
    `scores, state = model.step(token, state)` for one token of each sequence, or `model.read(tokens, state)` for
    several. `generate(model, prompt, tokens, temperature)` continues a prompt; temperature 0 takes the likeliest.
    """
    if to not in TARGETS:
        raise ValueError(f"--to {to}: unknown; accepted: {', '.join(TARGETS)}")
    if hidden is not None and width is None:
        raise ValueError("--hidden goes with --width")
    beside = file.with_suffix(".safetensors")
    if weights is not None and beside.resolve() == weights.resolve():
        raise ValueError(f"--weights {weights}: is where the parameters go; give the module another name")
    chosen = choose(recipe, out, components, settings)
    named = chosen.named
    if named.archive is not None:
        configuration = Configuration.of_search(named.archive.run.configuration)
        scale = scale or configuration.scale
        vocabulary = vocabulary or _vocabulary(configuration)
    shaped, vocabulary = shaped_scale(scale or "tiny", None, None, context, depth), vocabulary or BYTES
    if width is None:
        instance = fit(chosen.recipe, chosen.library, shaped, vocabulary).instance
    else:
        sizes = Sizes(width, hidden or 4 * width, vocabulary, shaped.context)
        instance = instantiate(chosen.recipe, chosen.library, sizes, shaped.depth)
    text = module_text(
        instance, chosen.library, TARGETS[to], _title(named), chosen.recipe.lines(), _lineage(named)
    )
    parameters = None if weights is None else read_state(weights, instance)[0]
    write_text(file, text)
    target = console()
    target.print(f"{file}: {instance.cost.parameters:,} parameters", markup=False)
    if parameters is not None:
        write_state(beside, parameters, {}, 0, {})
        target.print(f"{beside}: the parameters, for load()", markup=False)


def _vocabulary(configuration: Configuration) -> int:
    """The vocabulary for which a search sizes its candidates."""
    return max(task.vocabulary for task in prepare(configuration).tasks)


def _title(named: NamedRecipe) -> str:
    """The name, with the publication of an architecture."""
    architecture = load_architectures().get(named.name)
    if architecture is None:
        return named.name
    where = f"arXiv {architecture.arxiv}" if architecture.arxiv else str(architecture.year)
    return f"{named.name} ({where})"


def _lineage(named: NamedRecipe) -> list[str]:
    if named.archive is None or named.attempt is None:
        return []
    return lineage_lines(named.archive.lineage(named.attempt))
