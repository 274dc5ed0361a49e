"""Types of the values that flow through a component."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, prod
from typing import Literal

Over = Literal["parameter", "position", "stream"]
"""What a value varies over: nothing, positions alone, or positions of every sequence."""

_RANK: dict[Over, int] = {"parameter": 0, "position": 1, "stream": 2}


@dataclass(frozen=True, slots=True)
class Sizes:
    """The absolute sizes an instantiation gives to a component.

    `width` is the stream's width, `hidden` the inner size of channel mixers, `vocabulary` the number of
    tokens and `context` the number of positions of a training sequence.
    """

    width: int
    hidden: int
    vocabulary: int
    context: int


@dataclass(frozen=True, slots=True)
class Value:
    """The type of a value: feature shape, what it varies over, and the interval it is known to lie in.

    `unit` marks vectors of length one along the last axis, `tokens` marks integer token ids.
    """

    shape: tuple[int, ...]
    over: Over = "stream"
    low: float = -inf
    high: float = inf
    unit: bool = False
    tokens: bool = False

    @property
    def elements(self) -> int:
        """Numbers per position (or in all, for a parameter)."""
        return prod(self.shape)

    def like(self, shape: tuple[int, ...] | None = None, low: float = -inf, high: float = inf) -> Value:
        """A plain value over the same axes, with another shape or interval."""
        return Value(self.shape if shape is None else shape, self.over, low, high)

    def __str__(self) -> str:
        return f"{self.over} {self.shape}" if not self.tokens else "tokens"


def widest(values: tuple[Value, ...]) -> Over:
    """What a result of these values varies over."""
    over: Over = "parameter"
    for value in values:
        if _RANK[value.over] > _RANK[over]:
            over = value.over
    return over


def broadcast(left: Value, right: Value) -> tuple[int, ...] | None:
    """Feature shape of an elementwise result by trailing alignment, or None where the shapes do not fit."""
    size = max(len(left.shape), len(right.shape))
    padded = [(1,) * (size - len(value.shape)) + value.shape for value in (left, right)]
    shape = []
    for a, b in zip(*padded, strict=True):
        if a != b and 1 not in (a, b):
            return None
        shape.append(max(a, b))
    return tuple(shape)


def over_at_least(value: Value, over: Over) -> Value:
    """The value spread over positions or sequences where it did not vary before."""
    return value if _RANK[value.over] >= _RANK[over] else replace(value, over=over)
