"""Naming recipes on the command line: an attempt's number, a published architecture, or a JSON file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from cognition.loader import load_architectures
from genome.recipe import Recipe
from runs.archive import Archive
from runs.contract import SearchStore
from runs.records import Attempt


@dataclass(frozen=True)
class NamedRecipe:
    """A recipe with the name to print, and the search and attempt it comes from, if any."""

    name: str
    recipe: Recipe
    archive: Archive | None = None
    attempt: int | None = None


def recipe_of(archive: Archive | SearchStore, attempt: Attempt) -> Recipe:
    """The recipe of an attempt that has one. Raises StoreError for one without."""
    return Recipe.from_json(archive.recipe(str(attempt.recipe)).recipe)


def resolve(text: str, search: Callable[[], Archive]) -> NamedRecipe:
    """The recipe that a command-line argument names; `search` opens the search that numbers refer to.

    Raises ValueError in one line where it names none.
    """
    if text.isdecimal():
        archive = search()
        attempt = archive.attempt(int(text))
        if attempt.recipe is None:
            raise ValueError(f"attempt {text} has no recipe: {attempt.status}, {attempt.reason}")
        name = f"attempt {text} ({attempt.label})"
        return NamedRecipe(name, recipe_of(archive, attempt), archive, attempt.id)
    architectures = load_architectures()
    if text in architectures:
        return NamedRecipe(text, architectures[text].recipe)
    path = Path(text)
    if path.suffix == ".json" or path.is_file():
        try:
            return NamedRecipe(path.name, Recipe.from_json(path.read_bytes()))
        except OSError as error:
            raise ValueError(f"{text}: cannot be read: {error.strerror}") from None
    close = get_close_matches(text, architectures, 3) or list(architectures)
    raise ValueError(f"no attempt, published architecture or JSON file is called {text!r}; try {', '.join(close)}")
