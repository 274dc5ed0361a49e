"""How components and architectures of the library are related: what they declare, call, and put side by side.

Nothing is guessed. Every relation says which of these rules found it, and its evidence can be looked up:

- "declared": `builds_on=` and `replaces=` above a component;
- "calls": a component's definition names another one;
- "contains": an architecture's recipe has the component, whatever its place;
- "same branch", "parallel branches", "next block": two components stand next to each other in a recipe, one after
  the other in a branch, as the last of two branches of a block, or as the last of two blocks in sequence;
- "both ends": the embedding and the head of a recipe.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import Literal

from cognition.architectures import Architecture
from cognition.store.records import RelationKind
from genome.component import Library
from genome.recipe import Block

Form = Literal["component", "architecture"]


@dataclass(frozen=True, slots=True)
class LibraryRelation:
    """Something of the library, by form and name, that is related to a component; the paper is the subject's.

    What two components share an architecture for is stated by the architecture: `stated_by` is its name, else that
    of the subject.
    """

    kind: RelationKind
    form: Form
    subject: str
    object: str
    rule: str
    evidence: str
    stated_by: str


def library_relations() -> Iterator[LibraryRelation]:
    """Every relation of the library, each subject's first statement about an object first."""
    from cognition.loader import LIBRARY, load_architectures, load_library

    library = load_library()
    yield from _declared(library)
    yield from _called(library, LIBRARY)
    for architecture in load_architectures().values():
        yield from _contained(architecture)
        yield from _paired(architecture)


def _declared(library: Library) -> Iterator[LibraryRelation]:
    for name, component in library.items():
        origin = component.provenance
        if origin is None:
            continue
        for other in origin.builds_on:
            evidence = f'the library declares it: {name}, of "{origin.title}", builds on {other}'
            yield LibraryRelation("builds_on", "component", name, other, "declared", evidence, name)
        for other in origin.replaces:
            reason = f"for {origin.answers}" if origin.answers else "for no stated reason"
            evidence = f'the library declares it: {name}, of "{origin.title}", stands in place of {other} {reason}'
            yield LibraryRelation("replaces", "component", name, other, "declared", evidence, name)


def _called(library: Library, folder: Path) -> Iterator[LibraryRelation]:
    for path in sorted(folder.glob("*.py")):
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(function, ast.FunctionDef) or function.name not in library:
                continue
            calls = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
            names = [call.id for call in calls if isinstance(call, ast.Name) and call.id in library]
            for other in dict.fromkeys(names):
                evidence = f"the definition of {function.name} in {path.name} calls {other}"
                yield LibraryRelation(
                    "builds_on", "component", function.name, other, "calls", evidence, function.name
                )


def _contained(architecture: Architecture) -> Iterator[LibraryRelation]:
    places: dict[str, str] = {}
    for place, gene in architecture.recipe.genes():
        places.setdefault(gene.component, place)
    for other, place in places.items():
        evidence = f"the recipe of {architecture.name} contains {other} at {place}"
        name = architecture.name
        yield LibraryRelation("builds_on", "architecture", name, other, "contains", evidence, name)


def _paired(architecture: Architecture) -> Iterator[LibraryRelation]:
    found: dict[frozenset[str], LibraryRelation] = {}
    for rule, (one, other) in _neighbours(architecture):
        if one != other and (pair := frozenset((one, other))) not in found:
            evidence = f'in {architecture.name} ("{architecture.title}"): {_TOLD[rule].format(one, other)}'
            found[pair] = LibraryRelation("pairs_with", "component", one, other, rule, evidence, architecture.name)
    yield from found.values()


_TOLD: Mapping[str, str] = {
    "same branch": "{} stands directly before {} in a branch",
    "parallel branches": "{} and {} read the same input in parallel branches",
    "next block": "a block of {} is followed by one of {}",
    "both ends": "{} at the beginning and {} at the end",
}


def _neighbours(architecture: Architecture) -> Iterator[tuple[str, tuple[str, str]]]:
    recipe = architecture.recipe
    branches = (recipe.embedding, *(branch for block in recipe.blocks for branch in block.branches), recipe.head)
    for branch in branches:
        yield from (("same branch", (a.component, b.component)) for a, b in pairwise(branch))
    for block in recipe.blocks:
        yield from (("parallel branches", pair) for pair in combinations(_last(block), 2))
    for block, following in pairwise(recipe.blocks):
        yield from (("next block", pair) for pair in product(_last(block), _last(following)))
    yield "both ends", (recipe.embedding[0].component, recipe.head[-1].component)


def _last(block: Block) -> list[str]:
    """The last component of each branch of a block: its mixer or channel, after a norm."""
    return [branch[-1].component for branch in block.branches]
