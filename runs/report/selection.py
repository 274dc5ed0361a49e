"""Which attempts of a large search its report shows in full."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from runs.records import Attempt

MOST_SHOWN = 3000
"""A search of no more attempts is shown whole."""

MOST_SAMPLED, MOST_BEST, MOST_LATEST, MOST_ANCESTORS = 1000, 500, 500, 500

COSTS: tuple[Callable[[Attempt], int | None], ...] = (
    lambda attempt: attempt.parameters,
    lambda attempt: attempt.flops_per_token,
    lambda attempt: attempt.state_bytes,
)


@dataclass(frozen=True, slots=True)
class Selection:
    """The attempts shown, by number, and of the fully trained ones a fair sample, or all, best first."""

    shown: tuple[Attempt, ...]
    sample: tuple[Attempt, ...]


def select(attempts: Sequence[Attempt], lineage: Iterable[int], ancestors: Sequence[int]) -> Selection:
    """All attempts where they are few. Of many: the founders that were trained in full, the champion's `lineage`,
    the latest of its `ancestors`, the latest attempts of all, whatever raised the best score, is on the front of a
    cost or among the best, and of the other fully trained ones every so many in the order of their scores.
    """
    ranked = sorted((a for a in attempts if a.status == "evaluated"), key=lambda a: (-(a.score or 0.0), a.id))
    if len(attempts) <= MOST_SHOWN:
        return Selection(tuple(attempts), tuple(ranked))
    step = -(-len(ranked) // MOST_SAMPLED) or 1
    sample = tuple(ranked[::step])
    founders = [attempt.id for attempt in ranked if not attempt.parents][:MOST_BEST]
    chosen = {*lineage, *ancestors[-MOST_ANCESTORS:], *founders}
    chosen |= {a.id for a in (*sample, *ranked[:MOST_BEST], *attempts[-MOST_LATEST:], *_raised(ranked))}
    chosen |= {attempt.id for cost in COSTS for attempt in _front(ranked, cost)}
    return Selection(tuple(attempt for attempt in attempts if attempt.id in chosen), sample)


def _raised(ranked: Iterable[Attempt]) -> list[Attempt]:
    """Attempts that were better than every one before them."""
    found: list[Attempt] = []
    for attempt in ranked:
        if not found or attempt.id < found[-1].id:
            found.append(attempt)
    return found


def _front(ranked: Iterable[Attempt], cost: Callable[[Attempt], int | None]) -> list[Attempt]:
    """Attempts that nothing better is as cheap as."""
    found: list[Attempt] = []
    least: int | None = None
    for attempt in ranked:
        own = cost(attempt)
        if own is not None and (least is None or own < least):
            least = own
            found.append(attempt)
    return found
