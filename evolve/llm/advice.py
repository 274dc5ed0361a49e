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

    Neighbours are told where one of the two is a component of the parent or such an answer; those of which both are
    go before others of the same strength.
    """
    weak = guide.weaknesses(parent, partners)
    answers = {skill: _published(guide.answers[skill], library)[:MOST_ANSWERS] for skill in weak}
    near = {gene.component for _, gene in parent.recipe.genes()}
    near |= {answer.component for own in answers.values() for answer in own}

    def order(pair: Pair) -> tuple[float, int, str]:
        return -abs(guide.strengths[pair]), -len(near & {pair.first, pair.second}), str(pair)

    pairs = sorted((pair for pair in guide.strengths if pair.first in near or pair.second in near), key=order)
    return {
        "weak_skills": {skill: [_told(answer, library) for answer in own] for skill, own in answers.items()},
        "neighbours_that_do_well": [_line(guide, pair) for pair in pairs if guide.strengths[pair] > 0][
            :MOST_PAIRS
        ],
        "neighbours_that_do_badly": [_line(guide, pair) for pair in pairs if guide.strengths[pair] < 0][
            :MOST_PAIRS
        ],
    }


def _published(answers: Sequence[Answer], library: Library) -> list[Answer]:
    """Answers that a proposal may name: a search's library need not have all that a cognition store knows."""
    known = (answer for answer in answers if answer.component in library)
    return [answer for answer in known if library[answer.component].provenance is not None]


def _told(answer: Answer, library: Library) -> dict[str, Any]:
    origin = library[answer.component].provenance
    paper = f"arXiv {origin.arxiv}" if origin is not None and origin.arxiv else ""
    return {"component": answer.component, "relevance": round(answer.relevance, 2), "paper": paper}


def _line(guide: Guide, pair: Pair) -> str:
    return f"{pair}: {guide.strengths[pair]:+.2f}, {guide.reasons[pair]}"
