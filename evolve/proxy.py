"""How well the rungs of a search foretell the end of training: what it stopped early is trained to the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evolve.correlation import Correlation, rank_correlation
from evolve.history import PARENTAL
from evolve.measurement import Laboratory
from evolve.naming import recipe_of
from evolve.prospect import Losses, Prospect, losses_by_rung, prospect
from evolve.yardstick import Yardstick, training_seed
from runs.archive import Archive
from runs.contract import SearchStore
from runs.records import Attempt


@dataclass(frozen=True, slots=True)
class RungReport:
    """What a rung says of the final score: the score there, and the score expected from the parent's run.

    `part` is the fraction of the training done by then; `expected` is None without children.
    """

    rung: int
    part: float
    score: Correlation
    expected: Correlation | None


@dataclass(frozen=True, slots=True)
class Foretold:
    """One recipe's score at every rung, and what it was expected to reach there (None without a parent)."""

    scores: tuple[float, ...]
    expected: tuple[float, ...] | None


def rung_reports(recipes: Sequence[Foretold], parts: Sequence[float]) -> list[RungReport]:
    """One report for every rung but the last, whose score is what is foretold."""
    last = len(parts) - 1
    children = [recipe for recipe in recipes if recipe.expected is not None]
    reports = []
    for rung in range(last):
        score = rank_correlation([r.scores[rung] for r in recipes], [r.scores[last] for r in recipes])
        promise = [(r.expected[rung], r.scores[last]) for r in children if r.expected is not None]
        expected = rank_correlation(*zip(*promise, strict=True)) if len(promise) > 2 else None
        reports.append(RungReport(rung, parts[rung], score, expected))
    return reports


def spread_evenly(attempts: Sequence[int], count: int) -> list[int]:
    """So many of the attempts at equal distances, all of them where there are fewer."""
    if count >= len(attempts):
        return list(attempts)
    return [attempts[round(i * (len(attempts) - 1) / (count - 1))] for i in range(count)]


def full_curves(laboratory: Laboratory, attempts: Sequence[Attempt], seed: int) -> dict[int, list[Losses]]:
    """Losses of attempts at every rung; what the search did not train is trained now. Failures are left out."""
    searched = losses_by_rung(laboratory.store.losses("search"))
    curves: dict[int, list[Losses]] = {attempt.id: list(searched[attempt.id]) for attempt in attempts}
    subjects = {}
    for attempt in attempts:
        recipe = recipe_of(laboratory.store, attempt)
        subjects[attempt.id] = laboratory.subject(recipe, str(attempt.recipe))
    for rung in range(len(laboratory.scale.rungs)):
        short = [number for number, curve in curves.items() if len(curve) == rung]
        trained = laboratory.measure([subjects[n] for n in short], [training_seed(seed)], rung, purpose="proxy")
        for number, own in zip(short, trained, strict=True):
            if own.status == "evaluated":
                curves[number].append(own.losses)
    laboratory.discard_checkpoints()
    return {number: curve for number, curve in curves.items() if len(curve) == len(laboratory.scale.rungs)}


def foretold(
    archive: Archive | SearchStore,
    curves: Mapping[int, Sequence[Losses]],
    yardstick: Yardstick,
    parts: Sequence[float],
) -> list[Foretold]:
    """What the search saw, and expected, of these recipes at every rung; `parts` are those of the training by each."""
    searched = losses_by_rung(archive.losses("search"))
    known: dict[int, Prospect] = {}
    found = []
    for attempt in archive.attempts():
        if attempt.status not in PARENTAL:
            continue
        parent = known[attempt.parents[0]] if attempt.parents else None
        curve = curves.get(attempt.id)
        if curve:
            seen = [prospect(curve[: n + 1], parent, yardstick.references, parts).score for n in range(len(parts))]
            scores = tuple(yardstick.score(losses) for losses in curve)
            found.append(Foretold(scores, tuple(seen) if parent else None))
        known[attempt.id] = prospect(searched[attempt.id], parent, yardstick.references, parts)
    return found
