"""Figures of one finished generation, through DEAP's statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from deap import tools

from evolve.credit import Credit
from evolve.history import History
from evolve.measurement import Clock
from runs import records


def generation_statistics(
    attempts: Sequence[records.Attempt],
    history: History,
    credit: Mapping[str, Credit],
    best: float | None,
    clock: Clock,
    seconds: float,
) -> dict[str, Any]:
    """Figures of the generation of these attempts; `seconds` is its time by the wall, `best` the search's score."""
    counts = Counter(attempt.status for attempt in attempts)
    trained = [individual for individual in history.ranked if individual.status == "evaluated"]
    statistics = tools.Statistics(key=lambda individual: individual.score)
    statistics.register("median", median)
    fresh = [individual.score for individual in trained if individual.generation == attempts[0].generation]
    return {
        "best": best,
        **(statistics.compile(trained) if trained else {"median": None}),
        "generation_best": max(fresh, default=None),
        "proposed": len(attempts),
        "trained": len(attempts) - counts["duplicate"] - counts["rejected"],
        "duplicate": counts["duplicate"],
        "rejected": counts["rejected"],
        "failed": sum(counts[status] for status in ("failed", "diverged", "timeout")),
        "best_operator": max(credit, key=lambda name: (credit[name].gain, name), default=""),
        "families": len({individual.family for individual in trained}),
        "depth": _depth(history),
        "compile_seconds": clock.compile,
        "train_seconds": clock.train,
        "other_seconds": clock.other,
        "wall_seconds": seconds,
    }


def _depth(history: History) -> int:
    depth: dict[int, int] = {}
    for attempt, individual in sorted(history.individuals.items()):
        depth[attempt] = 1 + max((depth.get(parent, 0) for parent in individual.parents), default=-1)
    return max(depth.values(), default=0)
