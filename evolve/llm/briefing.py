"""What a prompt tells of a search, as JSON values: of finished generations alone, so that it repeats after a kill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

from evaluators.scales import Scale
from evaluators.scores import Yardstick
from evolve.history import History, Individual
from evolve.llm.answers import one_line
from evolve.mutation import FEWEST_BLOCKS, MOST_BLOCKS
from evolve.proposals import BUDGET_LIMIT, FLOPS_LIMIT
from genome.component import Library
from runs.calls import Conclusion, Prediction
from runs.contract import SearchStore
from runs.predictions import Verdict, search_verdicts
from runs.records import Ancestry, Attempt
from runs.report.configurations import working_configurations

Values = dict[str, Any]

MOST_SIBLINGS, MOST_STEPS, MOST_CONFIGURATIONS = 8, 8, 8
MOST_RESULTS = 24
"""Attempts of which an analyst is told."""


@dataclass(frozen=True)
class Briefing:
    """A search up to its last finished generation, as proposals for a later one may see it."""

    archive: SearchStore
    past: History
    library: Library
    yardstick: Yardstick
    scale: Scale
    last: int
    attempts: Mapping[int, Attempt]
    ancestry: Mapping[int, Ancestry]
    predictions: Sequence[Prediction]
    conclusions: Sequence[Conclusion]

    @classmethod
    def gathered(
        cls,
        archive: SearchStore,
        past: History,
        library: Library,
        yardstick: Yardstick,
        scale: Scale,
        last: int,
        predictions: Sequence[Prediction],
        conclusions: Sequence[Conclusion],
    ) -> Briefing:
        """What the rows of generations up to `last` say; `past` holds the individuals of these."""
        attempts = {attempt.id: attempt for attempt in archive.attempts() if attempt.generation <= last}
        ancestry = {row.attempt: row for row in archive.genealogy() if row.attempt in attempts}
        expected = [own for own in predictions if own.attempt in attempts]
        return cls(
            archive, past, library, yardstick, scale, last, attempts, ancestry, tuple(expected), tuple(conclusions)
        )

    def of_parent(self, parent: Individual) -> Values:
        """What a planner is told of the recipe that it edits."""
        return {
            "budget": self._budget(),
            "parent": {
                "attempt": parent.attempt,
                "recipe": parent.recipe.lines(),
                "places": {path: str(gene) for path, gene in parent.recipe.genes()},
                "sources": self._sources(parent),
                "score": round(parent.prospect.score, 4),
                "trained": "in full" if parent.status == "evaluated" else "in part; losses and score are expected",
                "skills": self._profile(parent),
            },
            "lineage": self._lineage(parent),
            "siblings": self._siblings(parent),
            "configurations_of_the_best": self._configurations,
            "conclusions": [conclusion.text for conclusion in self.conclusions],
        }

    @cached_property
    def of_results(self) -> Values:
        """What an analyst is told: the newest results, what was expected of them, and what it concluded before."""
        newest = [row for row in self.ancestry.values() if row.parents][-MOST_RESULTS:]
        found = search_verdicts(self.archive, self.predictions, self.yardstick, self.last)
        return {
            "generation": self.last,
            "noise_of_a_score": round(self.yardstick.noise.score, 5),
            "results": [self._result(row, found) for row in newest],
            "best": [
                {"attempt": own.attempt, "score": round(own.prospect.score, 4), "recipe": own.recipe.lines()}
                for own in self.past.ranked[:4]
            ],
            "configurations_of_the_best": self._configurations,
            "earlier_conclusions": [conclusion.text for conclusion in self.conclusions],
        }

    def cited(self) -> list[int]:
        """Attempts that an analyst is told of, which it may cite."""
        return sorted({row["attempt"] for part in ("results", "best") for row in self.of_results[part]})

    def _budget(self) -> Values:
        scale = self.scale
        return {
            "parameters": scale.parameters,
            "tolerance": BUDGET_LIMIT,
            "forward_flops_per_token_at_most": FLOPS_LIMIT * 2 * scale.parameters,
            "context": scale.context,
            "training_tokens_per_task": scale.tokens,
            "blocks": [FEWEST_BLOCKS, MOST_BLOCKS],
        }

    def _sources(self, parent: Individual) -> dict[str, str]:
        names = dict.fromkeys(gene.component for _, gene in parent.recipe.genes())
        return {name: self.library[name].source for name in names}

    def _profile(self, parent: Individual) -> dict[str, Values]:
        """Each task's loss in nats and score at the end of training, beside the population's."""
        known = [own for own in self.past.ranked if own.prospect.curve]
        profile = {}
        for task, reference in self.yardstick.references.items():
            scores = sorted((reference.score(own.prospect.curve[-1][task]) for own in known), reverse=True)
            loss = parent.prospect.curve[-1][task]
            own = reference.score(loss)
            profile[task] = {
                "loss": round(loss, 4),
                "score": round(own, 4),
                "rank": 1 + sum(score > own for score in scores),
                "of": len(scores),
                "best": round(scores[0], 4),
                "median": round(median(scores), 4),
                "noise": round(self.yardstick.noise.tasks[task], 5),
            }
        return profile

    def _lineage(self, parent: Individual) -> list[Values]:
        steps = self.archive.lineage(parent.attempt)[-MOST_STEPS:]
        return [
            {
                "attempt": step.attempt.id,
                "edits": [one_line(edit.description) for edit in step.edits] or [step.attempt.label],
                "gain": _rounded(step.gain),
            }
            for step in steps
        ]

    def _siblings(self, parent: Individual) -> list[Values]:
        """What was tried on the parent before, and what became of it."""
        own = [row for row in self.ancestry.values() if row.parents[:1] == (parent.attempt,)]
        return [self._result(row, ()) for row in own[-MOST_SIBLINGS:]]

    def _result(self, row: Ancestry, found: Sequence[Verdict]) -> Values:
        values: Values = {
            "attempt": row.attempt,
            "parents": list(row.parents),
            "operator": row.operator,
            "edits": one_line(row.edits),
            "outcome": row.status,
        }
        if row.status == "evaluated":
            values |= {"score": _rounded(row.score), "gain": _rounded(row.gain)}
        elif row.attempt in self.past.individuals and row.status == "screened":
            values["expected_score"] = _rounded(self.past.individuals[row.attempt].prospect.score)
        if changes := self._changes(row):
            values["skill_changes"] = changes
        if reason := self.attempts[row.attempt].reason:
            values["reason"] = one_line(reason)
        if own := [verdict for verdict in found if verdict.prediction.attempt == row.attempt]:
            values["predictions"] = [
                {
                    "skill": v.prediction.skill,
                    "expected": v.prediction.effect,
                    "measured": v.effect,
                    "held": v.held,
                }
                for v in own
            ]
        return values

    def _changes(self, row: Ancestry) -> dict[str, float]:
        """Each task's score, measured or expected, minus that of the first parent."""
        if not row.parents:
            return {}
        own, parent = (self.past.individuals.get(number) for number in (row.attempt, row.parents[0]))
        if own is None or parent is None or not (own.prospect.curve and parent.prospect.curve):
            return {}
        ends = own.prospect.curve[-1], parent.prospect.curve[-1]
        return {
            task: round(reference.score(ends[0][task]) - reference.score(ends[1][task]), 4)
            for task, reference in self.yardstick.references.items()
        }

    @cached_property
    def _configurations(self) -> list[str]:
        kinds = {name: component.kind for name, component in self.library.items()}
        rows = working_configurations([own.recipe for own in self.past.ranked], kinds)[:MOST_CONFIGURATIONS]
        return [
            f"{r.aspect}: {r.text} ({r.best} of {r.best_of} best, {r.rest} of {r.rest_of} others)" for r in rows
        ]


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 4)
