"""What the report of a search shows, read from its rows: frozen values, and no times but in `Times`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genome.recipe import Recipe
from runs.archive import Archive
from runs.records import Attempt, Evaluation, OperatorCredit
from runs.report.configurations import Configuration, working_configurations
from runs.report.costs import Cost, PurposeTime, costs, times
from runs.report.scoring import Confirmed, confirmed
from runs.ties import tied_with_best

PUBLISHED = "seed"
"""Operator of the attempts that are published recipes as they are."""

UNSCORED = ("rejected", "duplicate", "failed", "diverged", "timeout")
MOST_TEXT = 300
"""Characters kept of a reason or a description: a traceback is not for a page."""

Measure = tuple[float, float | None] | None
"""Loss and accuracy on a task, or None where it was not measured."""


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a recipe and the components it names; many recipes share a part."""

    text: str
    components: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Component:
    """A component that some recipe names."""

    name: str
    kind: str
    origin: str
    arxiv: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Node:
    """One attempt. `recipe` numbers its parts: embedding, blocks, head, training. `measures` follow `Report.tasks`.

    `tokens` were trained in all by the end of this attempt; `gain` is over its best parent at the same rung.
    """

    id: int
    generation: int
    operator: str
    status: str
    parents: tuple[int, ...]
    label: str
    reason: str
    score: float | None
    gain: float | None
    family: str | None
    parameters: int | None
    flops_per_token: int | None
    state_bytes: int | None
    edits: tuple[str, ...]
    recipe: tuple[int, ...]
    measures: tuple[Measure, ...]
    tokens: int


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
    the versions the search last ran with, none where it noted none.
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
    configurations: tuple[Configuration, ...]
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
    recipes = {
        digest: Recipe.from_json(archive.recipe(digest).recipe)
        for digest in dict.fromkeys(attempt.recipe for attempt in attempts if attempt.recipe)
    }
    parts: dict[Part, int] = {}
    nodes = _nodes(archive, attempts, recipes, evaluations, tasks, parts)
    yardstick = archive.yardstick
    best = next(iter(archive.best(1)), None)
    used = {name for part in parts for name in part.components}
    stored = [component for component in archive.components() if component.name in used]
    ranked = sorted((a for a in attempts if a.status == "evaluated"), key=lambda a: (-(a.score or 0.0), a.id))
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
        counts=dict(sorted(archive.status_counts().items())),
        tasks=tasks,
        noise=None if yardstick is None else yardstick.noise.score,
        references={} if yardstick is None else {t: (r.chance, r.gap) for t, r in yardstick.references.items()},
        champion=None if best is None else best.id,
        lineage=() if best is None else tuple(step.attempt.id for step in archive.lineage(best.id)),
        ties=tied_with_best(archive),
        confirmed=confirmed(archive, yardstick, best.recipe if best else None),
        nodes=nodes,
        parts=tuple(parts),
        components=tuple(Component(c.name, c.kind, c.origin, c.arxiv, c.source) for c in stored),
        operators=tuple(archive.credit_totals()),
        configurations=working_configurations(
            [recipes[str(attempt.recipe)] for attempt in ranked], {c.name: c.kind for c in stored}
        ),
        causes=_causes(attempts),
        costs=costs(evaluations),
        times=_times(archive, evaluations),
    )


def _measured(evaluations: Iterable[Evaluation]) -> dict[tuple[int, int | None], dict[str, Evaluation]]:
    """The search's measurements by (attempt, rung) and task."""
    found: dict[tuple[int, int | None], dict[str, Evaluation]] = {}
    for evaluation in evaluations:
        if evaluation.purpose == "search" and evaluation.attempt is not None and evaluation.loss is not None:
            found.setdefault((evaluation.attempt, evaluation.rung), {})[evaluation.task] = evaluation
    return found


def _nodes(
    archive: Archive,
    attempts: Sequence[Attempt],
    recipes: Mapping[str, Recipe],
    evaluations: Sequence[Evaluation],
    tasks: Sequence[str],
    parts: dict[Part, int],
) -> tuple[Node, ...]:
    """Every attempt; the parts of their recipes are added to `parts`, each with its number."""
    measured, gains = _measured(evaluations), {row.attempt: row.gain for row in archive.genealogy()}
    descriptions, trained = archive.descriptions(), Counter[int | None]()
    for evaluation in evaluations:
        trained[evaluation.attempt] += evaluation.tokens if evaluation.purpose == "search" else 0
    nodes, tokens = [], 0
    for attempt in attempts:
        tokens += trained[attempt.id]
        own = measured.get((attempt.id, attempt.rung), {})
        lines = _parts(recipes[attempt.recipe]) if attempt.recipe else []
        node = Node(
            id=attempt.id,
            generation=attempt.generation,
            operator=attempt.operator,
            status=attempt.status,
            parents=attempt.parents,
            label=_short(attempt.label),
            reason=_short(attempt.reason),
            score=attempt.score,
            gain=gains.get(attempt.id),
            family=attempt.family,
            parameters=attempt.parameters,
            flops_per_token=attempt.flops_per_token,
            state_bytes=attempt.state_bytes,
            edits=tuple(_short(line) for line in descriptions.get(attempt.id, ())),
            recipe=tuple(parts.setdefault(part, len(parts)) for part in lines),
            measures=tuple(_measure(own.get(task)) for task in tasks) if own else (),
            tokens=tokens,
        )
        nodes.append(node)
    return tuple(nodes)


def _measure(evaluation: Evaluation | None) -> Measure:
    return None if evaluation is None else (evaluation.loss or 0.0, evaluation.accuracy)


def _parts(recipe: Recipe) -> list[Part]:
    """The lines of a recipe in order, without their headings."""
    names: dict[str, list[str]] = {}
    for path, gene in recipe.genes():
        names.setdefault(path.partition(".")[0], []).append(gene.component)
    texts = [line.partition(": ")[2] for line in recipe.lines()]
    places = ["embedding", *map(str, range(len(recipe.blocks))), "head", "training"]
    return [Part(text, tuple(dict.fromkeys(names[place]))) for place, text in zip(places, texts, strict=True)]


def _causes(attempts: Iterable[Attempt]) -> tuple[Cause, ...]:
    grouped: dict[tuple[str, str], list[int]] = {}
    for attempt in attempts:
        if attempt.status in UNSCORED:
            cause = re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "N", _short(attempt.reason))
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


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_TEXT else line[: MOST_TEXT - 1] + "…"
