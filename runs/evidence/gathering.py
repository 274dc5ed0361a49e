"""The evidence of a whole search, read from its rows."""

from __future__ import annotations

from genome.edits import edits_from_json
from genome.recipe import Recipe
from runs.archive import Archive
from runs.contract import SearchStore
from runs.evidence.cases import Observation
from runs.evidence.evidence import Evidence, evidence
from runs.evidence.findings import Change


def gather(archive: Archive | SearchStore) -> Evidence:
    """The evidence of everything settled so far: a function of the rows, whatever their order.

    Raises StoreError, RecipeError or EditError where a row cannot be read.
    """
    kinds = {component.name: component.kind for component in archive.components()}
    recipes = {row.hash: Recipe.from_json(row.recipe) for row in archive.recipes()}
    attempts = [a for a in archive.attempts() if a.recipe is not None and a.status != "duplicate"]
    scores = {a.id: a.score for a in attempts if a.status == "evaluated"}
    own = {a.id: recipes[str(a.recipe)] for a in attempts}
    observations = [Observation(a.id, a.parents, own[a.id], scores.get(a.id)) for a in attempts]
    changes = []
    for attempt in attempts:
        score, parent = scores.get(attempt.id), attempt.parents[0] if attempt.parents else 0
        before = scores.get(parent)
        edits = archive.edits(attempt.id) if score is not None and before is not None else ()
        if score is not None and before is not None and len(edits) == 1:
            (edit,) = edits_from_json(f"[{edits[0].edit}]")
            changes.append(Change(edit, own[parent], score - before))
    return evidence(observations, changes, kinds)
