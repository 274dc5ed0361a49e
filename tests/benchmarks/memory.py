"""Memory of a worker through many different candidates, and how often it is replaced for what it holds.

    python tests/benchmarks/memory.py --candidates 500

The candidates are those of a search whose training is replaced by a number; each is then trained for a few steps.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from candidates import jobs_of_search

from evaluators.executor import LocalExecutor, WorkerOptions
from evaluators.jobs import Job
from evolve.configuration import Configuration

MIB, EVERY = 2**20, 50


def drawn(candidates: int) -> list[Job]:
    """Jobs of different recipes in the order in which a search proposes them."""
    configuration = Configuration(generations=candidates // 8 + 1, population=8, task=("recall",))
    first: dict[str, Job] = {}
    for job in jobs_of_search(configuration):
        first.setdefault(job.recipe, job)
    return list(first.values())[:candidates]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--candidates", type=int, default=500)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--resident", type=int, help="MiB that a worker may hold between jobs; 0 is no bound")
    parser.add_argument("--cache", help="directory of compiled programs; a fresh one by default")
    arguments = parser.parse_args()
    bound = None if arguments.resident is None else arguments.resident * MIB
    with tempfile.TemporaryDirectory() as folder:
        jobs = [
            replace(job, start=0, stop=arguments.steps, checkpoint=None) for job in drawn(arguments.candidates)
        ]
        options = WorkerOptions(cache=arguments.cache or str(Path(folder, "compiled")), resident_bytes=bound)
        resident, statuses = [0], Counter[str]()
        started = time.perf_counter()
        with LocalExecutor(arguments.workers, options, Path(folder, "logs")) as executor:
            for done, outcome in enumerate(executor.run(jobs), 1):
                resident.append(outcome.resident_bytes)
                statuses[outcome.status] += 1
                if done % EVERY == 0 or done == len(jobs):
                    print(
                        f"{done} candidates: {outcome.resident_bytes / MIB:.0f} MiB, at most"
                        f" {max(resident) / MIB:.0f} MiB, {executor.started - arguments.workers} replaced,"
                        f" {time.perf_counter() - started:.0f} s",
                        flush=True,
                    )
        print(", ".join(f"{count} {status}" for status, count in statuses.items()))


if __name__ == "__main__":
    main()
