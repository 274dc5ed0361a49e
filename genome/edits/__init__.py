"""Edits: the closed set of changes to a recipe, and how they are applied and described."""

from genome.edits.application import Applied, apply
from genome.edits.description import describe
from genome.edits.kinds import Edit, edits_from_json, edits_schema, edits_to_json

__all__ = ["Applied", "Edit", "apply", "describe", "edits_from_json", "edits_schema", "edits_to_json"]
