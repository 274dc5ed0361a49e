"""How the arrays of a unit lie in one flat array, which is what a training step passes around.

Rules that treat every number alike then compile once for a length and not once for a unit, and a call has few
arguments. Lengths are rounded up, so that few different ones occur; the numbers at the end stay zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from math import prod
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from backends.optimization import decays, is_hidden_matrix
from backends.plan import Call

T = TypeVar("T")
UnitParameters = tuple[dict[str, Any], ...]
"""The arrays of a unit by name, one dictionary per call."""

LEAST_GRAIN = 12
"""Lengths are multiples of two to this power, or of the highest that adds no more than a sixteenth."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One array: the number of its call in the unit, its name and shape, and whether Muon orthogonalises it."""

    call: int
    name: str
    shape: tuple[int, ...]
    hidden: bool


@dataclass(frozen=True)
class Layout:
    """The arrays of a unit of `calls` calls in their order: first those that weight decay acts on."""

    calls: int
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, calls: Sequence[Call]) -> Layout:
        """The layout of what these calls learn."""
        entries = [
            Entry(number, name, parameter.shape, is_hidden_matrix(call.program, parameter))
            for number, call in enumerate(calls)
            for name, parameter in call.program.parameters.items()
        ]
        return cls(len(calls), tuple(sorted(entries, key=lambda entry: not decays(entry.shape))))

    @cached_property
    def decayed(self) -> int:
        """How many numbers, from the first on, weight decay acts on."""
        return sum(prod(entry.shape) for entry in self.entries if decays(entry.shape))

    @cached_property
    def length(self) -> int:
        """Of the flat array."""
        count = sum(prod(entry.shape) for entry in self.entries)
        grain = 1 << max(LEAST_GRAIN, count.bit_length() - 5)
        return -(-count // grain) * grain

    @cached_property
    def emptied(self) -> Layout:
        """The same arrays without a number in them."""
        return Layout(self.calls, tuple(replace(own, shape=(0,) * len(own.shape)) for own in self.entries))

    def tree(self, values: Iterable[T]) -> tuple[dict[str, T], ...]:
        """A value per array, by call and name."""
        found: tuple[dict[str, T], ...] = tuple({} for _ in range(self.calls))
        for entry, value in zip(self.entries, values, strict=True):
            found[entry.call][entry.name] = value
        return found

    def split(self, flat_N: Any) -> UnitParameters:
        """The arrays within a flat one; of NumPy's, views."""
        starts = accumulate((prod(entry.shape) for entry in self.entries), initial=0)
        return self.tree(
            flat_N[start : start + prod(entry.shape)].reshape(entry.shape)
            for entry, start in zip(self.entries, starts, strict=False)
        )

    def join(self, arrays: UnitParameters) -> jax.Array:
        """The inverse of `split`, with zeros at the end."""
        flat = [jnp.ravel(arrays[entry.call][entry.name]) for entry in self.entries]
        rest = jnp.zeros(self.length - sum(own.size for own in flat), jnp.float32)
        return jnp.concatenate([*flat, rest])

    def filled(self, arrays: Sequence[dict[str, np.ndarray]]) -> np.ndarray:
        """`join` on the host, where nothing is compiled for it: float32 [length]."""
        flat_N = np.zeros(self.length, np.float32)
        for own, given in zip(self.split(flat_N), arrays, strict=True):
            for name, view in own.items():
                view[...] = given[name]
        return flat_N
