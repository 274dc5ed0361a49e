"""Lifts: how much better than expected recipes are that came to have a property.

Expected of a case is what an additive model says: the effects of the components that came and went and of the
number of blocks, shrunk as in ridge regression, and a level of its own for founders and for descendants (which
takes up that whoever is trained in full was chosen). A lift is the coefficient of one property more in that model:
d is 1 for a case that gained it, -1 for one that lost it, 0 for the others. With the hat matrix
H = X (X'X + P)^-1 X' of the model and its residuals r it is d'r / d'(I - H)d, which needs no second fit
(Frisch-Waugh-Lovell), so that what the components do by themselves is no part of it.

The interval is Student's at 95 %, with as many degrees of freedom as cases less one. Its standard error is the
greater one of the model's, s / sqrt(d'(I - H)d), and of that of the cases' own spread around their mean: effects that
vary from place to place widen it. What remains confounded: properties that one edit brings together share what
it gained, and settings are no part of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev
from typing import TYPE_CHECKING, TypeVar

from genome.recipe import Recipe
from runs.evidence.cases import Case

if TYPE_CHECKING:
    import numpy as np

RIDGE = 1.0
"""Penalty of a component's effect, in cases: one case shows half of it."""

LEVEL_RIDGE = 1e-3
LEAST_CASES = 2
"""With one case there is no interval."""

LEAST_WEIGHT = 0.1
"""Cases, as far as the model does not explain them, that a lift is divided by at least."""

LEAST_OTHERS = 2
"""Founders, and descendants, that must be left to tell their level."""

PRIOR_CASES = 3.0
"""Cases of no lift that a strength is shrunk by."""

STRONGEST = 2.0
CONFIDENCE = 0.975
DIGITS = 9
"""Decimals kept, so that no machine's rounding shows."""

Property = TypeVar("Property", bound=Hashable)
Properties = Callable[[Recipe], Collection[Property]]


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
        return cls.around(fmean(values), _error(values), len(values))

    @classmethod
    def around(cls, mean: float, error: float, cases: int) -> Interval:
        """Student's interval of a mean over two cases or more with its standard error."""
        from scipy.special import stdtrit

        margin = float(stdtrit(cases - 1, CONFIDENCE)) * error
        return cls(cases, *(round(value, DIGITS) for value in (mean, mean - margin, mean + margin)))


@dataclass(frozen=True, slots=True)
class Lift:
    """The lift of a property, and how many fully trained recipes have it.

    `strength` is the mean in units of the model's typical error, shrunk by `PRIOR_CASES` and at most `STRONGEST`
    either way: a number without unit, which compares between searches.
    """

    interval: Interval
    recipes: int
    strength: float


def lifts(cases: Sequence[Case], properties: Properties[Property]) -> dict[Property, Lift]:
    """The lift of every property with cases enough to tell; `properties` gives those of a recipe."""
    own = [frozenset(properties(case.recipe)) for case in cases]
    none: frozenset[Property] = frozenset()
    base = [frozenset(properties(case.base)) if case.base else none for case in cases]
    changed: dict[Property, dict[int, float]] = {}
    recipes: dict[Property, int] = {}
    for row, (new, old) in enumerate(zip(own, base, strict=True)):
        for one in new:
            recipes[one] = recipes.get(one, 0) + 1
        for one in new ^ old:
            changed.setdefault(one, {})[row] = 1.0 if one in new else -1.0
    if len(cases) <= LEAST_CASES:
        return {}
    model = Expectation.of(cases)
    found = {}
    for one, signs in changed.items():
        rows = model.tellable(signs)
        if len(rows) < LEAST_CASES:
            continue
        interval = model.lift({row: signs[row] for row in rows})
        strength = interval.mean / model.error * interval.cases / (interval.cases + PRIOR_CASES)
        strength = round(max(-STRONGEST, min(STRONGEST, strength)), DIGITS)
        found[one] = Lift(interval, recipes.get(one, 0), strength)
    return found


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
        import numpy as np

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
        import numpy as np

        rows, sign = list(signs), np.array(list(signs.values()))
        hat = self.design[rows] @ self.weights[:, rows]
        weight = max(float(sign @ sign - sign @ hat @ sign), LEAST_WEIGHT)
        own = self.residuals[rows]
        mean = float(sign @ own) / weight
        # Residuals of these cases where the property counts its mean.
        left = sign * own - mean * (1.0 - sign * (hat @ sign))
        return Interval.around(
            mean, max(self.error / sqrt(weight), _error([mean + float(one) for one in left])), len(rows)
        )


def _error(values: Sequence[float]) -> float:
    """Standard error of the mean of two values or more."""
    return stdev(values) / sqrt(len(values))


def strongest_first(found: Mapping[Property, Lift]) -> list[tuple[Property, Lift]]:
    """Properties with their lifts: the clearest, by strength, first, and equals by name."""
    return sorted(found.items(), key=lambda own: (-own[1].strength, str(own[0])))
