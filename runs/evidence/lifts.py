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

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from genome.arrangement import Composition
from runs.evidence.cases import Case
from runs.evidence.interval import DIGITS, Interval

LEAST_CASES = 2
"""With one case there is no interval."""

PRIOR_CASES = 3.0
"""Cases of no lift that a strength is shrunk by."""

STRONGEST = 2.0

Property = TypeVar("Property", bound=Hashable)
Properties = Callable[[Composition], Collection[Property]]


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
    """The lift of every property with cases enough to tell; `properties` gives those of a composition."""
    from runs.evidence.expectation import Expectation

    own = [frozenset(properties(case.own)) for case in cases]
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


def strongest_first(found: Mapping[Property, Lift]) -> list[tuple[Property, Lift]]:
    """Properties with their lifts: the clearest, by strength, first, and equals by name."""
    return sorted(found.items(), key=lambda own: (-own[1].strength, str(own[0])))
