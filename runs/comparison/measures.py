"""Groups of searches compared: curves, areas under them, what reaching a score costs, who wins at the same seed.

Everything is counted up to the horizon, which the shortest search sets, so that no group wins by a larger budget.
Intervals are percentile bootstrap intervals over seeds (Efron, 1979), from a generator of a fixed seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from evaluators.scores import exceeds_noise
from runs.comparison.traces import Axis, Trace

RESAMPLES = 2000
CONFIDENCE = 0.95
CURVE_POINTS = 129

Statistic = Callable[[np.ndarray], np.ndarray]
"""From values [..., seeds] to one per row [...]."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value over seeds and the bounds of its interval, which are None with fewer than two seeds.

    A value or bound of None where one is expected means: not reached.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Mean over seeds of the best score once `at` was paid."""

    at: float
    best: Estimate


@dataclass(frozen=True, slots=True)
class Run:
    """One search of a group: its best score by the horizon, its mean best score on the way, what reaching cost."""

    directory: str
    seed: int
    best: float
    area: float
    target: float | None
    reached: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """Searches that differ in their seed alone. `cost` is the median of what reaching the score cost."""

    name: str
    configuration: Mapping[str, str]
    runs: tuple[Run, ...]
    best: Estimate
    area: Estimate
    cost: Estimate
    curve: tuple[CurvePoint, ...]

    @property
    def reached(self) -> int:
        """How many of its searches reached the score."""
        return sum(run.reached is not None for run in self.runs)


@dataclass(frozen=True, slots=True)
class Duel:
    """Two groups at the same seeds. `rate` is the part of them that `one` wins; a tie counts half."""

    one: str
    other: str
    seeds: tuple[int, ...]
    wins: int
    ties: int
    losses: int
    rate: Estimate


@dataclass(frozen=True, slots=True)
class Comparison:
    """Groups over `over` from `start`, where every search has a score, to `horizon`, where the shortest ends.

    `reach` is the score to reach; None for the best published recipe's of each search.
    """

    over: Axis
    start: int
    horizon: int
    reach: float | None
    noise: float
    groups: tuple[Group, ...]
    duels: tuple[Duel, ...]


def compared(groups: Mapping[str, Sequence[Trace]], over: Axis, reach: float | None = None) -> Comparison:
    """Compare groups of searches, each with at least one fully trained attempt."""
    traces = [trace for own in groups.values() for trace in own]
    start = max(getattr(trace.points[0], over) for trace in traces)
    horizon = max(start, min(trace.paid[over] for trace in traces))
    found = tuple(_group(name, own, over, start, horizon, reach) for name, own in groups.items())
    noise = {(name, trace.seed): trace.noise for name, own in groups.items() for trace in own}
    duels = tuple(_duel(one, other, noise) for one, other in combinations(found, 2))
    return Comparison(over, start, horizon, reach, max(noise.values()), found, duels)


def area(trace: Trace, over: Axis, start: int, horizon: int) -> float:
    """Area under the best score so far from `start` to `horizon`, divided by that distance: the mean best score."""
    best = trace.best(over, start)
    assert best is not None
    total, at = 0.0, start
    for point in trace.points:
        paid = min(getattr(point, over), horizon)
        if paid > at:
            total, at = total + best * (paid - at), paid
        if getattr(point, over) <= horizon:
            best = max(best, point.score)
    total += best * (horizon - at)
    return total / (horizon - start) if horizon > start else best


def _group(name: str, traces: Sequence[Trace], over: Axis, start: int, horizon: int, reach: float | None) -> Group:
    runs = []
    for trace in traces:
        target = trace.published if reach is None else reach
        reached = None if target is None else trace.reached(over, target, horizon)
        best = trace.best(over, horizon)
        assert best is not None
        runs.append(Run(trace.directory, trace.seed, best, area(trace, over, start, horizon), target, reached))
    places = np.linspace(start, horizon, CURVE_POINTS) if horizon > start else np.asarray([float(start)])
    curves_SxP = np.asarray([[trace.best(over, place) for place in places] for trace in traces], dtype=float)
    points = _estimates(curves_SxP.T, _mean)
    costs = [np.inf if run.reached is None else float(run.reached) for run in runs]
    return Group(
        name,
        traces[0].configuration,
        tuple(runs),
        _estimate([run.best for run in runs], _mean),
        _estimate([run.area for run in runs], _mean),
        _estimate(costs, _median),
        tuple(CurvePoint(float(place), point) for place, point in zip(places, points, strict=True)),
    )


def _duel(one: Group, other: Group, noise: Mapping[tuple[str, int], float]) -> Duel:
    left, right = ({run.seed: run.best for run in group.runs} for group in (one, other))
    seeds = tuple(sorted(left.keys() & right.keys()))
    points = []
    for seed in seeds:
        difference = left[seed] - right[seed]
        counts = exceeds_noise(difference, max(noise[one.name, seed], noise[other.name, seed]))
        points.append((1.0 if difference > 0 else 0.0) if counts else 0.5)
    wins, ties, losses = (points.count(value) for value in (1.0, 0.5, 0.0))
    rate = _estimate(points, _mean) if points else Estimate(None, None, None)
    return Duel(one.name, other.name, seeds, wins, ties, losses, rate)


def _estimate(values: Sequence[float], statistic: Statistic) -> Estimate:
    return _estimates(np.asarray([values], dtype=float), statistic)[0]


def _estimates(values_NxS: np.ndarray, statistic: Statistic) -> list[Estimate]:
    """The statistic of every row over its seeds, with its interval."""
    seeds = values_NxS.shape[1]
    values = statistic(values_NxS)
    if seeds < 2:
        return [Estimate(_finite(value), None, None) for value in values]
    drawn = np.random.default_rng(0).integers(seeds, size=(RESAMPLES, seeds))
    # Values of the order statistics themselves: between one that is reached and one that is not there is no mean.
    bounds = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    lows, highs = np.quantile(statistic(values_NxS[:, drawn]), bounds, axis=-1, method="inverted_cdf")
    return [
        Estimate(_finite(v), _finite(low), _finite(high)) for v, low, high in zip(values, lows, highs, strict=True)
    ]


def _mean(values: np.ndarray) -> np.ndarray:
    return values.mean(axis=-1)


def _median(values: np.ndarray) -> np.ndarray:
    """The lower median: a value that occurs, so that one beyond every bound stays so."""
    return np.quantile(values, 0.5, axis=-1, method="inverted_cdf")


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
