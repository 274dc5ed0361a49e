"""Errors that end a search with its state saved."""

from __future__ import annotations


class SearchError(RuntimeError):
    """A search that cannot go on, whatever the candidate; its state is saved."""
