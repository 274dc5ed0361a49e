"""What guidance is worth: searches with and without it, on the same seeds, tasks and budget.

    python tests/benchmarks/guidance.py [--tasks text recall text,recall] [--seeds 5] [--generations 8]
        [--population 8] [--scale tiny] [--keep DIR]

Prints Markdown: the best score after every generation, mean over seeds, and the difference in the end with its 95 %
interval, paired by seed. Both searches of a pair measure by the same yardstick, train the same number of new recipes
per generation, and begin with the same published ones. With `--keep`, searches that are there are read and not run
again.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from statistics import fmean

from candidates import whole_search

from evolve.configuration import Configuration, Guidance
from evolve.session import prepare
from evolve.variation import GUIDED
from runs.archive import Archive
from runs.evidence.interval import Interval
from runs.store import Store

MODES: tuple[Guidance, ...] = ("on", "off")


def curve(archive: Archive) -> list[float]:
    """The best score found by the end of every generation."""
    bests = [row.best for row in archive.generations()]
    return list(accumulate((float("-inf") if best is None else best for best in bests), max))


def guided_outcomes(archives: Sequence[Archive]) -> tuple[int, int, int, float]:
    """Attempts of the guided mutation: all, refused ones, those credited with an improvement, and their summed gain."""
    statuses = Counter(a.status for archive in archives for a in archive.attempts() if a.operator == GUIDED)
    credit = [own for archive in archives for own in archive.credit_totals() if own.operator == GUIDED]
    improved, gain = sum(own.improved for own in credit), sum(own.gain for own in credit)
    return statuses.total(), statuses["rejected"] + statuses["failed"], improved, gain


def table(task: str, curves: dict[Guidance, list[list[float]]]) -> Iterator[str]:
    """Rows of one task: the mean curve of each mode, and the paired difference at every generation."""
    generations = range(len(curves["on"][0]))
    yield f"| {task} | " + " | ".join(str(generation + 1) for generation in generations) + " |"
    yield "|---|" + "---|" * len(generations)
    for mode in MODES:
        means = (fmean(own[g] for own in curves[mode]) for g in generations)
        yield f"| guidance {mode} | " + " | ".join(f"{mean:.4f}" for mean in means) + " |"
    cells = []
    for generation in generations:
        pairs = zip(curves["on"], curves["off"], strict=True)
        gains = [on[generation] - off[generation] for on, off in pairs]
        own = Interval.of(gains) if len(gains) > 1 else None
        cells.append(f"{gains[0]:+.4f}" if own is None else f"{own.mean:+.4f} ± {own.margin:.4f}")
    yield "| difference | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", nargs="+", default=["text", "recall", "text,recall"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--generations", type=int, default=8)
    parser.add_argument("--population", type=int, default=8)
    parser.add_argument("--scale", default="tiny")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        for task in arguments.tasks:
            found: dict[Guidance, list[Archive]] = {mode: [] for mode in MODES}
            for seed in range(arguments.seeds):
                for mode in MODES:
                    directory = folder / f"{task.replace(',', '-')}-{mode}-{seed}"
                    if not directory.exists():
                        values = {
                            name: getattr(arguments, name) for name in ("generations", "population", "scale")
                        }
                        options = {**values, "task": task, "seed": seed, "guidance": mode}
                        whole_search(prepare(Configuration(**options, workers=arguments.workers)), directory)
                    found[mode].append(Store.read(directory))
            print("\n")
            for line in table(task, {mode: [curve(a) for a in archives] for mode, archives in found.items()}):
                print(line)
            count, refused, improved, gain = guided_outcomes(found["on"])
            print(f"\nguided: {count} attempts, {refused} refused, {improved} improved, gain {gain:.4f} in all")
            for archive in (own for archives in found.values() for own in archives):
                archive.close()


if __name__ == "__main__":
    main()
