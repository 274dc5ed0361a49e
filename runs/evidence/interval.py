"""A mean with its 95 % interval, Student's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

CONFIDENCE = 0.975
DIGITS = 9
"""Decimals kept, so that no machine's rounding shows."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over so many cases, with its 95 % interval."""

    cases: int
    mean: float
    low: float
    high: float

    @property
    def margin(self) -> float:
        """Half the interval's width."""
        return (self.high - self.low) / 2

    @classmethod
    def of(cls, values: Sequence[float]) -> Interval:
        """Student's interval of two values or more."""
        return cls.around(fmean(values), stdev(values) / sqrt(len(values)), len(values))

    @classmethod
    def around(cls, mean: float, error: float, cases: int) -> Interval:
        """Student's interval of a mean over two cases or more with its standard error."""
        from scipy.special import stdtrit

        margin = float(stdtrit(cases - 1, CONFIDENCE)) * error
        return cls(cases, *(round(value, DIGITS) for value in (mean, mean - margin, mean + margin)))
