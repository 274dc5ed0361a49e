"""Spearman's rank correlation with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's rank correlation over so many recipes, with the bounds of its bootstrap interval."""

    value: float
    low: float
    high: float
    recipes: int


def rank_correlation(left: Sequence[float], right: Sequence[float]) -> Correlation:
    """Spearman's correlation with a percentile bootstrap interval (Efron, 1979) of `CONFIDENCE`.

    Resampling draws recipes with replacement from a generator of a fixed seed. Raises ValueError for fewer than
    three recipes.
    """
    count = len(left)
    if count < 3:
        raise ValueError(f"a rank correlation needs at least 3 recipes, got {count}")
    values = np.asarray([left, right])
    drawn = np.random.default_rng(0).integers(count, size=(RESAMPLES, count))
    low, high = np.nanquantile(_spearman(values[:, drawn]), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Correlation(float(_spearman(values)), float(low), float(high), count)


def _spearman(values_2xRxN: np.ndarray) -> np.ndarray:
    """Correlation of ranks over the last axis, ties sharing their mean rank; NaN where all of one side tie."""
    from scipy.stats import rankdata

    ranks = rankdata(values_2xRxN, axis=-1)
    left, right = ranks - ranks.mean(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return (left * right).sum(axis=-1) / np.sqrt((left**2).sum(axis=-1) * (right**2).sum(axis=-1))
