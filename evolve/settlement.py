"""What a generation's measurements make of its attempts."""

from __future__ import annotations

from collections.abc import Sequence

from evolve.measurement import FULL, SCREEN, Measured
from evolve.yardstick import Yardstick
from runs import records


def settlements(
    screened: Sequence[Measured], full: Sequence[Measured], yardstick: Yardstick
) -> list[records.Settlement]:
    """The outcome of every attempt that was screened; `full` holds those that went on."""
    finished = {measured.attempt: measured for measured in full}
    outcomes = []
    for first in screened:
        last = finished.get(first.attempt, first)
        attempt = first.attempt
        seconds = first.seconds + (last.seconds if last is not first else 0.0)
        if last.status != "evaluated":
            outcomes.append(
                records.Settlement(attempt, last.status, last.reason, seconds=seconds, step_seconds=None)
            )
            continue
        stopped = last is first
        outcomes.append(
            records.Settlement(
                attempt,
                "screened" if stopped else "evaluated",
                "not among the most promising after the first rung" if stopped else "",
                yardstick.score(last.losses),
                SCREEN if stopped else FULL,
                step_seconds=last.step_seconds,
                seconds=seconds,
            )
        )
    return outcomes
