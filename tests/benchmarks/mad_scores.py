"""Published scores of MAD (2403.17844), by architecture: task averages over all settings, macro accuracy in %."""

from __future__ import annotations

from dataclasses import dataclass

TASKS = ("recall", "copying", "memorization")


@dataclass(frozen=True, slots=True)
class Published:
    """What one source reports for one architecture, in the order of `TASKS`."""

    source: str
    scores: tuple[float, float, float]


DELTA_NET = "2406.06484"
"""Its rows for other architectures are from the authors of MAD."""

MESA_NET = "2506.05233"
"""Reports recall and noisy recall as one score."""

LIN_ATTN_BENCH = "lin-attn-bench"
"""github.com/HassanJbara/lin-attn-bench, branch `mad`: one head of 128 in most models, sizes not matched."""

PUBLISHED: dict[str, tuple[Published, ...]] = {
    "attention": (
        Published(DELTA_NET, (94.1, 99.6, 85.2)),
        Published(LIN_ATTN_BENCH, (90.5, 99.8, 78.8)),
        Published(MESA_NET, (100.0, 96.0, 84.7)),
    ),
    "gla": (
        Published(DELTA_NET, (80.8, 88.6, 63.3)),
        Published(LIN_ATTN_BENCH, (91.8, 89.1, 77.1)),
        Published(MESA_NET, (100.0, 96.1, 82.5)),
    ),
    "deltanet": (
        Published(DELTA_NET, (100.0, 100.0, 52.8)),
        Published(LIN_ATTN_BENCH, (99.9, 99.7, 39.4)),
        Published(MESA_NET, (100.0, 98.8, 40.8)),
    ),
    "mamba2": (Published(MESA_NET, (100.0, 95.4, 42.0)),),
}


def labs_range(architecture: str, task: str) -> tuple[float, float]:
    """The least and the greatest published score, in %."""
    column = TASKS.index(task)
    scores = [row.scores[column] for row in PUBLISHED[architecture]]
    return min(scores), max(scores)
