"""What is expected of a case: the additive model of components, depth and descent that lifts are measured in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from runs.evidence.cases import Case
from runs.evidence.interval import Interval

RIDGE = 1.0
"""Penalty of a component's effect, in cases: one case shows half of it."""

LEVEL_RIDGE = 1e-3

LEAST_WEIGHT = 0.1
"""Cases, as far as the model does not explain them, that a lift is divided by at least."""

LEAST_OTHERS = 2
"""Founders, and descendants, that must be left to tell their level."""


@dataclass(frozen=True)
class Expectation:
    """The additive model, fitted to all cases: their design, its weights and their residuals."""

    founders: frozenset[int]
    count: int
    design: np.ndarray
    weights: np.ndarray
    residuals: np.ndarray
    error: float

    @classmethod
    def of(cls, cases: Sequence[Case]) -> Expectation:
        """Fit the model to three cases or more."""
        changes = [case.change for case in cases]
        columns = {name: index + 3 for index, name in enumerate(sorted({n for own in changes for n in own}))}
        design = np.zeros((len(cases), len(columns) + 3))
        for row, (case, change) in enumerate(zip(cases, changes, strict=True)):
            design[row, 0 if case.base is None else 1] = 1.0
            design[row, 2] = case.deeper
            for name, value in change.items():
                design[row, columns[name]] = value
        penalty = np.full(design.shape[1], RIDGE)
        penalty[:2] = LEVEL_RIDGE
        weights = np.linalg.solve(design.T @ design + np.diag(penalty), design.T)
        target = np.array([case.difference for case in cases])
        residuals = target - design @ (weights @ target)
        alone = residuals / (1.0 - np.einsum("ij,ji->i", design, weights))
        error = max(float(np.sqrt(np.mean(alone**2))), 1e-9)
        founders = frozenset(row for row, case in enumerate(cases) if case.base is None)
        return cls(founders, len(cases), design, weights, residuals, error)

    def tellable(self, rows: Iterable[int]) -> list[int]:
        """Those of the rows that can be left out: of their sort enough others stay."""
        own = sorted(rows)
        founding = [row for row in own if row in self.founders]
        descending = [row for row in own if row not in self.founders]
        kept = founding if len(self.founders) - len(founding) >= LEAST_OTHERS else []
        others = self.count - len(self.founders) - len(descending)
        return sorted([*kept, *(descending if others >= LEAST_OTHERS else [])])

    def lift(self, signs: Mapping[int, float]) -> Interval:
        """The coefficient of a property by the cases that gained it (1) or lost it (-1)."""
        rows, sign = list(signs), np.array(list(signs.values()))
        explained = self.design[rows] @ (self.weights[:, rows] @ sign)
        weight = max(float(sign @ sign - sign @ explained), LEAST_WEIGHT)
        own = self.residuals[rows]
        mean = float(sign @ own) / weight
        # Residuals of these cases where the property counts its mean.
        left = sign * own - mean * (1.0 - sign * explained)
        spread = float(np.std(left, ddof=1)) / sqrt(len(rows))
        return Interval.around(mean, max(self.error / sqrt(weight), spread), len(rows))
