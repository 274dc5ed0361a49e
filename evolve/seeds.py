"""The recipes a search starts from: published ones, and those a user brings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cognition.loader import load_architectures
from evaluators.fitting import fit
from evaluators.scales import Scale
from genome.component import Library
from genome.errors import GenomeError
from genome.recipe import Recipe

FIRST = ("llama", "mamba2", "rwkv4", "gated_deltanet", "hyena", "griffin", "h3", "rwkv6", "gla", "min_gru")
"""Order in which published architectures enter the first generation; the others follow."""


def seed_names() -> list[str]:
    """Every published architecture, those of `FIRST` at the front: one of each family comes early."""
    return [*FIRST, *(name for name in load_architectures() if name not in FIRST)]


def read_seeds(files: Iterable[str], library: Library, scale: Scale, vocabulary: int) -> dict[str, Recipe]:
    """Recipes of JSON files by the files' names, in their order.

    Raises ValueError in one line that names the file: it cannot be read, holds no recipe, one that is not legal or
    has no instance at the scale, or has the name of another or of a published one.
    """
    found: dict[str, Recipe] = {}
    for file in map(Path, files):
        try:
            recipe = Recipe.from_json(file.read_bytes())
            fit(recipe, library, scale, vocabulary)
        except OSError as error:
            raise ValueError(f"--seed-recipe {file}: cannot be read: {error.strerror}") from None
        except GenomeError as error:
            raise ValueError(f"--seed-recipe {file}: {error}") from None
        if file.stem in found or file.stem in load_architectures():
            raise ValueError(f"--seed-recipe {file}: another recipe is called {file.stem!r}; rename the file")
        found[file.stem] = recipe
    return found
