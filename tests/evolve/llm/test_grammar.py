"""The schemas of answers: what follows them is read, and what follows the one of a parent nearly always applies."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognition.loader import load_architectures, load_library
from evolve.llm.answers import AnswerError, Plan, analysis_schema, parse_analysis, parse_plan, plan_schema
from evolve.llm.grammar import analysis_grammar, grammar
from evolve.llm.sources import INVENTED, new_name, source_pattern
from genome.edits import apply, edits_from_json, edits_to_json
from genome.errors import GenomeError
from genome.kinds import KINDS
from tests.evolve.llm.hostile_answers import LEGAL

LIBRARY = load_library()
SKILLS = ["recall", "text"]


def because(pattern: str) -> str:
    return "because"


def sample(
    schema: Mapping[str, Any], defs: Mapping[str, Any], random: Random, text: Callable[[str], str] = because
) -> Any:
    """A value that follows a schema; `text` gives one that follows a pattern."""

    def part(of: Mapping[str, Any]) -> Any:
        return sample(of, defs, random, text)

    if "$ref" in schema:
        return part(defs[schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return part(random.choice(schema["anyOf"]))
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return random.choice(schema["enum"])
    match schema["type"]:
        case "object":
            return {name: part(of) for name, of in schema["properties"].items()}
        case "array" if "prefixItems" in schema:
            return [part(of) for of in schema["prefixItems"]]
        case "array":
            return [part(schema["items"]) for _ in range(random.randint(schema["minItems"], schema["maxItems"]))]
        case "integer":
            return random.randint(schema["minimum"], schema["maximum"])
        case "number":
            return random.uniform(schema["minimum"], schema["maximum"])
        case "boolean":
            return random.random() < 0.5
        case "null":
            return None
    return text(schema.get("pattern", ""))


def edit_schemas(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    _, *moving = schema["$defs"]["edit"]["anyOf"]
    return [*schema["$defs"]["steady"]["anyOf"], *moving]


def plan_of(*edits: Any) -> Plan:
    expected = [{"skill": "recall", "effect": "same"}]
    return parse_plan(json.dumps({"motivation": "m", "expected": expected, "edits": edits}))


def test_an_edit_that_follows_the_grammar_of_its_parent_applies() -> None:
    random, outcomes, reasons = Random(0), Counter(), Counter()
    for architecture in load_architectures().values():
        schema = grammar(architecture.recipe, LIBRARY, SKILLS, invents=False)
        for edit in random.sample(edit_schemas(schema), 12):
            value = sample(edit, schema["$defs"], random)
            try:
                apply(architecture.recipe, plan_of(value).edits, LIBRARY)
            except GenomeError as error:
                reasons[f"{value['kind']}: {error}"] += 1
                outcomes["refused"] += 1
            else:
                outcomes["applied"] += 1
    assert outcomes["applied"] > 300
    assert outcomes["refused"] <= 0.03 * outcomes["applied"], reasons


def test_a_proposal_that_follows_the_grammar_of_its_parent_nearly_always_applies() -> None:
    """Edits refer to the parent's places, so that the one that moves them is the last."""
    random, refused, count = Random(1), Counter(), 0
    for architecture in load_architectures().values():
        schema = grammar(architecture.recipe, LIBRARY, SKILLS, invents=False)
        for _ in range(8):
            edits = sample(schema["properties"]["edits"], schema["$defs"], random)
            count += 1
            try:
                apply(architecture.recipe, plan_of(*edits).edits, LIBRARY)
            except GenomeError as error:
                refused[str(error)] += 1
    assert refused.total() <= 0.04 * count, refused


