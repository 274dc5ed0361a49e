"""What the report of a search shows, read from its rows: frozen values, and no times but in `Times`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genome.recipe import Recipe
from runs.archive import Archive
from runs.language_models import summary
from runs.records import Attempt, Evaluation, OperatorCredit
from runs.report.configurations import Configuration, working_configurations
from runs.report.costs import Cost, PurposeTime, costs, times
from runs.report.learnt import Learnt, learnt
from runs.report.models import Models, expectations, models
from runs.report.nodes import Component, Node, Part, nodes_of, short
from runs.report.scoring import Confirmed, confirmed
from runs.report.selection import select
from runs.ties import tied_with_best

PUBLISHED = "seed"
"""Operator of the attempts that are published recipes as they are."""

UNSCORED = ("rejected", "duplicate", "failed", "diverged", "timeout")


@dataclass(frozen=True, slots=True)
class Cause:
    """Attempts without a score that share a status and a reason but for its numbers."""

    status: str
    cause: str
    attempts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GenerationTime:
    """Seconds that workers spent on one generation, and its duration."""

    generation: int
    compile: float
    train: float
    other: float
    wall: float


@dataclass(frozen=True, slots=True)
class Times:
    """Everything on the page that would differ if the same search ran again."""

    created_at: str
    finished_at: str
    generations: tuple[GenerationTime, ...]
    purposes: tuple[PurposeTime, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A search as its report shows it. `lineage` leads from a founder to the champion, `ties` tie with it.

    `references` has, for every task, the loss of guessing and the nats that a score of 1 is worth. `software` has
    the versions the search last ran with, none where it noted none. `nodes` are all `attempts` or, of a large search,
    some; `configurations` are of `sampled` fully trained ones. `models` is None where no language model was asked.
    """

    name: str
    status: str
    generations: int
    target: int
    seed: int
    version: str
    command: str
    configuration: Mapping[str, Any]
    devices: tuple[str, ...]
    software: Mapping[str, str]
    attempts: int
    counts: Mapping[str, int]
    tasks: tuple[str, ...]
    noise: float | None
    references: Mapping[str, tuple[float, float]]
    champion: int | None
    lineage: tuple[int, ...]
    ties: tuple[int, ...]
    confirmed: tuple[Confirmed, ...]
    nodes: tuple[Node, ...]
    parts: tuple[Part, ...]
    components: tuple[Component, ...]
    operators: tuple[OperatorCredit, ...]
    learnt: Learnt
    sampled: int
    configurations: tuple[Configuration, ...]
    models: Models | None
    causes: tuple[Cause, ...]
    costs: tuple[Cost, ...]
    times: Times


def gather(archive: Archive, command: str) -> Report:
    """Read a search; `command` repeats it. Raises StoreError or RecipeError where a row cannot be read."""
    run, attempts = archive.run, archive.attempts()
    evaluations = archive.evaluations()
    # In the order of the configuration, then any task that only a row names.
    order = [*run.configuration.get("task", []), *(evaluation.task for evaluation in evaluations)]
    tasks = tuple(dict.fromkeys(order))
    yardstick, asked = archive.yardstick, summary(archive)
    best = next(iter(archive.best(1)), None)
    lineage = () if best is None else tuple(step.attempt.id for step in archive.lineage(best.id))
    chosen = select(attempts, lineage, [] if best is None else archive.ancestors(best.id))
    recipes = {
        digest: Recipe.from_json(archive.recipe(digest).recipe)
        for digest in dict.fromkeys(attempt.recipe for attempt in chosen.shown if attempt.recipe)
    }
    parts: dict[Part, int] = {}
    nodes = nodes_of(archive, chosen.shown, recipes, evaluations, tasks, expectations(asked), parts)
    used = {name for part in parts for name in part.components}
    stored = [component for component in archive.components() if component.name in used]
    return Report(
        name=run.name,
        status=run.status,
        generations=archive.generation_count(),
        target=run.generations,
        seed=run.seed,
        version=run.version,
        command=command,
        configuration=run.configuration,
        software=noted[-1].detail if (noted := archive.events(kind="software")) else {},
        devices=tuple(sorted({f"{e.backend} on {e.device}" for e in evaluations if e.backend})),
        attempts=len(attempts),
        counts=dict(sorted(archive.status_counts().items())),
        tasks=tasks,
        noise=None if yardstick is None else yardstick.noise.score,
        references={} if yardstick is None else {t: (r.chance, r.gap) for t, r in yardstick.references.items()},
        champion=None if best is None else best.id,
        lineage=lineage,
        ties=tied_with_best(archive),
        confirmed=confirmed(archive, yardstick, best.recipe if best else None),
        nodes=nodes,
        parts=tuple(parts),
        components=tuple(Component(c.name, c.kind, c.origin, c.arxiv, c.source) for c in stored),
        operators=tuple(archive.credit_totals()),
        learnt=learnt(archive.evidence),
        sampled=len(chosen.sample),
        configurations=working_configurations(
            [recipes[str(attempt.recipe)] for attempt in chosen.sample], {c.name: c.kind for c in stored}
        ),
        models=models(asked),
        causes=_causes(attempts),
        costs=costs(evaluations),
        times=_times(archive, evaluations),
    )


def _causes(attempts: Iterable[Attempt]) -> tuple[Cause, ...]:
    grouped: dict[tuple[str, str], list[int]] = {}
    for attempt in attempts:
        if attempt.status in UNSCORED:
            cause = re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "N", short(attempt.reason))
            grouped.setdefault((attempt.status, cause), []).append(attempt.id)
    causes = [Cause(status, cause, tuple(numbers)) for (status, cause), numbers in grouped.items()]
    return tuple(sorted(causes, key=lambda own: (-len(own.attempts), own.status, own.cause)))


def _times(archive: Archive, evaluations: Sequence[Evaluation]) -> Times:
    generations = archive.generations()
    keys = ("compile_seconds", "train_seconds", "other_seconds", "wall_seconds")
    rows = [
        GenerationTime(row.generation, *(float(row.statistics.get(key, 0.0)) for key in keys))
        for row in generations
    ]
    finished_at = generations[-1].finished_at if generations else ""
    return Times(archive.run.created_at, finished_at, tuple(rows), times(evaluations))
