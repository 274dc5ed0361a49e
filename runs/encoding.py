"""From Python, numpy and array values to what SQLite stores exactly: text, 64-bit integers, finite floats."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from runs.errors import StoreError

Value = str | int | float | None


def stored(column: str, value: Any) -> Value:
    """`value` as SQLite keeps it.

    sqlite3 would store np.float32 as bytes and NaN as NULL, and True counts as 1.0: numpy and
    zero-dimensional array scalars are converted; booleans, NaN, infinities and everything else raise
    StoreError naming the column.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return str(value)
    number = value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    if isinstance(number, int) and not isinstance(number, bool) and -(2**63) <= number < 2**63:
        return number
    if isinstance(number, float) and math.isfinite(number):
        return number
    raise StoreError(f"{column} is {value!r}: text, a finite number or None is stored")


def stored_row(values: Mapping[str, Any]) -> dict[str, Value]:
    """Every value of a row as SQLite keeps it."""
    return {column: stored(column, value) for column, value in values.items()}


def json_text(what: str, value: Any) -> str:
    """Canonical JSON text (sorted keys, no NaN); numpy scalars and arrays become numbers and lists.

    Raises StoreError, naming `what`, for a value JSON cannot hold.
    """
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, default=_as_list)
    except (TypeError, ValueError) as error:
        raise StoreError(f"{what} is no JSON value: {error}") from None


def _as_list(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not accepted")
