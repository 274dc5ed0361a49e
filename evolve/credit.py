"""Which operators pay: a choice among them in proportion to how often they improved, per unit of cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from evaluators.scales import Scale
from evaluators.scores import exceeds_noise
from runs.calls import LANGUAGE_MODEL

EXPLORATION = 0.25
"""Part of the choices that ignores credit, so that no operator dies."""

PRIOR_ATTEMPTS, PRIOR_IMPROVED = 4.0, 1.0

UNTRAINED = ("rejected", "duplicate")


@dataclass(frozen=True, slots=True)
class Credit:
    """What an operator achieved: attempts, those better than their best parent, their summed gain, training FLOPs.

    `untrained` attempts cost no training and improved nothing. Cost counts in FLOPs and not in seconds, so that the
    choice is the same on every machine.
    """

    attempts: int = 0
    improved: int = 0
    gain: float = 0.0
    flops: float = 0.0
    untrained: int = 0

    @property
    def trained(self) -> int:
        return self.attempts - self.untrained

    def plus(self, other: Credit) -> Credit:
        return Credit(
            self.attempts + other.attempts,
            self.improved + other.improved,
            self.gain + other.gain,
            self.flops + other.flops,
            self.untrained + other.untrained,
        )


class Trained(Protocol):
    """What credit needs to know of an attempt."""

    @property
    def operator(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def parents(self) -> tuple[int, ...]: ...
    @property
    def rung(self) -> int | None: ...
    @property
    def score(self) -> float | None: ...
    @property
    def flops_per_token(self) -> float | None: ...


def counts(operator: str, status: str) -> bool:
    """Whether an attempt is credited to its operator: once trained, and for a language model refused ones too.

    A mutation that leads nowhere costs nothing; an answer that does was paid for and took a model's slot.
    """
    return status not in UNTRAINED or operator.startswith(LANGUAGE_MODEL)


def credited(
    new: Iterable[Trained], known: Mapping[int, Trained], scale: Scale, tasks: int, noise: float
) -> dict[str, Credit]:
    """Credit of settled attempts by operator; `known` holds their parents by number, `noise` is the scores' floor.

    A fully trained attempt improves where it beats its best fully trained parent beyond the noise (half of all edits
    that change nothing are ahead by less), by the difference; or where it has parents that were all stopped early, by
    an amount nobody knows, which counts as none.
    """
    credit: dict[str, Credit] = {}
    for attempt in new:
        parents = [known[parent] for parent in attempt.parents if parent in known]
        full = [parent.score for parent in parents if parent.status == "evaluated" and parent.score is not None]
        finished = attempt.status == "evaluated" and bool(parents) and attempt.score is not None
        gain = (attempt.score or 0.0) - max(full) if finished and full else 0.0
        ahead = gain > 0 and exceeds_noise(gain, noise)
        improved = finished and (ahead or not full)
        if attempt.status in UNTRAINED:
            own = Credit(1, untrained=1)
        else:
            steps = scale.steps_at(attempt.rung or 0)
            flops = 3.0 * (attempt.flops_per_token or 0) * steps * scale.batch * scale.context * tasks
            own = Credit(1, int(improved), gain if ahead else 0.0, flops)
        credit[attempt.operator] = credit.get(attempt.operator, Credit()).plus(own)
    return credit


def choose(
    operators: Sequence[str], priors: Mapping[str, float], credit: Mapping[str, Credit], random: Random
) -> str:
    """Draw an operator: by its prior weight times its smoothed rate of improvement per relative cost."""
    worth = worths(operators, credit)
    explored = random.random() < EXPLORATION
    weights = [priors[name] * (1.0 if explored else worth[name]) for name in operators]
    return random.choices(list(operators), weights)[0]


def worths(operators: Sequence[str], credit: Mapping[str, Credit]) -> dict[str, float]:
    """Every operator's smoothed rate of improvement, divided by its training cost relative to the mean's."""
    mean_cost = _mean_cost(credit)

    def worth(own: Credit) -> float:
        rate = (own.improved + PRIOR_IMPROVED) / (own.attempts + PRIOR_ATTEMPTS)
        cost = (own.flops + PRIOR_ATTEMPTS * mean_cost) / (own.trained + PRIOR_ATTEMPTS)
        return rate * mean_cost / cost if cost else rate

    return {name: worth(credit.get(name, Credit())) for name in operators}


def _mean_cost(credit: Mapping[str, Credit]) -> float:
    trained = sum(own.trained for own in credit.values())
    return sum(own.flops for own in credit.values()) / trained if trained else 1.0
