"""Rows of a generation's proposals, checked against what is stored; the store inserts them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from runs import records
from runs.encoding import Value, json_text, stored_row
from runs.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

Row = dict[str, Value]

TABLES = ("recipes", "attempts", "parents", "edits", "adjustments", "components", "predictions")
"""Tables a proposal writes, in the order their foreign keys need."""

_WITH_RESULT = "('proposed', 'screened', 'evaluated')"


def rows(
    database: Database, generation: int, first: int, proposals: Sequence[records.Proposal], created_at: str
) -> Mapping[str, list[Row]]:
    """Rows per table for `proposals`, numbered from `first`. Raises StoreError where one does not fit."""
    recipes = [proposal.recipe for proposal in proposals if proposal.recipe is not None]
    tables: dict[str, list[Row]] = {table: [] for table in TABLES}
    tables["recipes"] = new_recipes(database, recipes)
    earliest: dict[str, int] = {}
    with_result: dict[str, int] = {}
    components: list[records.Component] = []
    for number, proposal in enumerate(proposals, first):
        digest = None if proposal.recipe is None else proposal.recipe.hash
        duplicate_of = None
        if proposal.status == "duplicate":
            if digest is not None:
                duplicate_of = earliest.get(digest) or _first(database, digest, "status <> 'duplicate'")
            if duplicate_of is None:
                raise StoreError(f"attempt {number}: a duplicate, but no earlier attempt has recipe {digest}")
        elif digest is not None:
            if proposal.status == "proposed":
                holder = with_result.get(digest) or _first(database, digest, f"status IN {_WITH_RESULT}")
                if holder is not None:
                    raise StoreError(f"attempt {number}: attempt {holder} has recipe {digest}: it is a duplicate")
                with_result[digest] = number
            earliest.setdefault(digest, number)
        tables["attempts"].append(_attempt_row(number, generation, proposal, digest, duplicate_of, created_at))
        tables["parents"] += _parent_rows(number, first, proposal.parents)
        tables["edits"] += [
            stored_row({"attempt": number, "position": position, **asdict(edit)})
            for position, edit in enumerate(proposal.edits)
        ]
        tables["adjustments"] += adjustment_rows(number, 0, proposal.adjustments)
        tables["predictions"] += [
            {"attempt": number, "skill": skill, "effect": effect} for skill, effect in proposal.expected.items()
        ]
        components += [replace(component, first_attempt=number) for component in proposal.components]
    tables["components"] = new_components(database, components)
    return tables


def new_recipes(database: Database, recipes: Iterable[records.Recipe]) -> list[Row]:
    """Rows of the recipes not stored yet. A hash is of content: the first text that has it stands for all."""
    rows: dict[str, Row] = {}
    for recipe in recipes:
        known = database.execute("SELECT 1 FROM recipes WHERE hash = ?", [recipe.hash]).fetchone()
        if recipe.hash not in rows and known is None:
            rows[recipe.hash] = stored_row(asdict(recipe))
    return list(rows.values())


def new_components(database: Database, components: Iterable[records.Component]) -> list[Row]:
    """Rows of the components not stored yet; StoreError where a stored name has another hash."""
    rows: dict[str, Row] = {}
    for component in components:
        if component.name in rows:
            digest = rows[component.name]["hash"]
        else:
            found = database.execute("SELECT hash FROM components WHERE name = ?", [component.name]).fetchone()
            digest = None if found is None else found[0]
        if digest is None:
            rows[component.name] = stored_row(asdict(component))
        elif digest != component.hash:
            raise StoreError(f"component {component.name} is already stored with another definition ({digest})")
    return list(rows.values())


def adjustment_rows(number: int, position: int, adjustments: Iterable[records.Adjustment]) -> list[Row]:
    """Rows of an attempt's adjustments, their values as JSON text, numbered from `position`."""
    return [
        stored_row(
            {
                "attempt": number,
                "position": place,
                "name": adjustment.name,
                "original": json_text(f"original {adjustment.name}", adjustment.original),
                "value": json_text(adjustment.name, adjustment.value),
                "reason": adjustment.reason,
            }
        )
        for place, adjustment in enumerate(adjustments, position)
    ]


def _attempt_row(
    number: int,
    generation: int,
    proposal: records.Proposal,
    digest: str | None,
    duplicate_of: int | None,
    created_at: str,
) -> Row:
    values: dict[str, Any] = {
        "id": number,
        "generation": generation,
        "operator": proposal.operator,
        "status": proposal.status,
        "reason": proposal.reason,
        "recipe": digest,
        "duplicate_of": duplicate_of,
        "label": proposal.label or (proposal.recipe.label if proposal.recipe else ""),
        "family": proposal.family,
        "parameters": proposal.parameters,
        "flops_per_token": proposal.flops_per_token,
        "state_bytes": proposal.state_bytes,
        "created_at": created_at,
    }
    return stored_row(values)


def _parent_rows(number: int, first: int, parents: Sequence[int]) -> list[Row]:
    rows = []
    for position, parent in enumerate(parents):
        if not 1 <= parent < first:
            raise StoreError(f"attempt {number}: parent {parent} is no attempt of an earlier generation")
        rows.append(stored_row({"attempt": number, "position": position, "parent": parent}))
    return rows


def _first(database: Database, digest: str, condition: str) -> int | None:
    found = database.execute(f"SELECT min(id) FROM attempts WHERE recipe = ? AND {condition}", [digest])
    return found.fetchone()[0]
