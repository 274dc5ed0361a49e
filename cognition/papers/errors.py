"""Errors of asking arXiv."""

from __future__ import annotations

from cognition.store.records import CognitionError


class QueryError(CognitionError):
    """A query or an id that arXiv does not understand; asking again does not help."""


class ArxivUnavailable(RuntimeError):
    """arXiv did not answer in time, or not with what was asked; what came before is stored, so ask again later."""
