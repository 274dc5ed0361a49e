"""What guides one generation: components that answer skills, and how well neighbours do, as weights of choices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp

from cognition.knowledge import Answer, Knowledge
from evaluators.tasks.protocol import Task
from evolve.history import History, Individual
from genome.arrangement import (
    Kinds,
    Neighbours,
    Pair,
    around_block,
    around_branch,
    around_gene,
    junction,
)
from genome.recipe import Block, Recipe
from runs.evidence.cases import cases
from runs.evidence.lifts import lifts

Weight = Callable[[str], float]
"""How much a component counts in a choice."""

WIDEST = 2.0
"""Weights lie between exp(-WIDEST) and exp(WIDEST): no evidence forbids or forces a choice."""


MOST_CASES = 1024
"""The newest fully trained attempts, which a guide looks at: what it costs does not grow with a search's length."""


@dataclass(frozen=True, slots=True)
class Guide:
    """A function of what the search began with and of its settled attempts.

    `answers` are components by skill, `strengths` those of the known pairs; an unknown pair has none, and weighs 1.
    `skills` are those of the tasks by name, `reasons` say where the strength of a pair comes from.
    """

    answers: Mapping[str, Sequence[Answer]] = field(default_factory=dict)
    strengths: Mapping[Pair, float] = field(default_factory=dict)
    skills: Mapping[str, str] = field(default_factory=dict)
    kinds: Kinds = field(default_factory=dict)
    reasons: Mapping[Pair, str] = field(default_factory=dict)

    def weight(self, made: Iterable[Pair]) -> float:
        """The weight of a choice that makes these pairs: e to the sum of their strengths, bounded."""
        total = sum(self.strengths.get(pair, 0.0) for pair in made)
        return exp(max(-WIDEST, min(WIDEST, total)))

    def between(self, neighbours: Neighbours) -> Weight:
        """Weights of components between these neighbours."""
        return lambda name: self.weight(neighbours.pairs(name))

    def gene(self, recipe: Recipe, place: tuple[int, int, int], *, replaced: bool) -> Weight:
        """Weights of components as a new gene in a place (block, branch, index), or instead of the one there."""
        return self.between(around_gene(recipe, place, self.kinds, replaced=replaced))

    def block(self, recipe: Recipe, position: int) -> Weight:
        """Weights of components as the body of a new block."""
        return self.between(around_block(recipe, position, self.kinds))

    def branch(self, recipe: Recipe, position: int) -> Weight:
        """Weights of components as the body of a new parallel branch of a block."""
        return self.between(around_branch(recipe, position, self.kinds))

    def span(self, before: Sequence[Block], blocks: Sequence[Block], after: Sequence[Block]) -> float:
        """The weight of a span between what comes before and after it."""
        return self.weight((*junction(before, blocks, self.kinds), *junction(blocks, after, self.kinds)))

    def weaknesses(self, parent: Individual, population: Sequence[Individual]) -> dict[str, float]:
        """Skills in which more than half of the population has a lower loss, by the part of it that has.

        Losses are those at the end of training, measured or expected. Where there is no such skill, the one in
        which the parent is farthest behind.
        """
        losses = parent.prospect.curve[-1]
        behind: dict[str, list[float]] = {}
        for task, own in losses.items():
            others = [other.prospect.curve[-1][task] for other in population]
            part = sum(loss < own for loss in others) / max(1, len(others))
            behind.setdefault(self.skills[task], []).append(part)
        found = {s: sum(parts) / len(parts) for s, parts in sorted(behind.items()) if self.answers.get(s)}
        weak = {skill: part for skill, part in found.items() if part > 0.5}
        return weak or {skill: 1.0 for skill in found if found[skill] == max(found.values())}


def guide(knowledge: Knowledge, history: History, tasks: Sequence[Task]) -> Guide:
    """The guide of the next generation: what was known when the search began, and its own evidence above it.

    Where the search has measured a pair itself, that counts and what was known of the pair does not.
    """
    kinds = {name: component.kind for name, component in history.library.items()}
    known = history.individuals
    own = cases(
        {number: individual.parents for number, individual in known.items()},
        {number: individual.score for number, individual in known.items() if individual.status == "evaluated"},
        lambda number: history.composition(known[number]),
        MOST_CASES,
    )
    measured = lifts(own, lambda composition: composition.pairs)
    strengths = {affinity.pair: affinity.strength for affinity in knowledge.affinities}
    strengths |= {pair: lift.strength for pair, lift in measured.items()}
    reasons = {affinity.pair: affinity.reason for affinity in knowledge.affinities}
    reasons |= {
        pair: f"measured here: lift {lift.interval.mean:+.4f} in {lift.interval.cases} cases"
        for pair, lift in measured.items()
    }
    return Guide(knowledge.answers, strengths, {task.name: task.skill for task in tasks}, kinds, reasons)
