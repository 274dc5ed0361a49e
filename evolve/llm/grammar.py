"""The answer schema narrowed to one parent: its own paths and positions, known components where their kind fits, and
settings within their domains. What follows it nearly always applies: paths are the parent's, so an edit that moves them
comes last, and only typing the whole recipe shows the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evolve.llm.answers import MOST_CONCLUSIONS
from evolve.llm.sources import INVENTED, new_name, source_pattern
from evolve.mutation import FEWEST_BLOCKS, MOST_BLOCKS, MOST_BRANCHES
from genome.arrangement import BODY_KINDS
from genome.component import Component, Library
from genome.edits.places import accepted_kinds
from genome.kinds import KINDS, PLACES
from genome.recipe import Recipe
from genome.settings import Choice, Domain, Flag, Integer, LogRange, Setting

Schema = dict[str, Any]

MOST_EDITS = 4
MOST_GENES = 3

STEADY = ("replace_gene", "set_setting", "set_residual", "set_merge")
"""Edits after which paths and positions mean what they meant before."""

_NONE: Schema = {"type": "array", "items": {"type": "string"}, "minItems": 0, "maxItems": 0}


def grammar(recipe: Recipe, library: Library, skills: Sequence[str], *, invents: bool) -> Schema:
    """JSON schema of proposals that edit this recipe with published components and those that the recipe has.

    One that `invents` is the definition of a component and an edit that uses it; others define none. Grafts are left
    out, which are insertions and removals, and rewrites, which are components of one's own.
    """
    expectation = _object(skill=_one_of(skills), effect=_one_of(["better", "same", "worse"]))
    return {
        **_object(
            motivation={"type": "string", "minLength": 1, "maxLength": 1000},
            expected=_list(expectation, 1, len(skills)),
            edits={"anyOf": list(_inventions(recipe) if invents else _changes())},
        ),
        "$defs": {
            **({} if invents else _edit_definitions(recipe, library)),
            **{kind: _gene(_of_kind(library, recipe, (kind,))) for kind in KINDS},
        },
    }


def analysis_grammar(skills: Sequence[str], attempts: Sequence[int]) -> Schema:
    """JSON schema of an analysis that cites only these attempts."""
    numbers = _list({"enum": list(attempts)}, 0, 8)
    item = _object(
        text={"type": "string", "minLength": 1, "maxLength": 600},
        skills=_list(_one_of(skills), 0, len(skills)),
        attempts=numbers,
        held=numbers,
    )
    return _object(conclusions=_list(item, 0, MOST_CONCLUSIONS))


def _changes() -> Iterable[Schema]:
    """Arrays of edits: all but the last leave every gene in its place."""
    for count in range(MOST_EDITS):
        yield _row(*[{"$ref": "#/$defs/steady"}] * count, {"$ref": "#/$defs/edit"})


def _edit_definitions(recipe: Recipe, library: Library) -> dict[str, Schema]:
    edits = list(_edits(recipe, library))
    steady = [edit for edit in edits if edit["properties"]["kind"]["const"] in STEADY]
    moving = [edit for edit in edits if edit not in steady]
    return {"steady": {"anyOf": steady}, "edit": {"anyOf": [{"$ref": "#/$defs/steady"}, *moving]}}


def _edits(recipe: Recipe, library: Library) -> Iterable[Schema]:
    blocks = range(len(recipe.blocks))
    body = _any_kind(PLACES["block"])
    for path, gene in recipe.genes():
        yield _edit("replace_gene", path={"const": path}, gene=_any_kind(accepted_kinds(recipe, path)))
        for setting in library[gene.component].settings:
            value = _domain(setting.domain)
            yield _edit("set_setting", path={"const": path}, setting={"const": setting.name}, value=value)
    for address, places in _open_places(recipe).items():
        yield _edit("insert_gene", path=_one_of(places), gene=_any_kind(PLACES.get(address, PLACES["block"])))
    if removable := _removable(recipe):
        yield _edit("remove_gene", path=_one_of(removable))
    if len(blocks) < MOST_BLOCKS:
        yield _insert_block(recipe, _list(body, 1, MOST_GENES))
        yield _edit("duplicate_block", position=_one_of(blocks))
    if len(blocks) > FEWEST_BLOCKS:
        yield _edit("remove_block", position=_one_of(blocks))
    if len(blocks) > 1:
        yield _edit("move_block", source=_one_of(blocks), target=_one_of(blocks))
    yield _edit("set_residual", position=_one_of(blocks), gene=_or_none("residual"))
    for position, block in enumerate(recipe.blocks):
        if len(block.branches) > 1:
            yield _edit("set_merge", position={"const": position}, gene=_any_kind(("merge",)))
            branches = _one_of(range(len(block.branches)))
            yield _edit("remove_branch", position={"const": position}, branch=branches)
        if len(block.branches) < MOST_BRANCHES:
            branch, merge = _list(body, 1, MOST_GENES), _any_kind(("merge",))
            yield _edit("split_block", position={"const": position}, branch=branch, merge=merge)


def _inventions(recipe: Recipe) -> Iterable[Schema]:
    """Pairs of edits: a component of some kind is defined and used."""
    for kind in INVENTED:
        if uses := list(_uses(recipe, kind)):
            source = {"type": "string", "pattern": source_pattern(kind)}
            yield _row(_edit("define_component", source=source), {"anyOf": uses})


def _uses(recipe: Recipe, kind: str) -> Iterable[Schema]:
    """Edits that bring in the answer's own component of a kind."""
    new = _object(component={"const": new_name(kind)}, settings=_NONE)
    paths = [path for path, _ in recipe.genes() if kind in accepted_kinds(recipe, path)]
    if paths:
        yield _edit("replace_gene", path=_one_of(paths), gene=new)
    for address, places in _open_places(recipe).items():
        if kind in PLACES.get(address, PLACES["block"]):
            yield _edit("insert_gene", path=_one_of(places), gene=new)
    if kind in BODY_KINDS and len(recipe.blocks) < MOST_BLOCKS:
        yield _insert_block(recipe, _row(_any_kind(("norm",)), new))
    if kind == "residual":
        yield _edit("set_residual", position=_one_of(range(len(recipe.blocks))), gene=new)
    for position, block in enumerate(recipe.blocks):
        if len(block.branches) < MOST_BRANCHES and kind in BODY_KINDS:
            branch, merge = _row(_any_kind(("norm",)), new), _any_kind(("merge",))
            yield _edit("split_block", position={"const": position}, branch=branch, merge=merge)
        if len(block.branches) < MOST_BRANCHES and kind == "merge":
            branch = _list(_any_kind(PLACES["block"]), 1, MOST_GENES)
            yield _edit("split_block", position={"const": position}, branch=branch, merge=new)


