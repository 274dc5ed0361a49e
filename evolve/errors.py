"""Errors that end a search with its state saved."""

from __future__ import annotations


class SearchError(RuntimeError):
    """A search that cannot go on, whatever the candidate; its state is saved."""


class Stopped(RuntimeError):
    """Ctrl-C or SIGTERM ended a search; its state is saved, and the message says how to go on."""
