"""One table from operation to MLX implementation; the modules that implement operations fill it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mlx.core as mx

from genome.expressions import Scalar
from genome.values import Value


@dataclass(frozen=True, slots=True)
class Applied:
    """One call: input arrays and their types, options with defaults, own parameters, positions.

    Inputs and parameters come in `dtype`, but for tokens and decays; the result is cast to it.
    """

    values: tuple[mx.array | None, ...]
    types: tuple[Value | None, ...]
    options: dict[str, Scalar | None]
    parameters: tuple[mx.array, ...]
    result: Value
    length: int
    dtype: mx.Dtype

    @property
    def x(self) -> mx.array:
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

    def inputs(self) -> list[tuple[mx.array, Value]]:
        """The inputs that are present, each with its type."""
        pairs = zip(self.values, self.types, strict=True)
        return [(array, value) for array, value in pairs if array is not None and value is not None]


Lowering = Callable[[Applied], mx.array]
LOWERINGS: dict[str, Lowering] = {}


def lowers(*names: str) -> Callable[[Lowering], Lowering]:
    """Declare the implementation of operations."""

    def declare(function: Lowering) -> Lowering:
        LOWERINGS.update(dict.fromkeys(names, function))
        return function

    return declare
