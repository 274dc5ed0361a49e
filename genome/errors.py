"""Errors of the language of components, recipes and edits: one line that says what, why and what is accepted."""

from __future__ import annotations


class GenomeError(ValueError):
    """A component, recipe or edit is not legal."""


class LanguageError(GenomeError):
    """Text outside the language of components, with its place (lines from 1, columns from 1)."""

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        self.reason, self.line, self.column = reason, line, column
        super().__init__(f"line {line}, column {column}: {reason}" if line else reason)


class RecipeError(GenomeError):
    """A recipe that cannot be instantiated, with the path of the gene at fault."""


class EditError(GenomeError):
    """An edit that cannot be applied to the recipe it was given."""
