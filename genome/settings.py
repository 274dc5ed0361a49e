"""Settings of a component: a name, the domain that edits sample from, and a default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log
from random import Random

from genome.errors import GenomeError
from genome.expressions import Scalar


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values, in order."""

    values: tuple[Scalar, ...]

    def contains(self, value: Scalar) -> bool:
        return any(value == other and type(value) is type(other) for other in self.values)

    def sample(self, random: Random) -> Scalar:
        return random.choice(self.values)

    def neighbour(self, value: Scalar, random: Random) -> Scalar:
        """Another value, next to this one in order where possible."""
        others = [v for v in self.values if v != value]
        if not others:
            return value
        if value not in self.values:
            return random.choice(others)
        at = self.values.index(value)
        return random.choice([self.values[i] for i in (at - 1, at + 1) if 0 <= i < len(self.values)])

    def __str__(self) -> str:
        return f"choice({', '.join(map(repr, self.values))})"


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number between two bounds, both included."""

    low: int
    high: int

    def contains(self, value: Scalar) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    def sample(self, random: Random) -> Scalar:
        return random.randint(self.low, self.high)

    def neighbour(self, value: Scalar, random: Random) -> Scalar:
        """A value within a factor of about two, never the same unless it is the only one."""
        centre = int(value)
        low, high = max(self.low, centre // 2), min(self.high, max(2 * centre, centre + 2))
        others = [v for v in range(low, high + 1) if v != centre]
        return random.choice(others) if others else value

    def __str__(self) -> str:
        return f"integer({self.low}, {self.high})"


@dataclass(frozen=True, slots=True)
class LogRange:
    """A positive number between two bounds, sampled on a logarithmic scale, to three significant digits."""

    low: float
    high: float

    def contains(self, value: Scalar) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high

    def sample(self, random: Random) -> Scalar:
        return self._rounded(exp(random.uniform(log(self.low), log(self.high))))

    def neighbour(self, value: Scalar, random: Random) -> Scalar:
        """A value within a factor of two."""
        return self._rounded(float(value) * exp(random.uniform(-log(2), log(2))))

    def _rounded(self, value: float) -> float:
        return min(self.high, max(self.low, float(f"{value:.3g}")))

    def __str__(self) -> str:
        return f"log_range({self.low!r}, {self.high!r})"


@dataclass(frozen=True, slots=True)
class Flag:
    """True or False."""

    def contains(self, value: Scalar) -> bool:
        return isinstance(value, bool)

    def sample(self, random: Random) -> Scalar:
        return random.random() < 0.5

    def neighbour(self, value: Scalar, random: Random) -> Scalar:
        return not value

    def __str__(self) -> str:
        return "flag"


Domain = Choice | Integer | LogRange | Flag


@dataclass(frozen=True, slots=True)
class Setting:
    """One keyword parameter of a component."""

    name: str
    domain: Domain
    default: Scalar

    def __str__(self) -> str:
        return f"{self.name}: {self.domain} = {self.default!r}"


def complete(settings: tuple[Setting, ...], given: Mapping[str, Scalar], owner: str) -> dict[str, Scalar]:
    """Every setting with its given value or default.

    Raises GenomeError for an unknown name or a value outside its domain.
    """
    known = {setting.name: setting for setting in settings}
    for name, value in given.items():
        if name not in known:
            accepted = ", ".join(known) or "none"
            raise GenomeError(f"{owner} has no setting {name!r}; it has: {accepted}")
        if not known[name].domain.contains(value):
            raise GenomeError(f"{owner}: {name} = {value!r} is not in {known[name].domain}")
    return {setting.name: given.get(setting.name, setting.default) for setting in settings}
