"""What language models answer: schemas for them, and parsing that only reads.

An answer is JSON, checked field by field; edits become the frozen values of `genome.edits`, and nothing in them is
executed or put into anything that is. Free dictionaries, which servers with strict schemas refuse, are lists of
{name, value}.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import Field, ValidationError

from evaluators.tasks.protocol import Skill
from genome.edits.kinds import Edit
from genome.recipe import Frozen, first_problem
from runs.calls import Effect

MOST_CHARACTERS = 65_536
"""A longer answer is not read."""

MOST_EDITS, MOST_CONCLUSIONS = 16, 6
REASON_CHARACTERS = 400
"""Reasons of refusals quote answers; this bounds what they may bring into the database and the next prompt."""

NAMED = ("settings", "options")
"""Fields of edits that are dictionaries of names."""

BOUNDS = frozenset(
    {"default", "discriminator", "title", "pattern", "minItems", "maxItems", "minLength", "maxLength"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
)
"""Words that strict servers refuse or ignore; what they say is checked when an answer is parsed."""


class AnswerError(ValueError):
    """An answer that is no proposal or conclusion: one line that says what is wrong."""


class Expectation(Frozen):
    """What a change is expected to do to one skill, compared with the parent."""

    skill: Skill
    effect: Effect


class Plan(Frozen):
    """A proposal: why, what it should do to which skill, and the edits that make the child of the parent."""

    motivation: Annotated[str, Field(max_length=2000)]
    expected: Annotated[tuple[Expectation, ...], Field(strict=False, max_length=8)]
    edits: Annotated[
        tuple[Annotated[Edit, Field(discriminator="kind")], ...],
        Field(strict=False, min_length=1, max_length=MOST_EDITS),
    ]


class FoundItem(Frozen):
    """One conclusion: text, skills it is about, attempts that show it, attempts whose predictions held."""

    text: Annotated[str, Field(min_length=1, max_length=600)]
    skills: Annotated[tuple[Skill, ...], Field(strict=False, max_length=8)]
    attempts: Annotated[tuple[int, ...], Field(strict=False, max_length=32)]
    held: Annotated[tuple[int, ...], Field(strict=False, max_length=32)]


class Analysis(Frozen):
    """What the results say, in a few conclusions, the most useful first."""

    conclusions: Annotated[tuple[FoundItem, ...], Field(strict=False, max_length=MOST_CONCLUSIONS)]


def parse_plan(text: str) -> Plan:
    """The proposal that an answer holds. Raises AnswerError."""
    value = _read(text)
    try:
        return Plan.model_validate_json(json.dumps(_paired(value)))
    except (ValidationError, RecursionError) as error:
        raise AnswerError(_problem(error)) from None


def parse_analysis(text: str) -> Analysis:
    """The conclusions that an answer holds. Raises AnswerError."""
    value = _read(text)
    try:
        return Analysis.model_validate_json(json.dumps(value))
    except (ValidationError, RecursionError) as error:
        raise AnswerError(_problem(error)) from None


@cache
def plan_schema() -> Mapping[str, Any]:
    """JSON schema of a proposal, within what servers with strict schemas accept."""
    return _strict(Plan.model_json_schema())


@cache
def analysis_schema() -> Mapping[str, Any]:
    """JSON schema of an analysis, within what servers with strict schemas accept."""
    return _strict(Analysis.model_json_schema())


def one_line(text: str) -> str:
    """Text on one line, without characters that cannot be seen, of bounded length."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * REASON_CHARACTERS]).split())
    return line if len(line) <= REASON_CHARACTERS else f"{line[: REASON_CHARACTERS - 1]}…"


def _read(text: str) -> Any:
    if len(text) > MOST_CHARACTERS:
        raise AnswerError(f"the answer has {len(text)} characters; up to {MOST_CHARACTERS} are accepted")
    try:
        value = json.loads(text)
    except RecursionError:
        raise AnswerError("the answer is nested too deep") from None
    except ValueError as error:
        raise AnswerError(one_line(f"the answer is not JSON: {error}")) from None
    if not isinstance(value, dict):
        raise AnswerError("the answer is not a JSON object")
    return value


def _problem(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "the answer is nested too deep"
    return one_line(first_problem(error, "answer"))


def _paired(value: Any, key: str = "") -> Any:
    """The value with lists of {name, value} under names of dictionaries as dictionaries."""
    if isinstance(value, dict):
        return {name: _paired(item, name) for name, item in value.items()}
    if not isinstance(value, list):
        return value
    if key in NAMED and all(_is_pair(item) for item in value):
        return {item["name"]: item["value"] for item in value}
    return [_paired(item) for item in value]


def _is_pair(item: Any) -> bool:
    return isinstance(item, dict) and item.keys() == {"name", "value"} and isinstance(item["name"], str)


def _strict(schema: Any, key: str = "") -> Any:
    """A schema with every field required, no further ones, no free dictionaries and no bounds."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if key in NAMED and "additionalProperties" in schema:
        return _pairs(_strict(schema["additionalProperties"]))
    if key in ("properties", "$defs"):
        return {name: _strict(item, name) for name, item in schema.items()}
    kept = {name: _strict(item, name) for name, item in schema.items() if name not in BOUNDS}
    if "oneOf" in kept:
        kept["anyOf"] = kept.pop("oneOf")
    if "properties" in kept:
        kept |= {"additionalProperties": False, "required": list(kept["properties"])}
    return kept


def _pairs(value: Mapping[str, Any]) -> dict[str, Any]:
    pair = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "value": value},
        "required": ["name", "value"],
        "additionalProperties": False,
    }
    return {"type": "array", "items": pair}