def test_a_grammar_names_its_parents_places_and_known_components_alone() -> None:
    recipe = load_architectures()["griffin"].recipe
    schema = grammar(recipe, LIBRARY, SKILLS, invents=False)
    paths = {path for path, _ in recipe.genes()}
    for edit in edit_schemas(schema):
        fields = edit["properties"]
        assert fields["kind"]["const"] != "define_component"
        if fields["kind"]["const"] in ("replace_gene", "set_setting"):
            assert fields["path"]["const"] in paths
        for name in ("position", "source", "target"):
            if name in fields:
                places = fields[name].get("enum", [fields[name].get("const")])
                assert max(places) <= len(recipe.blocks)
    for kind in KINDS:
        for variant in schema["$defs"][kind]["anyOf"]:
            component = variant["properties"]["component"]
            for name in component.get("enum", [component.get("const")]):
                assert LIBRARY[name].kind == kind


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_an_invention_that_follows_the_grammar_of_its_parent_applies(data: st.DataObject) -> None:
    """A component that follows its pattern has a meaning, and the edit after it brings it in."""
    recipe = load_architectures()[data.draw(st.sampled_from(sorted(load_architectures())))].recipe
    schema = grammar(recipe, LIBRARY, SKILLS, invents=True)
    random = Random(data.draw(st.integers(0, 2**32)))
    edits = sample(
        schema["properties"]["edits"],
        schema["$defs"],
        random,
        lambda pattern: data.draw(st.from_regex(pattern, fullmatch=True, alphabet=st.characters(codec="ascii"))),
    )
    assert [edit["kind"] == "define_component" for edit in edits] == [True, False]
    applied = apply(recipe, plan_of(*edits).edits, LIBRARY)
    for component in applied.components:  # none where it is a published one, invented again
        assert component.name.startswith(new_name(component.kind))
        assert component.name in [gene.component for _, gene in applied.recipe.genes()]


def test_a_grammar_lets_every_kind_be_invented_that_there_is_a_pattern_for() -> None:
    schema = grammar(load_architectures()["griffin"].recipe, LIBRARY, SKILLS, invents=True)
    pairs = [row["prefixItems"] for row in schema["properties"]["edits"]["anyOf"]]
    patterns = [first["properties"]["source"]["pattern"] for first, _ in pairs]
    assert patterns == [source_pattern(kind) for kind in INVENTED]


def test_a_component_of_ones_own_may_be_used_in_the_same_answer() -> None:
    plan = parse_plan(json.dumps(LEGAL))
    recipe = load_architectures()["griffin"].recipe
    applied = apply(recipe, plan.edits, LIBRARY)
    assert [component.name.startswith("new_mix_") for component in applied.components] == [True]
    assert edits_from_json(edits_to_json(plan.edits)) == plan.edits


def parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from parts(inner)


@pytest.mark.parametrize("schema", [plan_schema(), analysis_schema()])
def test_schemas_hold_what_strict_servers_accept(schema: Mapping[str, Any]) -> None:
    objects = [part for part in parts(schema) if part.get("type") == "object"]
    assert objects
    for part in objects:
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])
    for part in parts(schema):
        assert not {"oneOf", "discriminator", "prefixItems", "patternProperties"} & part.keys()
    pytest.importorskip("anthropic")
    from evolve.llm.schemas import messages_schema

    assert messages_schema(schema)


def test_settings_may_be_pairs_or_a_dictionary() -> None:
    def answer(settings: Any) -> str:
        gene = {"component": "geglu", "settings": settings}
        return json.dumps(LEGAL | {"edits": [{"kind": "insert_gene", "path": "0.0.0", "gene": gene}]})

    assert parse_plan(answer([{"name": "a", "value": 2}])) == parse_plan(answer({"a": 2}))
    with pytest.raises(AnswerError, match="settings"):
        parse_plan(answer([{"name": "a", "wrong": 2}]))


def test_conclusions_are_read_and_cite_only_what_was_shown() -> None:
    from evolve.llm.analyst import conclusions_of

    conclusion = {"text": "t", "skills": ["recall"], "attempts": [3], "held": [4]}
    assert conclusions_of(json.dumps({"conclusions": [conclusion]}), {3, 4})[0].held == (4,)
    with pytest.raises(AnswerError, match="attempt 4"):
        conclusions_of(json.dumps({"conclusions": [conclusion]}), {3})
    with pytest.raises(AnswerError):
        parse_analysis(json.dumps({"conclusions": [conclusion | {"skills": ["juggling"]}]}))
    schema = analysis_grammar(SKILLS, [3, 4])
    value = sample(schema, {}, Random(1))
    assert len(conclusions_of(json.dumps(value), {3, 4})) == len(value["conclusions"])
