"""The yardstick and scores follow from evaluations, and operators are credited with what their attempts achieved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import isclose
from statistics import fmean

from evaluators.scales import Scale
from evaluators.scores import References, ScoreError, Yardstick, measure_references, recipe_score
from evaluators.tasks.registry import make_task
from evolve.configuration import Configuration
from evolve.credit import Credit, counts, credited
from evolve.session import search_scale, task_specs
from evolve.variation import SEED
from evolve.yardstick import NOISE_OFFSETS, RETEST_OFFSET, training_seed
from runs.archive import Archive
from runs.records import Attempt
from runs.yardstick import yardstick_differences


@dataclass(frozen=True, slots=True)
class Setting:
    """What a search was configured to measure; `unknown` says why the chance losses cannot be had, if so."""

    tasks: tuple[str, ...]
    seed: int
    scale: Scale
    chances: Mapping[str, float]
    unknown: str = ""


def read_setting(archive: Archive) -> Setting:
    """The setting of a search. Raises ValueError where its configuration cannot be read.

    Chance losses come from the tasks, made again; a corpus that is gone or has changed gives none.
    """
    stored = archive.run.configuration
    configuration = Configuration.of_search(stored)
    scale = search_scale(configuration)
    setting = Setting(configuration.task, configuration.seed, scale, {})
    identities = stored.get("task_data", {})
    chances: dict[str, float] = {}
    for spec in task_specs(configuration.task, configuration.data, scale):
        try:
            task = make_task(spec.name, spec.profile, data=spec.data, context=spec.context)
        except ValueError as error:
            return replace(setting, unknown=f"{spec.name}: {error}")
        if identities.get(spec.name, task.identity) != task.identity:
            return replace(setting, unknown=f"{spec.name}: its data are no longer those of the search")
        chances[spec.name] = task.chance_loss
    return replace(setting, chances=chances)


def yardstick_problems(archive: Archive, setting: Setting) -> Iterator[str]:
    """Values of the stored yardstick, where there is one, that the reference recipe's evaluations do not give.

    Without the tasks' chance losses the stored ones are taken as they are.
    """
    stored = archive.yardstick
    if stored is None:
        return
    losses, problems = reference_losses(archive, setting)
    yield from problems
    if problems:
        return
    recipes = {
        evaluation.recipe for evaluation in archive.evaluations(purpose="noise", rung=setting.scale.last_rung)
    }
    names = ", ".join(sorted(archive.recipe(digest).label for digest in recipes))
    chances = setting.chances or {task: reference.chance for task, reference in stored.references.items()}
    for name, one, other in yardstick_differences(stored, Yardstick.measured(names, chances, losses)):
        yield f"yardstick: {name} is stored as {one}, the reference's evaluations give {other}"


def score_problems(archive: Archive, setting: Setting) -> Iterator[str]:
    """Scored attempts without their evaluations, or whose score is not what losses and references give.

    Without chance losses no score is computed, and only what is missing is named.
    """
    references: References | None = None
    scored = [attempt for attempt in archive.attempts() if attempt.score is not None]
    if setting.chances and scored:
        losses, problems = reference_losses(archive, setting)
        yield from problems
        if not problems:
            references = measure_references(setting.chances, losses)
    own: dict[tuple[int | None, int, int], dict[str, float]] = {}
    for purpose in ("search", "retest"):
        for evaluation in archive.evaluations(purpose=purpose, split="validation"):
            if evaluation.loss is not None:
                key = (evaluation.attempt, evaluation.rung, evaluation.seed)
                own.setdefault(key, {})[evaluation.task] = evaluation.loss
    first = training_seed(setting.seed)
    for attempt in scored:
        for rung in range(attempt.rung or 0):
            trained = own.get((attempt.id, rung, first), {})
            if lost := [task for task in setting.tasks if task not in trained]:
                place = f"a loss on {', '.join(lost)} at rung {rung}"
                yield f"attempt {attempt.id}: trained up to rung {attempt.rung} without {place}"
        if attempt.rung is not None:
            runs = [own.get((attempt.id, attempt.rung, seed)) for seed in (first, first + RETEST_OFFSET)]
            yield from _score_problems(attempt, runs[0] or {}, runs[1], setting, references)


def credit_problems(archive: Archive, setting: Setting) -> Iterator[str]:
    """Credit of a finished generation that its attempts do not add up to."""
    attempts = {attempt.id: attempt for attempt in archive.attempts()}
    stored = archive.credit()
    flops_known = _trained_at(archive, setting)
    noise = archive.yardstick.noise.score if archive.yardstick else 0.0
    for row in archive.generations():
        new = [
            a
            for a in attempts.values()
            if a.generation == row.generation
            and a.operator != SEED
            and a.status != "proposed"
            and counts(a.operator, a.status)
        ]
        true = credited(new, attempts, setting.scale, len(setting.tasks), noise)
        kept = {one.operator: one for one in stored.get(row.generation, [])}
        for operator in sorted(true.keys() | kept.keys()):
            have, want = kept.get(operator), true.get(operator, Credit())
            place = f"generation {row.generation}: credit of {operator}"
            if have is None:
                yield f"{place} is missing"
                continue
            pairs = [
                ("attempts", have.attempts, want.attempts),
                ("improved", have.improved, want.improved),
                ("gain", have.gain, want.gain),
                ("untrained", have.untrained, want.untrained),
            ]
            if flops_known:
                pairs.append(("FLOPs", have.cost_flops, want.flops))
            for name, one, other in pairs:
                if not isclose(one, other, rel_tol=1e-9, abs_tol=1e-9):
                    yield f"{place}: {name} stored as {one}, its attempts give {other}"


def reference_losses(archive: Archive, setting: Setting) -> tuple[list[Mapping[str, float]], list[str]]:
    """Losses of the reference recipe, once per seed, and what is missing of them."""
    found = {(e.seed, e.task): e.loss for e in archive.evaluations(purpose="noise", rung=setting.scale.last_rung)}
    seeds = [training_seed(setting.seed) + offset for offset in NOISE_OFFSETS]
    problems = [
        f"noise: the reference has no loss on {task} with seed {seed}"
        for seed in seeds
        for task in setting.tasks
        if found.get((seed, task)) is None
    ]
    return [{task: found.get((seed, task)) or 0.0 for task in setting.tasks} for seed in seeds], problems


def _score_problems(
    attempt: Attempt,
    losses: Mapping[str, float],
    retested: Mapping[str, float] | None,
    setting: Setting,
    references: References | None,
) -> Iterator[str]:
    missing = [task for task in setting.tasks if task not in losses]
    if missing:
        yield f"attempt {attempt.id}: has a score and no evaluation on {', '.join(missing)} at rung {attempt.rung}"
        return
    if references is None or attempt.score is None:
        return
    try:
        score = fmean(recipe_score(own, references) for own in (losses, retested) if own is not None)
    except ScoreError as error:
        yield f"attempt {attempt.id}: {error}"
        return
    if not isclose(score, attempt.score, rel_tol=1e-9, abs_tol=1e-9):
        yield f"attempt {attempt.id}: its score is stored as {attempt.score}, its losses give {score}"


def _trained_at(archive: Archive, setting: Setting) -> bool:
    """Whether this software's scale has the tokens that the search trained with: else its FLOPs are not known."""
    scale = setting.scale
    full = scale.steps * scale.batch * scale.context
    noise = archive.evaluations(purpose="noise", rung=scale.last_rung)
    return {evaluation.tokens for evaluation in noise if evaluation.loss is not None} == {full}
