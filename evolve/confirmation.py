"""Confirmation: recipes trained again on fresh seeds at closely matched parameters, scored on the sealed split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from evolve.measurement import Laboratory, Measured, Subject
from evolve.yardstick import Yardstick, training_seed
from genome.errors import GenomeError
from genome.recipe import Recipe, recipe_hash
from runs import records

FRESH_SEEDS = (11, 12, 13)
"""Offsets of the seeds that only confirmation uses."""

CLOSE = 0.02
"""Distance to the parameter budget within which recipes are compared."""

FINER_STEPS = (0, 8, 4, 2, 1)
"""Grids of hidden sizes tried in turn (0: the scale's own) until the budget is met closely."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """One recipe's scores over fresh seeds; `losses` are means per task, in nats on the sealed split."""

    name: str
    hash: str
    scores: tuple[float, ...]
    losses: Mapping[str, float]
    parameters: int
    difference: float
    failure: str = ""

    @property
    def mean(self) -> float:
        return fmean(self.scores)

    @property
    def spread(self) -> float:
        """Standard deviation over seeds, 0 for a single one."""
        return stdev(self.scores) if len(self.scores) > 1 else 0.0

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return self.spread / sqrt(len(self.scores))


def confirm(
    laboratory: Laboratory, named: Mapping[str, Recipe], yardstick: Yardstick, seed: int
) -> list[Confirmed]:
    """Train every recipe on fresh seeds and score it on the sealed split; best first, failures last."""
    subjects = {name: closest(laboratory, recipe) for name, recipe in named.items()}
    rows = [records.Recipe(subject.hash, subject.recipe.json_text, name) for name, subject in subjects.items()]
    laboratory.store.add_recipes(rows)
    seeds = [training_seed(seed) + offset for offset in FRESH_SEEDS]
    whole = laboratory.scale.last_rung
    measured = laboratory.measure(list(subjects.values()), seeds, whole, purpose="confirm", split="sealed")
    results = [
        _confirmed(laboratory, name, subject, [m for m in measured if m.subject is subject], yardstick)
        for name, subject in subjects.items()
    ]
    return sorted(results, key=lambda result: (bool(result.failure), -result.mean if result.scores else 0.0))


def closest(laboratory: Laboratory, recipe: Recipe) -> Subject:
    """The recipe as near to the parameter budget as any grid of hidden sizes brings it, coarse grids first."""
    digest = recipe_hash(recipe, laboratory.library)
    best: Subject | None = None
    for step in FINER_STEPS:
        try:
            subject = laboratory.subject(recipe, digest, hidden_step=step)
        except GenomeError:
            continue
        if best is None or _distance(laboratory, subject) < _distance(laboratory, best):
            best = subject
        if _distance(laboratory, best) <= CLOSE:
            break
    if best is None:
        return laboratory.subject(recipe, digest)
    return best


def _distance(laboratory: Laboratory, subject: Subject) -> float:
    return abs(subject.instance.cost.parameters / laboratory.scale.parameters - 1)


def _confirmed(
    laboratory: Laboratory, name: str, subject: Subject, measured: Sequence[Measured], yardstick: Yardstick
) -> Confirmed:
    parameters = subject.instance.cost.parameters
    difference = parameters / laboratory.scale.parameters - 1
    failed = next((m for m in measured if m.status != "evaluated"), None)
    if failed is not None:
        return Confirmed(name, subject.hash, (), {}, parameters, difference, failed.reason)
    scores = tuple(yardstick.score(m.losses) for m in measured)
    losses = {task: fmean(m.losses[task] for m in measured) for task in measured[0].losses}
    return Confirmed(name, subject.hash, scores, losses, parameters, difference)
