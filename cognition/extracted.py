"""Components that were extracted from papers, each with its paper, as a search uses them beside the library's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cognition.loader import load_library
from cognition.store.database import default_path
from cognition.store.store import CognitionStore
from genome.component import Component, Provenance
from genome.errors import GenomeError
from genome.parser import parse_component


def extracted_components(path: Path | None = None) -> dict[str, Component]:
    """Extracted components of the store at `path` (default: the user's) by name, each with the paper it is from.

    Left out is what the library has by now, and what is no longer in the language. Raises ValueError where nothing
    is left, and CognitionError for a store that cannot be read.
    """
    where = default_path() if path is None else path
    with CognitionStore.open(where) as store:
        found = {component.name: component for component in parsed(store.extracted())}
    if not found:
        raise ValueError(
            f"library learned: {where} holds no extracted component; `python -m evolve cognition extract --llm` finds "
            f"some, and --library published needs none"
        )
    return found


def parsed(rows: list[dict[str, Any]]) -> Iterator[Component]:
    """Components of rows of the store, but those that the library has by name or by hash."""
    library = load_library()
    hashes = {component.hash for component in library.values()}
    for row in rows:
        try:
            component = parse_component(row["source"], {})
        except GenomeError:
            continue
        if component.name not in library and component.hash not in hashes:
            yield _with_paper(component, row)


def _with_paper(component: Component, paper: Mapping[str, Any]) -> Component:
    """The component as published in a paper: only such components are inserted by mutation."""
    origin = Provenance(paper["arxiv"], paper["year"], paper["title"], paper["triggers"])
    return replace(component, provenance=origin)
