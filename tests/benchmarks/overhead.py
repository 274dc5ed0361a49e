"""Overhead of a search outside training and compilation: proposing, sizing, storing and reading.

    python tests/benchmarks/overhead.py

Prints milliseconds per attempt of a generation whose training is replaced by a number, and how long `tree`,
`best` and the next proposal take in a store of 10,000 attempts.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import deque
from pathlib import Path

from candidates import Instant, new_search

from evolve.configuration import Configuration
from evolve.session import prepare
from runs.genealogy import tree, tree_lines


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--attempts", type=int, default=10_000)
    parser.add_argument("--population", type=int, default=8)
    arguments = parser.parse_args()
    generations = arguments.attempts // arguments.population
    configuration = Configuration(generations=generations, population=arguments.population, task=("recall",))
    with (
        tempfile.TemporaryDirectory() as folder,
        new_search(prepare(configuration), Instant(), Path(folder)) as search,
    ):
        store = search.laboratory.store
        started = time.perf_counter()
        search.run()
        seconds = time.perf_counter() - started
        count = store.attempt_count()
        print(f"{count} attempts: {1e3 * seconds / count:.1f} ms of overhead per attempt")
        for name, read in (
            ("best", lambda: store.best(10)),
            ("tree", lambda: deque(tree_lines(tree(store.genealogy())), 0)),
            ("lineage", lambda: store.lineage(store.best(1)[0].id)),
            (
                "proposals of the next generation",
                lambda: search.proposer.draft(generations + 1, count + 1, search.history, {}),
            ),
        ):
            started = time.perf_counter()
            read()
            print(f"{name}: {1e3 * (time.perf_counter() - started):.0f} ms")


if __name__ == "__main__":
    main()
