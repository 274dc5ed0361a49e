"""Positions among the updates of a chunk: each has as many, the first of them decays and the last is read.

Where a chunk is no multiple of the number of updates, the rows that are left over at its end store nothing.
"""

from __future__ import annotations

from typing import Any, TypeVar

Rows = TypeVar("Rows")
"""An array of NumPy or of any framework."""


def read_rows(x: Rows, updates: int) -> Rows:
    """Of rows for the updates of a chunk those of the last update of each position: ... x C x M to ... x P x M."""
    array: Any = x
    return array[..., updates - 1 :: updates, :]


def decaying_columns(x: Rows, updates: int) -> Rows:
    """Of columns for the updates of a chunk those of the first update of each position: ... x C to ... x P."""
    array: Any = x
    return array[..., : array.shape[-1] // updates * updates : updates]
