"""Errors of asking arXiv."""

from __future__ import annotations

from cognition.store.records import CognitionError


class QueryError(CognitionError):
    """A query or an id that arXiv does not understand; asking again does not help."""


class NotThere(QueryError):
    """An address at which arXiv has nothing, such as the HTML of a paper that was never converted."""


class ArxivUnavailable(RuntimeError):
    """arXiv did not answer in time, or not with what was asked; what came before is stored, so ask again later."""


class Garbled(ArxivUnavailable):
    """arXiv answered, every time, with what cannot be a whole answer."""


class UnreadableAnswer(ValueError):
    """An answer that cannot be the whole one, such as a page cut short: asking again may help."""


class NoText(ValueError):
    """A whole answer that holds no text to read, such as a source without TeX: another form of the paper may."""
