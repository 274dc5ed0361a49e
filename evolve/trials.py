"""The training of a generation: rung after rung, thinned out in between, the best again on a fresh seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evaluators.scores import exceeds_noise
from evolve.history import History
from evolve.measurement import Laboratory, Measured, Subject
from evolve.prospect import Losses, Prospect, prospect, survivors
from evolve.variation import SEED
from evolve.yardstick import RETEST_OFFSET, Yardstick, training_seed

ELITES = 3
"""Whoever comes within twice the noise floor of this place is trained again before it may be a parent."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One attempt's training: measured at its rungs in turn, and perhaps in full on a fresh seed."""

    rungs: tuple[Measured, ...]
    retest: Measured | None = None

    @property
    def runs(self) -> tuple[Measured, ...]:
        """Everything that was measured."""
        return (*self.rungs, self.retest) if self.retest else self.rungs

    @property
    def losses(self) -> list[Losses]:
        """Losses at the rungs."""
        return [measured.losses for measured in self.rungs]

    @property
    def failure(self) -> Measured | None:
        """The measurement that ended it, if one did."""
        return next((measured for measured in self.runs if measured.status != "evaluated"), None)


@dataclass(frozen=True)
class Trials:
    """Runs trials of attempts whose parents are in the history, with the seed of a search."""

    laboratory: Laboratory
    history: History
    yardstick: Yardstick
    seed: int

    def run(self, subjects: Sequence[Subject]) -> dict[int, Trial]:
        """Train a generation by successive halving; its trials by attempt, in the order of the subjects."""
        scale = self.laboratory.scale
        trials = {subject.number: Trial(()) for subject in subjects}
        standing = list(subjects)
        for rung in range(len(scale.rungs)):
            if rung:
                standing = self._promoted(standing, trials, max(1, round(scale.rungs[rung].share * len(subjects))))
            for own in self.laboratory.measure(standing, [training_seed(self.seed)], rung):
                trials[own.attempt] = Trial((*trials[own.attempt].rungs, own))
        contenders = self._contenders(
            [subject for subject in standing if not trials[subject.number].failure], trials
        )
        fresh = [training_seed(self.seed) + RETEST_OFFSET]
        for own in self.laboratory.measure(contenders, fresh, scale.last_rung, purpose="retest"):
            trials[own.attempt] = replace(trials[own.attempt], retest=own)
        return trials

    def prospect(self, parents: Sequence[int], losses: Sequence[Losses]) -> Prospect:
        """What an attempt with these parents and these losses at its first rungs is expected to reach."""
        parent = self.history.individuals[parents[0]].prospect if parents else None
        return prospect(losses, parent, self.yardstick.references, self.laboratory.scale.parts)

    def _promoted(self, standing: Sequence[Subject], trials: Mapping[int, Trial], count: int) -> list[Subject]:
        """Those that go on to the next rung: the published, and so many of the others."""
        sound = [subject.number for subject in standing if not trials[subject.number].failure]
        known = {attempt: self.laboratory.store.attempt(attempt) for attempt in sound}
        published = [attempt for attempt in sound if known[attempt].operator == SEED]
        promise = {a: self.prospect(known[a].parents, trials[a].losses).score for a in sound}
        chosen = survivors(promise, published, count)
        return [subject for subject in standing if subject.number in chosen]

    def _contenders(self, finished: Sequence[Subject], trials: Mapping[int, Trial]) -> list[Subject]:
        """Those whose score reaches, within the noise, a place among the search's best."""
        scores = {s.number: self.yardstick.score(trials[s.number].losses[-1]) for s in finished}
        known = [own.score for own in self.history.individuals.values() if own.status == "evaluated"]
        best = sorted([*known, *scores.values()], reverse=True)[:ELITES]
        noise = self.yardstick.noise.score

        def near(score: float) -> bool:
            return score >= best[-1] or not exceeds_noise(best[-1] - score, noise)

        return [subject for subject in finished if near(scores[subject.number])]
