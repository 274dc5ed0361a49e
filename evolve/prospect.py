"""What a recipe is expected to reach in a full training run, from the first part of it and from its parent.

Recipes learn at different times: some lead after a quarter of the training and are overtaken. A child learns much
like its parent, so that its loss at a rung, divided by the parent's there, carries over to the later ones: in part, for
much of an early lead is luck or haste. Whoever took it whole would rank above what is measured all that looked well
early and was never trained further.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from evaluators.scores import References, recipe_score

Losses = Mapping[str, float]

CARRIED = 3.4
"""Of a lead after this part of the training, in logarithms of the loss, `min(1, CARRIED * part)` is left at the end.

Least squares over 280 children of five searches that trained everything in full says 0.22, 0.42, 0.84 and 0.98 after
1/16, 1/8, 1/4 and 1/2 (on text). Ranks at the first rung then agree with those of full training by a Spearman
correlation of 0.76 instead of 0.65 (`tests/benchmarks/rungs.py` prints it).
"""

LEAST = 1e-6
"""A loss below this, in nats, is none: what it is divided by stays finite."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """Loss of every task at every rung, measured or expected, in nats; and the score at the end."""

    curve: tuple[Losses, ...] = ()
    score: float = 0.0


def prospect(
    measured: Sequence[Losses], parent: Prospect | None, references: References, parts: Sequence[float]
) -> Prospect:
    """The prospect of a recipe with these losses at its first rungs; `parts` are those of the training by each rung.

    Without a parent it is expected to learn nothing more.
    """
    last = len(measured) - 1
    curve = list(measured)
    for rung in range(len(measured), len(parts)):
        if parent is None:
            curve.append(measured[last])
            continue
        carried = min(1.0, CARRIED * parts[last]) / min(1.0, CARRIED * parts[rung])
        before, after = parent.curve[last], parent.curve[rung]
        curve.append(
            {t: after[t] * (loss / max(before[t], LEAST)) ** carried for t, loss in measured[last].items()}
        )
    return Prospect(tuple(curve), recipe_score(curve[-1], references))


def survivors(promise: Mapping[int, float], published: Collection[int], count: int) -> set[int]:
    """Which attempts go on to the next rung: the published, which are what counts, and the most promising others.

    `promise` holds the expected scores; ties go to the earlier attempt.
    """
    others = sorted(promise.keys() - set(published), key=lambda attempt: (-promise[attempt], attempt))
    return {*(promise.keys() & set(published)), *others[:count]}


def losses_by_rung(measured: Iterable[tuple[int, int, str, float]]) -> dict[int, list[dict[str, float]]]:
    """Losses by task of every attempt, at each rung that it finished in turn; from attempt, rung, task and loss."""
    found: dict[int, dict[int, dict[str, float]]] = {}
    for attempt, rung, task, loss in measured:
        found.setdefault(attempt, {}).setdefault(rung, {})[task] = loss
    return {attempt: [losses for _, losses in sorted(rungs.items())] for attempt, rungs in found.items()}
