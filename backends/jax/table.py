"""One table from operation to JAX implementation; the modules that implement operations fill it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from genome.expressions import Scalar
from genome.values import Value


@dataclass(frozen=True, slots=True)
class Applied:
    """One call at trace time: input arrays and their types, options with defaults, own parameters, positions.

    Inputs and parameters come in `dtype`, but for tokens and decays; the result is cast to it.
    """

    values: tuple[jax.Array | None, ...]
    types: tuple[Value | None, ...]
    options: dict[str, Scalar | None]
    parameters: tuple[jax.Array, ...]
    result: Value
    length: int
    dtype: jnp.dtype

    @property
    def x(self) -> jax.Array:
        """The first input."""
        value = self.values[0]
        assert value is not None
        return value

    def whole(self, name: str) -> int:
        """An option that is a whole number."""
        return int(self.options[name] or 0)

    def number(self, name: str) -> float:
        """An option that is a number."""
        return float(self.options[name] or 0.0)


Lowering = Callable[[Applied], jax.Array]
LOWERINGS: dict[str, Lowering] = {}


def lowers(*names: str) -> Callable[[Lowering], Lowering]:
    """Declare the implementation of operations."""

    def declare(function: Lowering) -> Lowering:
        LOWERINGS.update(dict.fromkeys(names, function))
        return function

    return declare


def spread(array: jax.Array, value: Value) -> jax.Array:
    """A parameter gains batch and time axes of size one, so that all arrays are [B, T, *features]."""
    return array[None, None] if value.over == "parameter" else array
