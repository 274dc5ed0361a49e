"""JSON schemas as the Messages API takes them for structured output.

Its schemas close every object, and know neither tuples nor bounds. So a schema becomes one that accepts every value
that was wanted, and some more: whoever asks validates the answer against the schema that was meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LISTED = ("anyOf", "oneOf", "allOf")
_NAMED = ("$defs", "properties")


def messages_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema to send to the Messages API.

    - An array with `prefixItems` becomes one whose items may each be any of these; its length is told in words.
    - Bounds, patterns and unknown formats become words of the description, `oneOf` becomes `anyOf`
      (`anthropic.transform_schema`).
    - An object that only has `properties` is closed: further names are not accepted.

    Raises ValueError, naming the place, for what cannot be said: an object of free names (`additionalProperties`
    or `patternProperties` with a schema; `true` without properties) and a value of any type. A list of objects with
    a name and a value says the same.
    """
    import anthropic

    return anthropic.transform_schema(_sayable(schema, "$"))


def _sayable(schema: Any, place: str) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        raise ValueError(f"the schema at {place} accepts any value; name a type")
    said = {**schema}
    for key in _NAMED:
        if key in said:
            said[key] = {name: _sayable(part, f"{place}.{name}") for name, part in said[key].items()}
    for key in _LISTED:
        if key in said:
            said[key] = [_sayable(part, f"{place}.{key}[{i}]") for i, part in enumerate(said[key])]
    if "$ref" in said or "enum" in said or "const" in said or any(key in said for key in _LISTED):
        return said
    if "type" not in said:
        raise ValueError(f"the schema at {place} accepts any value; name a type")
    if isinstance(said["type"], list):
        return {"anyOf": [_sayable({**schema, "type": kind}, place) for kind in said["type"]]}
    if said["type"] == "object":
        free = said.get("additionalProperties", not said.get("properties"))
        if isinstance(free, Mapping) or said.get("patternProperties") or (free and not said.get("properties")):
            raise ValueError(
                f"the schema at {place} has free names; use a list of objects with a name and a value"
            )
    elif said["type"] == "array":
        parts = said.pop("prefixItems", None)
        items = said.get("items")
        if parts is not None:
            further = [items] if isinstance(items, Mapping) else []
            kinds = [_sayable(part, f"{place}[{i}]") for i, part in enumerate([*parts, *further])]
            said["items"] = kinds[0] if all(kind == kinds[0] for kind in kinds) else {"anyOf": kinds}
        else:
            said["items"] = _sayable(True if items is None else items, f"{place}[]")
    return said
