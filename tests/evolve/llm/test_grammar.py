"""The schemas of answers: what follows them is read, and what follows the one of a parent nearly always applies."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import pytest

from cognition.loader import load_architectures, load_library
from evolve.llm.answers import AnswerError, analysis_schema, parse_analysis, parse_plan, plan_schema
from evolve.llm.grammar import NEW, analysis_grammar, grammar
from genome.edits import apply, edits_from_json, edits_to_json
from genome.errors import GenomeError
from tests.evolve.llm.hostile_answers import LEGAL

LIBRARY = load_library()
SKILLS = ["recall", "text"]


def sample(schema: Mapping[str, Any], defs: Mapping[str, Any], random: Random) -> Any:
    """A value that follows a schema, without components of the answer's own."""
    if "$ref" in schema:
        return sample(defs[schema["$ref"].rpartition("/")[2]], defs, random)
    if "anyOf" in schema:
        return sample(
            random.choice([part for part in schema["anyOf"] if "pattern" not in str(part)[:80]]), defs, random
        )
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return random.choice(schema["enum"])
    match schema["type"]:
        case "object":
            return {name: sample(part, defs, random) for name, part in schema["properties"].items()}
        case "array":
            count = random.randint(schema["minItems"], schema["maxItems"])
            return [sample(schema["items"], defs, random) for _ in range(count)]
        case "integer":
            return random.randint(schema["minimum"], schema["maximum"])
        case "number":
            return random.uniform(schema["minimum"], schema["maximum"])
        case "boolean":
            return random.random() < 0.5
        case "null":
            return None
    return "because"


def edit_schemas(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [e for e in schema["properties"]["edits"]["items"]["anyOf"] if "source" not in e["properties"]]


def test_an_edit_that_follows_the_grammar_of_its_parent_applies() -> None:
    random, outcomes, reasons = Random(0), Counter(), Counter()
    for architecture in load_architectures().values():
        schema = grammar(architecture.recipe, LIBRARY, SKILLS)
        for edit in random.sample(edit_schemas(schema), 12):
            value = sample(edit, schema["$defs"], random)
            expected = [{"skill": "recall", "effect": "same"}]
            plan = parse_plan(json.dumps({"motivation": "m", "expected": expected, "edits": [value]}))
            try:
                apply(architecture.recipe, plan.edits, LIBRARY)
            except GenomeError as error:
                reasons[f"{value['kind']}: {error}"] += 1
                outcomes["refused"] += 1
            else:
                outcomes["applied"] += 1
    assert outcomes["applied"] > 300
    assert outcomes["refused"] <= 0.03 * outcomes["applied"], reasons


def test_a_grammar_names_its_parents_places_and_known_components_alone() -> None:
    recipe = load_architectures()["griffin"].recipe
    schema = grammar(recipe, LIBRARY, SKILLS)
    paths = {path for path, _ in recipe.genes()}
    for edit in edit_schemas(schema):
        fields = edit["properties"]
        if fields["kind"]["const"] in ("replace_gene", "set_setting"):
            assert fields["path"]["const"] in paths
        for name in ("position", "source", "target"):
            if name in fields:
                places = fields[name].get("enum", [fields[name].get("const")])
                assert max(places) <= len(recipe.blocks)
    for kind, gene in schema["$defs"].items():
        *known, new = gene["anyOf"]
        assert new["properties"]["component"]["pattern"].startswith(f"^{NEW}")
        for variant in known:
            component = variant["properties"]["component"]
            for name in component.get("enum", [component.get("const")]):
                assert LIBRARY[name].kind == kind


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
