"""Schemas as the Messages API takes them: they accept every value that was meant, or are refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from evolve.llm.schemas import messages_schema

ENTRY = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def accepts(schema: dict[str, Any], value: Any, definitions: dict[str, Any]) -> bool:
    """Whether a value follows a schema, by the keywords that the Messages API knows."""
    if "$ref" in schema:
        return accepts(definitions[schema["$ref"].removeprefix("#/$defs/")], value, definitions)
    if "anyOf" in schema:
        return any(accepts(part, value, definitions) for part in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return value in schema.get("enum", [schema.get("const")])
    match schema["type"]:
        case "object":
            known = schema["properties"]
            return (
                isinstance(value, dict)
                and set(schema.get("required", ())) <= set(value) <= set(known)
                and all(accepts(known[name], part, definitions) for name, part in value.items())
            )
        case "array":
            items = schema["items"]
            return isinstance(value, list) and all(accepts(items, part, definitions) for part in value)
        case kind:
            known = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}
            return isinstance(value, known[kind])


@pytest.mark.parametrize(
    ("schema", "meant", "not_meant"),
    [
        (ENTRY, {"name": "x"}, {"name": "x", "more": 1}),
        ({"type": "integer", "minimum": 1}, 3, "3"),
        ({"type": ["integer", "null"]}, None, "x"),
        ({"oneOf": [{"type": "integer"}, {"const": "all"}]}, "all", "none"),
        ({"type": "array", "items": ENTRY, "minItems": 2}, [{"name": "a"}, {"name": "b"}], [{}]),
        ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}, ["a", 1], [None]),
        ({"type": "array", "prefixItems": [{"type": "integer"}] * 2, "items": False}, [1, 2], ["a"]),
        ({"type": "array", "prefixItems": [{"type": "null"}], "items": {"type": "integer"}}, [None, 1], ["a"]),
        ({"$defs": {"entry": ENTRY}, "type": "array", "items": {"$ref": "#/$defs/entry"}}, [{"name": "x"}], [1]),
        ({"type": "object", "properties": {}, "additionalProperties": False}, {}, {"a": 1}),
    ],
)
def test_what_is_sent_accepts_what_was_meant(schema: dict[str, Any], meant: Any, not_meant: Any) -> None:
    before = repr(schema)
    sent = messages_schema(schema)
    assert accepts(sent, meant, sent.get("$defs", {}))
    assert not accepts(sent, not_meant, sent.get("$defs", {}))
    assert repr(schema) == before


def test_bounds_become_words() -> None:
    assert "9" in messages_schema({"type": "integer", "maximum": 9})["description"]


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"type": "object", "additionalProperties": {"type": "integer"}}, r"\$ has free names"),
        ({"type": "object"}, r"\$ has free names"),
        ({"type": "object", "properties": {"a": {"type": "array"}}}, r"\$\.a\[\] accepts any value"),
        (
            {"type": "array", "items": {"type": "object", "patternProperties": {"a": ENTRY}}},
            r"\$\[\] has free names",
        ),
        ({"anyOf": [{"type": "null"}, {}]}, r"\$\.anyOf\[1\] accepts any value"),
        ({"$defs": {"x": {"title": "X"}}, "$ref": "#/$defs/x"}, r"\$\.x accepts any value"),
    ],
)
def test_what_cannot_be_said_is_refused_by_its_place(schema: dict[str, Any], place: str) -> None:
    with pytest.raises(ValueError, match=place):
        messages_schema(schema)
