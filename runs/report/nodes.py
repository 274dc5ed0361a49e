"""The attempts that a report shows in full, with the lines of their recipes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from genome.recipe import Recipe
from runs.archive import Archive
from runs.records import Attempt, Evaluation
from runs.report.models import Expected

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

    `tokens` were trained in all by the end of this attempt; `gain` is over its best parent at the same rung;
    `expected` is what the language model that proposed it foresaw.
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
    expected: tuple[Expected, ...]
    tokens: int


def _measured(evaluations: Iterable[Evaluation]) -> dict[tuple[int, int | None], dict[str, Evaluation]]:
    """The search's measurements by (attempt, rung) and task."""
    found: dict[tuple[int, int | None], dict[str, Evaluation]] = {}
    for evaluation in evaluations:
        if evaluation.purpose == "search" and evaluation.attempt is not None and evaluation.loss is not None:
            found.setdefault((evaluation.attempt, evaluation.rung), {})[evaluation.task] = evaluation
    return found


def nodes_of(
    archive: Archive,
    attempts: Sequence[Attempt],
    recipes: Mapping[str, Recipe],
    evaluations: Sequence[Evaluation],
    tasks: Sequence[str],
    expected: Mapping[int, tuple[Expected, ...]],
    parts: dict[Part, int],
) -> tuple[Node, ...]:
    """These attempts, by number; the parts of their recipes are added to `parts`, each with its number.

    `evaluations` are those of the whole search.
    """
    numbers = [attempt.id for attempt in attempts]
    measured, tokens = _measured(evaluations), _tokens(evaluations)
    gains = {row.attempt: row.gain for row in archive.genealogy(numbers)}
    descriptions = archive.descriptions(numbers)
    nodes, trained = [], 0
    for attempt in attempts:
        while tokens and tokens[-1][0] <= attempt.id:
            trained += tokens.pop()[1]
        own = measured.get((attempt.id, attempt.rung), {})
        lines = _parts(recipes[attempt.recipe]) if attempt.recipe else []
        node = Node(
            id=attempt.id,
            generation=attempt.generation,
            operator=attempt.operator,
            status=attempt.status,
            parents=attempt.parents,
            label=short(attempt.label),
            reason=short(attempt.reason),
            score=attempt.score,
            gain=gains.get(attempt.id),
            family=attempt.family,
            parameters=attempt.parameters,
            flops_per_token=attempt.flops_per_token,
            state_bytes=attempt.state_bytes,
            edits=tuple(short(line) for line in descriptions.get(attempt.id, ())),
            recipe=tuple(parts.setdefault(part, len(parts)) for part in lines),
            measures=tuple(_measure(own.get(task)) for task in tasks) if own else (),
            expected=expected.get(attempt.id, ()),
            tokens=trained,
        )
        nodes.append(node)
    return tuple(nodes)


def _tokens(evaluations: Iterable[Evaluation]) -> list[tuple[int, int]]:
    """Attempts and the tokens that the search trained them with, the first attempt last."""
    trained = Counter[int]()
    for evaluation in evaluations:
        if evaluation.purpose == "search" and evaluation.attempt is not None:
            trained[evaluation.attempt] += evaluation.tokens
    return sorted(trained.items(), reverse=True)


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


def short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_TEXT else line[: MOST_TEXT - 1] + "…"
