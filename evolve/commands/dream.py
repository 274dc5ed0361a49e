"""`dream`: recipes composed without training, with what is known of how their components do together."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Annotated, get_args

import typer

from cognition.knowledge import knowledge
from cognition.loader import load_library
from evaluators.scales import SCALES
from evolve.commands.store_options import Store, opened
from evolve.display import console
from evolve.dreaming import Compatibility, Dream, Method, compatibility
from evolve.dreaming import dream as dreamed
from evolve.output import write_text

VOCABULARY = 256
"""Tokens that a recipe is sized for: bytes."""

_METHODS: tuple[Method, ...] = get_args(Method)


def dream(
    method: Annotated[str, typer.Argument(help=f"One of {', '.join(_METHODS)}.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of every draw.")] = 0,
    count: Annotated[int, typer.Option(min=1, help="How many recipes.")] = 1,
    scale: Annotated[str, typer.Option(help=f"Scale at which they are legal: {', '.join(SCALES)}.")] = "tiny",
    file: Annotated[
        Path | None, typer.Option("--file", "-o", help="Write the recipe as JSON; of several, number the files.")
    ] = None,
    store: Store = None,
) -> None:
    """Compose recipes without training: an ordered list each, its estimated compatibility, and why.

    The compatibility is the mean strength of all pairs of neighbouring mixers and channel mixers: of measured pairs
    the lift in units of a search's typical error, shrunk; of published ones 0.5 and 0.1 for every further
    architecture, at most 1; of those that a paper relates 0.5; of unknown ones 0.
    """
    if method not in _METHODS:
        raise ValueError(f"dream {method}: unknown; accepted: {', '.join(_METHODS)}")
    if scale not in SCALES:
        raise ValueError(f"--scale {scale}: unknown; accepted: {', '.join(SCALES)}")
    with opened(store) as own:
        known = knowledge(own)
    library = load_library()
    for number in range(1, count + 1):
        random = Random(f"{seed}/{number}")
        found = dreamed(method, known, library, SCALES[scale], VOCABULARY, random)
        if number > 1:
            console().print("")
        _print(found, compatibility(found.recipe, known, library))
        if file is not None:
            path = file if count == 1 else file.with_stem(f"{file.stem}-{number}")
            write_text(path, found.recipe.json_text)


def _print(found: Dream, fitting: Compatibility) -> None:
    target = console()
    for line in found.recipe.lines():
        target.print(line, markup=False)
    total = len(fitting.known) + len(fitting.unknown)
    target.print(
        f"estimated compatibility {fitting.estimate:+.2f}, the mean over {total} pairs of neighbours, "
        f"{len(fitting.known)} of them known; nothing was trained"
    )
    for affinity in fitting.known:
        target.print(f"  {affinity.pair}: {affinity.strength:+.2f}, {affinity.reason}", markup=False)
    for pair in fitting.unknown:
        target.print(f"  {pair}: nothing known", markup=False)
    for line in found.origin:
        target.print(f"  {line}", markup=False)
