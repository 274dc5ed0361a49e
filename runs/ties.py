"""Which attempts are no worse than the best one as far as the noise lets one tell."""

from __future__ import annotations

from evaluators.scores import exceeds_noise
from runs.archive import Archive


def tied_with_best(archive: Archive) -> tuple[int, ...]:
    """Numbers of the other fully trained attempts that tie with the best one, the highest scores first.

    Empty where the noise floor is not known.
    """
    yardstick, ranked = archive.yardstick, archive.best(archive.attempt_count())
    if yardstick is None or not ranked:
        return ()
    scores = {attempt.id: attempt.score or 0.0 for attempt in ranked}
    best = scores.pop(ranked[0].id)
    return tuple(n for n, score in scores.items() if not exceeds_noise(best - score, yardstick.noise.score))
