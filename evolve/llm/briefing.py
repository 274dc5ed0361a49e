"""What a prompt tells of a search, as JSON values: of finished generations alone, so that it repeats after a kill."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

from evaluators.scales import Scale
from evaluators.scores import Yardstick, task_scores
from evolve.guidance.guide import Guide
from evolve.history import History, Individual
from evolve.llm.advice import advice
from evolve.llm.answers import one_line
from evolve.mutation import FEWEST_BLOCKS, MOST_BLOCKS
from evolve.proposals import BUDGET_LIMIT, FLOPS_LIMIT
from genome.component import Library
from runs.calls import Conclusion
from runs.contract import SearchStore
from runs.ledger import Ledger
from runs.predictions import Verdict, by_skill, verdicts
from runs.records import Ancestry
from runs.report.configurations import working_configurations

Values = dict[str, Any]

MOST_SIBLINGS, MOST_STEPS, MOST_CONFIGURATIONS = 8, 8, 8
MOST_RESULTS = 24
"""Attempts of which an analyst is told."""

MOST_COMPARED = 256
"""Recipes among which the best quarter is compared with the rest: all, or so many at even steps of rank."""


@dataclass(frozen=True)
class Briefing:
    """A search up to its last finished generation, as proposals for a later one may see it.

    `past` holds the individuals of generations up to `last`, and `guide` what weighs after them, where the search is
    guided; `partners` are the best of them. Of the store only the rows that are told are read.
    """

    archive: SearchStore
    ledger: Ledger
    past: History
    library: Library
    yardstick: Yardstick
    scale: Scale
    last: int
    conclusions: Sequence[Conclusion]
    guide: Guide | None
    partners: Sequence[Individual]

    def of_parent(self, parent: Individual) -> Values:
        """What a planner is told of the recipe that it edits."""
        guided = (
            {} if self.guide is None else {"guidance": advice(self.guide, parent, self.partners, self.library)}
        )
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
            **guided,
            "configurations_of_the_best": self._configurations,
            "conclusions": [conclusion.text for conclusion in self.conclusions],
        }

    @cached_property
    def of_results(self) -> Values:
        """What an analyst is told: the newest results, what was expected of them, and what it concluded before."""
        newest = self._newest()
        found = self._verdicts(newest)
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
        profile = {}
        for task, reference in self.yardstick.references.items():
            scores, middle = self._scores[task]
            loss = parent.prospect.curve[-1][task]
            own = reference.score(loss)
            profile[task] = {
                "loss": round(loss, 4),
                "score": round(own, 4),
                "rank": 1 + len(scores) - bisect_right(scores, own),
                "of": len(scores),
                "best": round(scores[-1], 4),
                "median": round(middle, 4),
                "noise": round(self.yardstick.noise.tasks[task], 5),
            }
        return profile

    @cached_property
    def _scores(self) -> dict[str, tuple[list[float], float]]:
        """What all that have a score reached in each task, ascending, with the median."""
        known = [own.prospect.curve[-1] for own in self.past.ranked if own.prospect.curve]
        scores = {
            task: sorted(reference.score(losses[task]) for losses in known)
            for task, reference in self.yardstick.references.items()
        }
        return {task: (own, median(own)) for task, own in scores.items()}

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
        settled = [number for number in self.archive.children(parent.attempt) if number <= self._end]
        return [self._result(row, ()) for row in self.archive.genealogy(settled[-MOST_SIBLINGS:])]

    @cached_property
    def _end(self) -> int:
        """The last attempt of the last generation that is told of."""
        return self.archive.attempts(generation=self.last)[-1].id

    def _newest(self) -> list[Ancestry]:
        """The newest attempts with parents, in order."""
        numbers: list[int] = []
        for generation in range(self.last, 0, -1):
            numbers = [own.id for own in self.archive.attempts(generation=generation) if own.parents] + numbers
            if len(numbers) >= MOST_RESULTS:
                break
        return self.archive.genealogy(numbers[-MOST_RESULTS:])

    def _verdicts(self, rows: Sequence[Ancestry]) -> list[Verdict]:
        """Verdicts on what was predicted of these attempts."""
        parents = {row.attempt: row.parents[0] for row in rows}
        known = (self.past.individuals.get(number) for number in {*parents, *parents.values()})
        scores = {
            own.attempt: by_skill(task_scores(own.prospect.curve[-1], self.yardstick.references))
            for own in known
            if own is not None and own.status == "evaluated"
        }
        predictions = self.ledger.predictions(list(parents))
        return verdicts(predictions, parents, scores, by_skill(self.yardstick.noise.tasks))

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
        if reason := self.archive.attempt(row.attempt).reason:
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
        ranked = self.past.ranked
        count = min(len(ranked), MOST_COMPARED)
        recipes = [ranked[place * len(ranked) // count].recipe for place in range(count)]
        rows = working_configurations(recipes, kinds)[:MOST_CONFIGURATIONS]
        return [
            f"{r.aspect}: {r.text} ({r.best} of {r.best_of} best, {r.rest} of {r.rest_of} others)" for r in rows
        ]


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 4)