def _insert_block(recipe: Recipe, branch: Schema) -> Schema:
    """The insertion of a block of one branch, wherever it may stand."""
    block = _object(
        branches=_list(branch, 1, 1),
        merge={"type": "null"},
        residual=_or_none("residual"),
        repeat={"const": 1},
    )
    return _edit("insert_block", position=_one_of(range(len(recipe.blocks) + 1)), block=block)


def _open_places(recipe: Recipe) -> dict[str, list[str]]:
    """Places of every branch at which a gene may be inserted: an embedding stays first, a head last."""
    places = {
        "embedding": [f"embedding.{i + 1}" for i in range(len(recipe.embedding))],
        "head": [f"head.{i}" for i in range(len(recipe.head))],
    }
    for b, block in enumerate(recipe.blocks):
        for r, branch in enumerate(block.branches):
            places[f"{b}.{r}"] = [f"{b}.{r}.{i}" for i in range(len(branch) + 1)]
    return places


def _removable(recipe: Recipe) -> list[str]:
    inner = [f"embedding.{i}" for i in range(1, len(recipe.embedding))]
    inner += [f"head.{i}" for i in range(len(recipe.head) - 1)]
    for b, block in enumerate(recipe.blocks):
        for r, branch in enumerate(block.branches):
            inner += [f"{b}.{r}.{i}" for i in range(len(branch)) if len(branch) > 1]
    return inner


def _of_kind(library: Library, recipe: Recipe, kinds: Sequence[str]) -> list[Component]:
    """Published components of the kinds, and the recipe's own."""
    own = {gene.component for _, gene in recipe.genes()}
    found = (library[name] for name in sorted(library))
    return [c for c in found if c.kind in kinds and (c.provenance is not None or c.name in own)]


def _gene(components: Sequence[Component]) -> Schema:
    """A gene of one of the components, with settings of its own."""
    plain = [component.name for component in components if not component.settings]
    variants = [_object(component=_one_of(plain), settings=_NONE)] if plain else []
    for component in components:
        if component.settings:
            pairs = {"anyOf": [_pair(setting) for setting in component.settings]}
            settings = _list(pairs, 0, len(component.settings))
            variants.append(_object(component={"const": component.name}, settings=settings))
    return {"anyOf": variants}


def _pair(setting: Setting) -> Schema:
    return _object(name={"const": setting.name}, value=_domain(setting.domain))


def _domain(domain: Domain) -> Schema:
    match domain:
        case Choice(values):
            return {"enum": list(values)}
        case Integer(low, high):
            return {"type": "integer", "minimum": low, "maximum": high}
        case LogRange(low, high):
            return {"type": "number", "minimum": low, "maximum": high}
        case Flag():
            return {"type": "boolean"}


def _any_kind(kinds: Sequence[str]) -> Schema:
    references = [{"$ref": f"#/$defs/{kind}"} for kind in kinds]
    return references[0] if len(references) == 1 else {"anyOf": references}


def _or_none(kind: str) -> Schema:
    return {"anyOf": [{"$ref": f"#/$defs/{kind}"}, {"type": "null"}]}


def _edit(kind: str, **fields: Mapping[str, Any]) -> Schema:
    return _object(kind={"const": kind}, **fields)


def _object(**fields: Mapping[str, Any]) -> Schema:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _list(item: Mapping[str, Any], least: int, most: int) -> Schema:
    return {"type": "array", "items": item, "minItems": least, "maxItems": most}


def _row(*items: Schema) -> Schema:
    """An array of just these."""
    return {"type": "array", "prefixItems": list(items), "minItems": len(items), "maxItems": len(items)}


def _one_of(values: Iterable[Any]) -> Schema:
    return {"enum": list(values)}
