"""What a call costs in US dollars: a dated table, a person's own prices over it, nothing for this machine's models."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolve.llm.endpoint import endpoint_of
from evolve.llm.protocol import Usage

DATED = "2026-11"
"""Month of the table below: published prices, as read then. They change; `read_prices` takes newer ones."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens, for prompts of at most `longest` tokens.

    `cache_write` is for a cache of five minutes.
    """

    input: float
    output: float
    cache_read: float
    cache_write: float
    longest: float = math.inf


PRICES: Mapping[str, tuple[Price, ...]] = {
    "anthropic:claude-opus-5-5": (Price(4.0, 20.0, 0.2, 5.0),),
    "anthropic:claude-sonnet-5-5": (Price(2.0, 10.0, 0.1, 2.5),),
    "anthropic:claude-haiku-5-5": (
        Price(0.1, 0.5, 0.01, 0.125, longest=100_000),
        Price(0.5, 2.5, 0.05, 0.625),
    ),
    "anthropic:claude-fable-5-1": (Price(10.0, 50.0, 0.25, 12.5),),
}
"""Prices by name of a provider, those for longer prompts later."""

_FREE = (Price(0.0, 0.0, 0.0, 0.0),)
_FIELDS = ("input", "output", "cache_read", "cache_write")


def cost(name: str, usage: Usage, prices: Mapping[str, tuple[Price, ...]] = PRICES) -> float | None:
    """US dollars of `usage` at the provider `name`; None where no price is known.

    0 for `mlx` and for servers on loopback, unless `prices` names them. `usage` is that of one prompt or of tries
    of it: the sum of several prompts may look like a long, dearer one.
    """
    steps = prices.get(name) or (_FREE if _on_this_machine(name) else ())
    prompt = usage.input + usage.cached + usage.written
    for price in steps:
        if prompt <= price.longest:
            return (
                usage.input * price.input
                + usage.output * price.output
                + usage.cached * price.cache_read
                + usage.written * price.cache_write
            ) / 1e6
    return None


def read_prices(path: Path) -> Mapping[str, tuple[Price, ...]]:
    """The table with the prices of a TOML file over it: `["anthropic:claude-opus-5-5"]` with `input`, `output` and,
    unless they are 0.1 and 1.25 times `input`, `cache_read` and `cache_write`.

    Raises ValueError in one line for a file that cannot be read, an unknown key and a value that is no price.
    """
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path}: no TOML: {error}") from None
    return {**PRICES, **{name: (_price(path, name, values),) for name, values in written.items()}}


def _price(path: Path, name: str, values: Any) -> Price:
    if not isinstance(values, dict):
        raise ValueError(f'{path}: {name}: not a table; accepted: ["{name}"] with {", ".join(_FIELDS)}')
    for key, value in values.items():
        if key not in _FIELDS:
            raise ValueError(f"{path}: {name}: unknown key {key!r}; accepted: {', '.join(_FIELDS)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise ValueError(
                f"{path}: {name}: {key} is {value!r}; accepted: US dollars per million tokens, 0 or more"
            )
    for key in _FIELDS[:2]:
        if key not in values:
            raise ValueError(f"{path}: {name}: no {key}; accepted: US dollars per million tokens")
    paid = float(values["input"])
    return Price(
        paid,
        float(values["output"]),
        float(values.get("cache_read", 0.1 * paid)),
        float(values.get("cache_write", 1.25 * paid)),
    )


def _on_this_machine(name: str) -> bool:
    scheme, _, rest = name.partition(":")
    if scheme == "mlx":
        return True
    _, at, url = rest.rpartition("@")
    try:
        return bool(at) and endpoint_of(url).on_loopback
    except ValueError:
        return False
