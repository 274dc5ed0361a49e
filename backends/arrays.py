"""What the frameworks' arrays have in common, as far as code that serves all of them uses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self, TypeVar

import numpy as np


class FrameworkArray(Protocol):
    """An array of any framework; arithmetic between arrays broadcasts as in NumPy."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def ndim(self) -> int: ...

    @property
    def nbytes(self) -> int: ...

    def astype(self, dtype: Any, /) -> Self: ...

    def reshape(self, *shape: int) -> Self: ...

    def sum(self, axis: int | Sequence[int] | None = None, *, keepdims: bool = False) -> Self: ...

    def mean(self, axis: int | Sequence[int] | None = None, *, keepdims: bool = False) -> Self: ...

    def __getitem__(self, index: Any, /) -> Self: ...

    def __add__(self, other: Any, /) -> Self: ...

    def __sub__(self, other: Any, /) -> Self: ...

    def __mul__(self, other: Any, /) -> Self: ...

    def __rmul__(self, other: Any, /) -> Self: ...

    def __truediv__(self, other: Any, /) -> Self: ...

    def __mod__(self, other: Any, /) -> Self: ...

    def __le__(self, other: Any, /) -> Self: ...


Array = TypeVar("Array", bound=FrameworkArray)
Dtype = TypeVar("Dtype")


def broadcasts(shape: tuple[int, ...], full: tuple[int, ...]) -> bool:
    """Whether every axis of `shape` has size 1 or that of the same axis of `full`."""
    return len(shape) == len(full) and all(have in (1, want) for have, want in zip(shape, full, strict=True))


def sum_to(x: Array, shape: tuple[int, ...]) -> Array:
    """Sum over the axes along which an array of `shape` was broadcast to the shape of `x`."""
    axes = tuple(axis for axis, (have, want) in enumerate(zip(x.shape, shape, strict=True)) if have != want)
    return x.sum(axes, keepdims=True) if axes else x


def leading_shape(arrays: Sequence[FrameworkArray]) -> tuple[int, ...]:
    """Batch and time to which arrays [B, T, *features], or with sizes of 1 in their place, broadcast."""
    return np.broadcast_shapes(*(array.shape[:2] for array in arrays))
