"""What a generation's trials make of its attempts."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from evolve.trials import Trial
from evolve.yardstick import Yardstick
from runs import records

STOPPED = "not among the most promising after rung {rung}"


def settlements(trials: Mapping[int, Trial], yardstick: Yardstick, last_rung: int) -> list[records.Settlement]:
    """The outcome of every attempt; the score of one that was trained in full is the mean over its seeds."""
    return [_settlement(attempt, trial, yardstick, last_rung) for attempt, trial in trials.items()]


def _settlement(attempt: int, trial: Trial, yardstick: Yardstick, last_rung: int) -> records.Settlement:
    seconds = sum(measured.seconds for measured in trial.runs)
    if failed := trial.failure:
        reason = f"on a fresh seed: {failed.reason}" if failed is trial.retest else failed.reason
        return records.Settlement(attempt, failed.status, reason, seconds=seconds, step_seconds=None)
    rung, last = len(trial.rungs) - 1, trial.rungs[-1]
    ends = [last, trial.retest] if trial.retest else [last]
    finished = rung == last_rung
    return records.Settlement(
        attempt,
        "evaluated" if finished else "screened",
        "" if finished else STOPPED.format(rung=rung),
        fmean(yardstick.score(measured.losses) for measured in ends),
        rung,
        step_seconds=last.step_seconds,
        seconds=seconds,
    )
