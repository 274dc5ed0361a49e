"""The words of the language of components, for editors of library files.

Library files import from here the operations, kinds and domains they use, so that editors, linters and
readers know every name. Files are parsed, never executed; importing one is harmless and defines functions
that nobody calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genome import operations as _operations  # noqa: F401  (fills the table of operations)
from genome.expressions import SIZE_NAMES
from genome.kinds import KINDS
from genome.operation import OPERATIONS

_DOMAINS = ("choice", "integer", "log_range", "flag")


def published(
    arxiv: str,
    year: int,
    title: str,
    *,
    answers: str = "",
    builds_on: str | tuple[str, ...] = (),
    replaces: str | tuple[str, ...] = (),
) -> Callable[[Any], Any]:
    """State where a component was published, the weakness it answers, what it builds on, and what it replaces."""
    return lambda function: function


def __getattr__(name: str) -> str:
    if name in OPERATIONS or name in KINDS or name in SIZE_NAMES or name in _DOMAINS:
        return name
    raise AttributeError(f"{name!r} is not a word of the language of components")
