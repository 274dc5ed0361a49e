"""From operation to implementation: what one call is given, and the table that a framework's modules fill."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Generic

from backends.arrays import Array, Dtype
from genome.expressions import Scalar
from genome.values import Value


@dataclass(frozen=True, slots=True)
class Applied(Generic[Array, Dtype]):
    """One call: input arrays and their types, options with defaults, own parameters, positions.

    Inputs and parameters come in `dtype`, but for tokens and decays; the result is cast to it.
    """

    values: tuple[Array | None, ...]
    types: tuple[Value | None, ...]
    options: dict[str, Scalar | None]
    parameters: tuple[Array, ...]
    result: Value
    length: int
    dtype: Dtype

    @property
    def x(self) -> Array:
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

    def inputs(self) -> list[tuple[Array, Value]]:
        """The inputs that are present, each with its type."""
        pairs = zip(self.values, self.types, strict=True)
        return [(array, value) for array, value in pairs if array is not None and value is not None]

    def aligned(self) -> list[Array]:
        """The inputs with as many feature axes as the result, so that trailing axes meet."""
        arrays = []
        for array, value in self.inputs():
            missing = len(self.result.shape) - len(value.shape)
            if value.over != "parameter" and missing:
                array = array.reshape(*array.shape[:2], *(1,) * missing, *value.shape)
            arrays.append(array)
        return arrays

    def spread(self) -> list[Array]:
        """The inputs as [B, T, *features]: a parameter gains batch and time axes of size one."""
        return [array[None, None] if value.over == "parameter" else array for array, value in self.inputs()]


Implementation = Callable[[Applied[Array, Dtype]], Array]


@dataclass(frozen=True)
class Table(Generic[Array, Dtype]):
    """Implementations by operation, in one framework; `float32` and `int32` are its names for types of numbers."""

    float32: Dtype
    int32: Dtype
    implementations: dict[str, Implementation[Array, Dtype]] = field(default_factory=dict)

    def numbers(self, value: Value, dtype: Dtype) -> Dtype:
        """The type of numbers of a value that is computed in `dtype`: tokens stay whole."""
        return self.int32 if value.tokens else dtype

    def lowers(self, *names: str) -> Callable[[Implementation[Array, Dtype]], Implementation[Array, Dtype]]:
        """Declare the implementation of operations."""

        def declare(function: Implementation[Array, Dtype]) -> Implementation[Array, Dtype]:
            self.implementations.update(dict.fromkeys(names, function))
            return function

        return declare

    def declare_pointwise(self, functions: Mapping[str, Callable[[Array], Array]]) -> None:
        """Declare operations that are one function of their input."""
        for name, function in functions.items():
            self.implementations[name] = partial(_pointwise, function)

    def declare_arithmetic(self, functions: Mapping[str, Callable[[Array, Array], Array]]) -> None:
        """Declare operations on two inputs that broadcast."""
        for name, function in functions.items():
            self.implementations[name] = partial(_arithmetic, function)


def _pointwise(function: Callable[[Array], Array], call: Applied[Array, Dtype]) -> Array:
    return function(call.x)


def _arithmetic(function: Callable[[Array, Array], Array], call: Applied[Array, Dtype]) -> Array:
    return function(*call.aligned())
