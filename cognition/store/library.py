"""The library of published components and architectures as rows of the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from cognition.store.records import Paper, StoredComponent

LIBRARY = "library"
"""Origin of the rows that are made from the shipped library."""

_PACKAGE = Path(__file__).parent.parent
_SOURCES = ("library/*.py", "architectures/*.py", "names.py", "store/library.py", "store/relations.py")


def fingerprint() -> str:
    """A hash of the files that the library's rows are made from; reads them, and parses nothing."""
    digest = hashlib.sha256()
    for pattern in _SOURCES:
        for path in sorted(_PACKAGE.glob(pattern)):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def library_components() -> Iterator[StoredComponent]:
    """Every published component, then every architecture."""
    from cognition.loader import load_architectures, load_library
    from cognition.names import ARCHITECTURE_NAMES, COMPONENT_NAMES
    from genome.recipe import recipe_hash

    library = load_library()
    for component in library.values():
        origin = component.provenance
        if origin is None:
            continue
        yield StoredComponent(
            name=component.name,
            form="component",
            kind=component.kind,
            hash=component.hash,
            source=component.source,
            aliases=COMPONENT_NAMES.get(component.name, ()),
            paper=Paper(origin.arxiv, None, origin.title, origin.year),
            insight=component.doc,
            triggers=origin.answers,
        )
    for architecture in load_architectures().values():
        yield StoredComponent(
            name=architecture.name,
            form="architecture",
            kind="architecture",
            hash=recipe_hash(architecture.recipe, library),
            source=architecture.recipe.json_text,
            aliases=ARCHITECTURE_NAMES.get(architecture.name, ()),
            paper=Paper(architecture.arxiv, None, architecture.title, architecture.year),
            insight=architecture.insight,
            triggers=architecture.answers,
        )
