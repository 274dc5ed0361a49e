"""What a search's scores are made of, recovered from its rows.

A score is a mean over tasks of the way from guessing to a reference, so it is an affine function of the losses, the
same for every attempt. The store holds scores and losses: they give the function back, without the tasks' data,
and with it the scores of what was measured outside the search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import fmean, stdev

from evaluators.scores import exceeds_noise
from runs.archive import Archive
from runs.records import Evaluation, Purpose

TOLERANCE = 1e-6
"""Distance up to which a recovered score counts as the stored one."""

Losses = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Scoring:
    """A score as a function of losses: `offset` minus the losses times the weights of their tasks."""

    offset: float
    weights: Mapping[str, float]

    def score(self, losses: Losses) -> float:
        """The score of losses that name every task."""
        return self.offset - sum(weight * losses[task] for task, weight in self.weights.items())


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A recipe on the sealed split; `seeds` is 0 and `failure` says why where it could not be trained.

    `difference` is the champion's mean minus this one's; `beyond_noise` says whether it exceeds twice the noise.
    Both are None for the champion itself and where either has no score.
    """

    recipe: str
    label: str
    champion: bool
    seeds: int
    mean: float | None
    spread: float | None
    losses: Mapping[str, float]
    failure: str = ""
    difference: float | None = None
    beyond_noise: bool | None = None


def recover(tasks: Sequence[str], samples: Sequence[tuple[Losses, float]]) -> Scoring | None:
    """The function that gives every sample's score, or None where they do not determine one."""
    import numpy as np

    whole = [(losses, score) for losses, score in samples if all(task in losses for task in tasks)]
    if not tasks or len(whole) <= len(tasks):
        return None
    table = np.array([[losses[task] for task in tasks] for losses, _ in whole])
    scores = np.array([score for _, score in whole])
    centre, mean = table.mean(axis=0), scores.mean()
    slopes, _, rank, _ = np.linalg.lstsq(table - centre, scores - mean, rcond=1e-9)
    residual = (table - centre) @ slopes + mean - scores
    if rank < len(tasks) or float(abs(residual).max()) > TOLERANCE:
        return None
    return Scoring(float(mean - centre @ slopes), {t: -float(s) for t, s in zip(tasks, slopes, strict=True)})


def noise_floor(archive: Archive, scoring: Scoring | None) -> float | None:
    """Standard deviation of the score over the seeds of the reference recipe; None where it is not known."""
    if scoring is None:
        return None
    runs = _by_recipe_and_seed(archive, "noise")
    scores = [
        scoring.score(losses) for seeds in runs.values() for losses in map(_losses, seeds.values()) if losses
    ]
    return stdev(scores) if len(scores) > 1 else None


def confirmed(
    archive: Archive, scoring: Scoring | None, champion: str | None, noise: float | None
) -> tuple[Confirmed, ...]:
    """Every recipe that was trained again for the sealed split, best first, failures last."""
    found = [
        _confirmed(archive, recipe, seeds, scoring, champion)
        for recipe, seeds in _by_recipe_and_seed(archive, "confirm").items()
    ]
    best = next((one for one in found if one.champion), None)
    compared = [_against(one, best, noise) for one in found]
    return tuple(sorted(compared, key=lambda one: (one.mean is None, -(one.mean or 0.0), one.label)))


def _by_recipe_and_seed(archive: Archive, purpose: Purpose) -> dict[str, dict[int, list[Evaluation]]]:
    grouped: dict[str, dict[int, list[Evaluation]]] = {}
    for evaluation in archive.evaluations(purpose=purpose):
        grouped.setdefault(evaluation.recipe, {}).setdefault(evaluation.seed, []).append(evaluation)
    return grouped


def _losses(evaluations: Sequence[Evaluation]) -> dict[str, float]:
    """Losses by task; empty where a task failed."""
    if any(evaluation.loss is None for evaluation in evaluations):
        return {}
    return {evaluation.task: evaluation.loss or 0.0 for evaluation in evaluations}


def _confirmed(
    archive: Archive,
    recipe: str,
    seeds: Mapping[int, Sequence[Evaluation]],
    scoring: Scoring | None,
    champion: str | None,
) -> Confirmed:
    label = archive.recipe(recipe).label or recipe
    runs = [_losses(evaluations) for _, evaluations in sorted(seeds.items())]
    if not all(runs):
        failed = next(e for own in seeds.values() for e in own if e.loss is None)
        return Confirmed(recipe, label, recipe == champion, 0, None, None, {}, f"{failed.task}: {failed.reason}")
    whole = [losses for losses in runs if scoring is None or losses.keys() >= scoring.weights.keys()]
    scores = [scoring.score(losses) for losses in whole] if scoring else []
    tasks = sorted({task for losses in runs for task in losses})
    losses = {task: fmean(own[task] for own in runs if task in own) for task in tasks}
    mean = fmean(scores) if scores else None
    spread = stdev(scores) if len(scores) > 1 else None
    return Confirmed(recipe, label, recipe == champion, len(runs), mean, spread, losses)


def _against(other: Confirmed, champion: Confirmed | None, noise: float | None) -> Confirmed:
    if champion is None or other.champion or champion.mean is None or other.mean is None:
        return other
    difference = champion.mean - other.mean
    errors = [(one.spread or 0.0) / sqrt(max(1, one.seeds)) for one in (champion, other)]
    beyond = None if noise is None else exceeds_noise(difference, noise, *errors)
    return replace(other, difference=difference, beyond_noise=beyond)
