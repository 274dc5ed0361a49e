"""Whether what a language model expected of a change came true, as far as the noise lets one tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from evaluators.scores import Yardstick, exceeds_noise, task_scores
from evaluators.tasks.registry import TASK_SKILLS
from runs.archive import Archive
from runs.calls import Effect, Prediction
from runs.contract import SearchStore

SkillScores = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A prediction and what was measured: the child's score in the skill minus the parent's, and what it says."""

    prediction: Prediction
    difference: float
    effect: Effect

    @property
    def held(self) -> bool:
        return self.effect == self.prediction.effect


def verdicts(
    predictions: Iterable[Prediction],
    parents: Mapping[int, int],
    scores: Mapping[int, SkillScores],
    noise: SkillScores,
) -> list[Verdict]:
    """Verdicts on predictions whose attempt and parent were both trained in full.

    `parents` is each attempt's first parent, `scores` what fully trained attempts reached in each skill, and `noise`
    the standard deviation of such a score over seeds. A difference within twice the noise is no difference.
    """
    found = []
    for prediction in predictions:
        child = scores.get(prediction.attempt, {})
        parent = scores.get(parents.get(prediction.attempt, 0), {})
        if prediction.skill in child and prediction.skill in parent:
            difference = child[prediction.skill] - parent[prediction.skill]
            found.append(Verdict(prediction, difference, effect(difference, noise[prediction.skill])))
    return found


def effect(difference: float, noise: float) -> Effect:
    """What a difference of two scores says, given the noise floor of one."""
    if not exceeds_noise(difference, noise):
        return "same"
    return "better" if difference > 0 else "worse"


def by_skill(values: Mapping[str, float]) -> dict[str, float]:
    """Values by task as means by skill: several tasks may show the same skill."""
    grouped: dict[str, list[float]] = {}
    for task, value in values.items():
        grouped.setdefault(TASK_SKILLS[task], []).append(value)
    return {skill: fmean(own) for skill, own in grouped.items()}


def search_verdicts(
    archive: Archive | SearchStore,
    predictions: Sequence[Prediction],
    yardstick: Yardstick | None,
) -> list[Verdict]:
    """Verdicts on a search's predictions."""
    if yardstick is None or not predictions:
        return []
    settled = {a.id: a for a in archive.attempts()}
    full = {number for number, attempt in settled.items() if attempt.status == "evaluated"}
    losses: dict[int, dict[str, float]] = {}
    for evaluation in archive.evaluations(purpose="search"):
        number = evaluation.attempt
        if number in full and evaluation.loss is not None and evaluation.rung == settled[number].rung:
            losses.setdefault(number, {})[evaluation.task] = evaluation.loss
    scores = {
        number: by_skill(task_scores(own, yardstick.references))
        for number, own in losses.items()
        if own.keys() == yardstick.references.keys()
    }
    parents = {number: attempt.parents[0] for number, attempt in settled.items() if attempt.parents}
    return verdicts(predictions, parents, scores, by_skill(yardstick.noise.tasks))
