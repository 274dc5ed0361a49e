"""The evidence of a whole search, read from its rows."""

from __future__ import annotations

from genome.arrangement import Composition
from genome.edits import edits_from_json
from genome.recipe import Recipe
from runs.archive import Archive
from runs.contract import SearchStore
from runs.evidence.cases import cases
from runs.evidence.evidence import Evidence, evidence
from runs.evidence.findings import Change


def gather(archive: Archive | SearchStore) -> Evidence:
    """The evidence of everything settled so far: a function of the rows, whatever their order.

    Raises StoreError, RecipeError or EditError where a row cannot be read.
    """
    kinds = {component.name: component.kind for component in archive.components()}
    texts = {row.hash: row.recipe for row in archive.recipes()}
    attempts = [a for a in archive.attempts() if a.recipe is not None and a.status != "duplicate"]
    scores = {a.id: a.score for a in attempts if a.status == "evaluated" and a.score is not None}
    recipes = {a.id: Recipe.from_json(texts[str(a.recipe)]) for a in attempts if a.id in scores}
    compositions = {number: Composition.of(recipe, kinds) for number, recipe in recipes.items()}
    own = cases({a.id: a.parents for a in attempts}, scores, compositions.__getitem__)
    changes = []
    for attempt in attempts:
        parent = attempt.parents[0] if attempt.parents else 0
        edits = archive.edits(attempt.id) if attempt.id in scores and parent in scores else ()
        if len(edits) == 1:
            (edit,) = edits_from_json(f"[{edits[0].edit}]")
            changes.append(Change(edit, recipes[parent], scores[attempt.id] - scores[parent]))
    return evidence(own, changes, kinds)
