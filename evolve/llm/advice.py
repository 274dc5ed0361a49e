"""What guides mutations, as a planner is told of it: answers to what a parent is weak in, and how neighbours do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cognition.knowledge import Answer
from evolve.guidance.guide import Guide
from evolve.history import Individual
from genome.arrangement import Pair
from genome.component import Library

MOST_ANSWERS = 4
"""Components that are named for a weak skill: the most relevant ones."""

MOST_PAIRS = 6
"""Neighbours that are named as the strongest, and as the weakest."""


def advice(
    guide: Guide, parent: Individual, partners: Sequence[Individual], library: Library
) -> Mapping[str, Any]:
    """What a guide says of a parent, whose weaknesses show beside its `partners`, as JSON values.

    Only what a proposal may name is told: published components and those of the parent. Of neighbours, one is a
    component of the parent or such an answer; those of which both are go before others of the same strength.
    """
    published = {name for name, component in library.items() if component.provenance is not None}
    own = {gene.component for _, gene in parent.recipe.genes()}
    answers = {
        skill: [answer for answer in guide.answers[skill] if answer.component in published][:MOST_ANSWERS]
        for skill in guide.weaknesses(parent, partners)
    }
    near = own | {answer.component for found in answers.values() for answer in found}

    def order(pair: Pair) -> tuple[float, int, str]:
        return -abs(guide.strengths[pair]), -len(near & {pair.first, pair.second}), str(pair)

    named = published | own
    near_pairs = (pair for pair in guide.strengths if near & {pair.first, pair.second})
    told = sorted((pair for pair in near_pairs if {pair.first, pair.second} <= named), key=order)
    well = [_line(guide, pair) for pair in told if guide.strengths[pair] > 0]
    badly = [_line(guide, pair) for pair in told if guide.strengths[pair] < 0]
    return {
        "weak_skills": {skill: [_told(answer, library) for answer in found] for skill, found in answers.items()},
        "neighbours_that_do_well": well[:MOST_PAIRS],
        "neighbours_that_do_badly": badly[:MOST_PAIRS],
    }


def _told(answer: Answer, library: Library) -> dict[str, Any]:
    origin = library[answer.component].provenance
    paper = f"arXiv {origin.arxiv}" if origin is not None and origin.arxiv else ""
    return {"component": answer.component, "relevance": round(answer.relevance, 2), "paper": paper}


def _line(guide: Guide, pair: Pair) -> str:
    return f"{pair}: {guide.strengths[pair]:+.2f}, {guide.reasons[pair]}"
