"""A search's recipes on the sealed split, scored by its yardstick and compared with its champion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import fmean, stdev

from evaluators.scores import Standing, Yardstick, standing
from runs.archive import Archive
from runs.records import Evaluation


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A recipe on the sealed split; `seeds` is 0 and `failure` says why where it could not be trained.

    `difference` is the champion's mean minus this one's, and `champion_is` what it says of the champion. Both are
    None for the champion itself and where either has no score.
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
    champion_is: Standing | None = None


def confirmed(archive: Archive, yardstick: Yardstick | None, champion: str | None) -> tuple[Confirmed, ...]:
    """Every recipe that was trained again for the sealed split, best first, failures last.

    Without a yardstick there are losses and no scores.
    """
    found = [
        _confirmed(archive, recipe, seeds, yardstick, champion)
        for recipe, seeds in _by_recipe_and_seed(archive).items()
    ]
    best = next((one for one in found if one.champion), None)
    compared = [_against(one, best, yardstick) for one in found]
    return tuple(sorted(compared, key=lambda one: (one.mean is None, -(one.mean or 0.0), one.label)))


def _by_recipe_and_seed(archive: Archive) -> dict[str, dict[int, list[Evaluation]]]:
    grouped: dict[str, dict[int, list[Evaluation]]] = {}
    for evaluation in archive.evaluations(purpose="confirm"):
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
    yardstick: Yardstick | None,
    champion: str | None,
) -> Confirmed:
    label = archive.recipe(recipe).label or recipe
    runs = [_losses(evaluations) for _, evaluations in sorted(seeds.items())]
    if not all(runs):
        failed = next(e for own in seeds.values() for e in own if e.loss is None)
        return Confirmed(recipe, label, recipe == champion, 0, None, None, {}, f"{failed.task}: {failed.reason}")
    # A confirmation that goes on has seeds with a loss on some tasks only.
    scores = [yardstick.score(own) for own in runs if yardstick and own.keys() == yardstick.references.keys()]
    tasks = sorted({task for losses in runs for task in losses})
    losses = {task: fmean(own[task] for own in runs if task in own) for task in tasks}
    mean = fmean(scores) if scores else None
    spread = stdev(scores) if len(scores) > 1 else None
    return Confirmed(recipe, label, recipe == champion, len(runs), mean, spread, losses)


def _against(other: Confirmed, champion: Confirmed | None, yardstick: Yardstick | None) -> Confirmed:
    if champion is None or yardstick is None or other.champion or champion.mean is None or other.mean is None:
        return other
    difference = champion.mean - other.mean
    errors = [(one.spread or 0.0) / sqrt(max(1, one.seeds)) for one in (champion, other)]
    return replace(other, difference=difference, champion_is=standing(difference, yardstick.noise.score, *errors))
