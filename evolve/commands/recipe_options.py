"""What `train`, `export` and `sample` share: the recipe that a user names and changes, and the sizes they give it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from cognition.loader import read_components
from evaluators.jobs import Job, TaskSpec, component_sources
from evaluators.scales import SCALES, Scale
from evolve.commands.inspect import opened
from evolve.naming import NamedRecipe, resolve
from evolve.session import stored_library
from genome.component import Library
from genome.edits import Edit, apply
from genome.edits.kinds import SetSetting
from genome.expressions import Scalar
from genome.recipe import Recipe, component_of

Context = Annotated[int | None, typer.Option(min=1, help="Positions per sequence.")]
Depth = Annotated[int | None, typer.Option(min=1, help="Times that the sequence of blocks repeats.")]
Width = Annotated[int | None, typer.Option(min=1, help="Stream width, in place of a parameter budget.")]
Hidden = Annotated[int | None, typer.Option(min=1, help="Hidden size with --width (default: 4 widths).")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="PATH.SETTING=VALUE: 2.0.1.heads=8.")]
Components = Annotated[
    Path | None, typer.Option(help="Python file of components that the recipe uses besides the library's.")
]
AttemptsOf = Annotated[Path | None, typer.Option(help="Search that an attempt's number refers to.")]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A recipe as named and as changed, and every component that it may use."""

    named: NamedRecipe
    recipe: Recipe
    library: Library


def choose(name: str, out: Path | None, components: Path | None, settings: Sequence[str] | None) -> Chosen:
    """The recipe of a name with a user's own components and settings. Raises ValueError for what is wrong in them."""
    named = resolve(name, lambda: opened(out))
    library = stored_library(named.archive)
    if components is not None:
        library |= _own_components(components, library)
    return Chosen(named, _with_settings(named.recipe, settings or (), library), library)


def shaped_scale(name: str, steps: int | None, batch: int | None, context: int | None, depth: int | None) -> Scale:
    """A scale of the ladder with some of its sizes replaced. Raises ValueError for one that is not there."""
    if name not in SCALES:
        raise ValueError(f"--scale: unknown scale {name!r}; accepted: {', '.join(SCALES)}")
    scale = SCALES[name]
    batch, context = batch or scale.batch, context or scale.context
    tokens = steps * batch * context if steps else scale.tokens
    return replace(scale, batch=batch, context=context, depth=depth or scale.depth, tokens=tokens)


def whole_run(
    chosen: Chosen, scale: Scale, sizes: tuple[int, int], task: TaskSpec, seed: int, checkpoint: Path | None = None
) -> Job:
    """The job that trains the recipe from start to end at a width and a hidden size."""
    width, hidden = sizes
    return Job(
        chosen.named.name,
        chosen.recipe.json_text,
        component_sources(chosen.recipe, chosen.library),
        scale,
        width,
        hidden,
        task,
        seed,
        start=0,
        stop=scale.steps,
        checkpoint=None if checkpoint is None else str(checkpoint),
    )


def _own_components(path: Path, library: Library) -> Library:
    """Components of a user's file. Raises ValueError where it cannot be read, GenomeError where it is not legal."""
    try:
        return read_components(path, library)
    except OSError as error:
        raise ValueError(f"--components {path}: cannot be read: {error.strerror}") from None
    except UnicodeError:
        raise ValueError(f"--components {path}: not text in UTF-8") from None


def _with_settings(recipe: Recipe, assignments: Sequence[str], library: Library) -> Recipe:
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


def _value(text: str, default: Scalar | None) -> Scalar:
    """The text as a value of the setting's type."""
    if isinstance(default, bool) and text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text) if isinstance(default, float) else int(text)
    except ValueError:
        return text
