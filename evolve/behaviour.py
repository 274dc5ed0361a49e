"""Whether components compute the same, by what they compute; the framework loads when first asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from genome.component import Component
from genome.expressions import Scalar

if TYPE_CHECKING:
    import numpy as np

TOLERANCE = 1e-4
"""Largest difference of equal outputs, relative to the largest output."""

NEIGHBOURS = 2
"""Settings besides the defaults at which components that are alike there are compared."""


@dataclass
class Behaviour:
    """Compares components until computing has taken `seconds`; counts the comparisons that it had to leave out.

    What a component computes is kept, so that each is computed once however many it is compared with.
    """

    seconds: float
    left_out: int = 0
    _spent: float = 0.0
    _known: dict[tuple[str, int], np.ndarray | None] = field(default_factory=dict)

    def same(self, one: Component, other: Component) -> bool:
        """Equal outputs at the defaults and at two neighbouring values of every setting.

        Settings are paired by the order of their domains. False for training components, whose hash says it all,
        for outputs that are not finite, and when the time is over.
        """
        if one.kind == "training":
            return False
        if self._spent >= self.seconds:
            self.left_out += 1
            return False
        started = time.monotonic()
        try:
            return all(self._equal(one, other, number) for number in range(1 + NEIGHBOURS if one.settings else 1))
        finally:
            self._spent += time.monotonic() - started

    def _equal(self, one: Component, other: Component, number: int) -> bool:
        import numpy as np

        left, right = self._response(one, number), self._response(other, number)
        if left is None or right is None or left.shape != right.shape:
            return False
        largest = max(float(np.abs(left).max(initial=0.0)), float(np.abs(right).max(initial=0.0)))
        return float(np.abs(left - right).max(initial=0.0)) <= TOLERANCE * largest

    def _response(self, component: Component, number: int) -> np.ndarray | None:
        import numpy as np

        from backends.jax.responses import response

        key = (component.hash, number)
        if key not in self._known:
            try:
                found = response(component, dict(_settings(component, number)))
                self._known[key] = found if np.isfinite(found).all() and found.any() else None
            except ValueError:  # a neighbouring value, such as heads that do not divide, may not type
                self._known[key] = None
        return self._known[key]


def _settings(component: Component, number: int) -> Iterator[tuple[str, Scalar]]:
    """The defaults, or for a greater number a neighbour of each: the same for equal domains in one order."""
    random = Random(number)
    for setting in sorted(component.settings, key=lambda one: (str(one.domain), repr(one.default))):
        yield setting.name, setting.domain.neighbour(setting.default, random) if number else setting.default
