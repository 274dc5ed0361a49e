"""Confirmation: recipes trained again on fresh seeds at closely matched parameters, scored on the sealed split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from evolve.measurement import Laboratory, Measured, Subject
from evolve.sweep import rate_edits
from evolve.yardstick import Yardstick, training_seed
from genome.edits import apply
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
    """One recipe's scores over fresh seeds; `losses` are means per task, in nats on the sealed split.

    `difference` is that of its parameters to the budget, as a part of it.
    """

    name: str
    hash: str
    scores: tuple[float, ...]
    losses: Mapping[str, float]
    parameters: int
    difference: float
    learning_rate: float
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
    laboratory: Laboratory, named: Mapping[str, Recipe], yardstick: Yardstick, seed: int, *, sweep: bool = False
) -> list[Confirmed]:
    """Train every recipe on fresh seeds and score it on the sealed split; best first, failures last.

    With `sweep`, each trains at the best of its learning rates on the validation split, chosen on the search's seed.
    """
    subjects = {name: closest(laboratory, recipe) for name, recipe in named.items()}
    rows = [records.Recipe(subject.hash, subject.recipe.json_text, name) for name, subject in subjects.items()]
    laboratory.store.add_recipes(rows)
    if sweep:
        subjects = _tuned(laboratory, subjects, yardstick, seed)
    seeds = [training_seed(seed) + offset for offset in FRESH_SEEDS]
    whole = laboratory.scale.last_rung
    measured = laboratory.measure(list(subjects.values()), seeds, whole, purpose="confirm", split="sealed")
    results = [
        _confirmed(laboratory, name, subject, [m for m in measured if m.subject is subject], yardstick)
        for name, subject in subjects.items()
    ]
    return sorted(results, key=lambda result: (bool(result.failure), -result.mean if result.scores else 0.0))


def _tuned(
    laboratory: Laboratory, subjects: Mapping[str, Subject], yardstick: Yardstick, seed: int
) -> dict[str, Subject]:
    """Every subject at the learning rate that scores best; one that fails at all of them stays as it is."""
    library = laboratory.library
    variants = {
        name: [
            subject,
            *(
                closest(laboratory, apply(subject.recipe, [edit], library).recipe)
                for edit in rate_edits(subject.recipe, library)
            ),
        ]
        for name, subject in subjects.items()
    }
    every = {subject.hash: subject for own in variants.values() for subject in own}
    laboratory.store.add_recipes(
        [
            records.Recipe(variant.hash, variant.recipe.json_text, f"{name} at learning rate {_rate(variant):g}")
            for name, own in variants.items()
            for variant in own[1:]
        ]
    )
    whole = laboratory.scale.last_rung
    measured = laboratory.measure(list(every.values()), [training_seed(seed)], whole, purpose="sweep")
    scores = {m.subject.hash: yardstick.score(m.losses) for m in measured if m.status == "evaluated"}
    return {
        name: max(own, key=lambda subject: scores.get(subject.hash, float("-inf")))
        for name, own in variants.items()
    }


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


def _rate(subject: Subject) -> float:
    return float(subject.instance.optimizer["learning_rate"])


def _distance(laboratory: Laboratory, subject: Subject) -> float:
    return abs(subject.instance.cost.parameters / laboratory.scale.parameters - 1)


def _confirmed(
    laboratory: Laboratory, name: str, subject: Subject, measured: Sequence[Measured], yardstick: Yardstick
) -> Confirmed:
    parameters = subject.instance.cost.parameters
    difference = parameters / laboratory.scale.parameters - 1
    failed = next((m for m in measured if m.status != "evaluated"), None)
    rate = _rate(subject)
    if failed is not None:
        return Confirmed(name, subject.hash, (), {}, parameters, difference, rate, failed.reason)
    scores = tuple(yardstick.score(m.losses) for m in measured)
    losses = {task: fmean(m.losses[task] for m in measured) for task in measured[0].losses}
    return Confirmed(name, subject.hash, scores, losses, parameters, difference, rate)
