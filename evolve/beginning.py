"""How a search begins or goes on: its store, what it starts from, its workers and its language models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from cognition.extracted import extracted_components
from evolve.configuration import Configuration
from evolve.guidance.snapshot import require_store
from evolve.llm.desk import Desk
from evolve.llm.opening import access
from evolve.measurement import Laboratory
from evolve.seeds import read_seeds
from evolve.session import Prepared, default_directory, laboratory, prepare, search_store, stored_library, workers
from evolve.software import note_software
from evolve.stopping import stoppable
from genome.component import Component
from genome.recipe import Recipe
from runs.archive import Archive
from runs.store import Store


@dataclass(frozen=True)
class Begun:
    """A search that is open for writing, with workers that train for it and a desk where it has language models.

    `library` and `seeds` are what the search starts from; see `evolve.search.Search`.
    """

    prepared: Prepared
    store: Store
    laboratory: Laboratory
    library: dict[str, Component]
    seeds: Mapping[str, Recipe]
    desk: Desk | None


@contextmanager
def begun(configuration: Configuration, directory: Path | None = None) -> Iterator[Begun]:
    """The search in `directory` (default: one named after the configuration), made where there is none.

    Raises ValueError in one line for what cannot be had, before a search is made of it; for how it ends early see
    `evolve.stopping`.
    """
    directory = directory or default_directory(configuration)
    models = None if _finished(directory, configuration) else access(configuration)
    prepared = prepare(configuration)
    with _opened(directory, prepared) as (store, library, seeds), stoppable(store):
        note_software(store)
        desk = models.desk(store, configuration) if models else nullcontext()
        with workers(prepared, directory / "logs") as executor, desk as opened:
            own = laboratory(prepared, store, executor, library)
            yield Begun(prepared, store, own, library, seeds, opened)


def _finished(directory: Path, configuration: Configuration) -> bool:
    """Whether a search has every generation that is wanted: it asks no language model any more."""
    if not Store.exists(directory):
        return False
    with Archive.at(directory) as archive:
        return archive.generation_count() >= configuration.generations


@contextmanager
def _opened(
    directory: Path, prepared: Prepared
) -> Iterator[tuple[Store, dict[str, Component], dict[str, Recipe]]]:
    """The store, and the library and seeds that the search starts from; nothing is made where they cannot be had."""
    start = None if Store.exists(directory) else _start(prepared, None)
    with search_store(directory, prepared) as store:
        yield store, *(start or _start(prepared, store))


def _start(prepared: Prepared, archive: Archive | None) -> tuple[dict[str, Component], dict[str, Recipe]]:
    """The library and the user's recipes, for a search that has rows or for a new one.

    Extracted components are read until the search has stored its library, which it does with its first proposals:
    what is learned later would change its genealogy. Recipes are read until there are attempts, and never again.
    """
    configuration, library = prepared.configuration, stored_library(archive)
    if archive is None:
        require_store(configuration.guidance)
    if configuration.library == "learned" and not (archive and archive.components()):
        library |= extracted_components()
    if archive and archive.attempt_count():
        return library, {}
    vocabulary = max(task.vocabulary for task in prepared.tasks)
    return library, read_seeds(configuration.seed_recipe, library, prepared.scale, vocabulary)
