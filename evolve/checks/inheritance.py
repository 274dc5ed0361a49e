"""Recipes have the hashes they are stored under, and every child is its parents plus its edits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cognition.loader import load_library
from genome.component import Component, Library
from genome.edits import apply, edits_from_json
from genome.edits.kinds import Edit, Graft
from genome.edits.places import changed
from genome.errors import GenomeError
from genome.parser import parse_component
from genome.recipe import Recipe, recipe_hash
from runs.archive import Archive
from runs.records import Attempt


@dataclass
class Stored:
    """What could be read of a search's components and recipes, and a line for each that could not."""

    library: dict[str, Component] = field(default_factory=lambda: dict(load_library()))
    recipes: dict[str, Recipe] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_stored(archive: Archive) -> Stored:
    """Parse every stored component and recipe and compare it with its hash; nothing is raised for a bad one.

    A search's own text of a component stands above the library's of today.
    """
    stored = Stored()
    for row in archive.components():
        try:
            component = parse_component(row.source, {})
        except GenomeError as error:
            stored.problems.append(f"component {row.name}: {error}")
            continue
        stored.library[row.name] = component
        if (component.name, component.hash, component.kind) != (row.name, row.hash, row.kind):
            stored.problems.append(
                f"component {row.name}: stored as {row.kind} {row.hash}; its source is {component.kind} "
                f"{component.name} {component.hash}"
            )
    for row in archive.recipes():
        try:
            recipe = Recipe.from_json(row.recipe)
            digest = recipe_hash(recipe, stored.library)
        except GenomeError as error:
            stored.problems.append(f"recipe {row.hash}: {error}")
            continue
        stored.recipes[row.hash] = recipe
        if digest != row.hash:
            stored.problems.append(f"recipe {row.hash}: its text has the hash {digest}")
    return stored


def inheritance_problems(archive: Archive, stored: Stored) -> Iterator[str]:
    """A line for every attempt with a recipe that its parents and edits do not lead to."""
    attempts = {attempt.id: attempt for attempt in archive.attempts()}
    for attempt in attempts.values():
        if attempt.recipe is None:
            continue
        parents = [attempts[parent] for parent in attempt.parents if parent in attempts]
        texts = [edit.edit for edit in archive.edits(attempt.id)]
        if not parents:
            if texts:
                yield f"attempt {attempt.id}: has {len(texts)} edits and no parent"
            continue
        recipes = [stored.recipes.get(str(parent.recipe)) for parent in parents]
        if recipes[0] is None:
            yield f"attempt {attempt.id}: its parent {parents[0].id} has no readable recipe"
            continue
        try:
            edits = edits_from_json(f"[{','.join(texts)}]")
            digest = _child(recipes[0], edits, stored.library)
        except GenomeError as error:
            yield f"attempt {attempt.id}: its edits do not apply to attempt {parents[0].id}: {error}"
            continue
        if digest != attempt.recipe:
            yield (
                f"attempt {attempt.id}: its edits lead from attempt {parents[0].id} to recipe {digest}, "
                f"it has {attempt.recipe}"
            )
        if len(parents) > 1:
            yield from _graft_problems(attempt, parents[1], recipes[1], edits, stored.library)


def _child(parent: Recipe, edits: tuple[Edit, ...], library: Library) -> str:
    applied = apply(parent, edits, library)
    known: Mapping[str, Component] = {**library, **{c.name: c for c in applied.components}}
    return recipe_hash(applied.recipe, known)


def _graft_problems(
    attempt: Attempt, donor: Attempt, recipe: Recipe | None, edits: tuple[Edit, ...], library: Library
) -> Iterator[str]:
    """Grafts whose blocks are no span of the second parent."""
    for edit in edits:
        if not isinstance(edit, Graft) or recipe is None:
            continue
        # Texts of one recipe may differ in names and defaults: spans are compared by what they compute.
        wanted = recipe_hash(changed(recipe, blocks=edit.blocks), library)
        spans = (
            recipe.blocks[start : start + len(edit.blocks)]
            for start in range(len(recipe.blocks) - len(edit.blocks) + 1)
        )
        if not any(recipe_hash(changed(recipe, blocks=span), library) == wanted for span in spans):
            yield f"attempt {attempt.id}: its graft of {len(edit.blocks)} blocks is not in attempt {donor.id}"
