"""Searches for benchmarks: with real workers, or with a number in place of training, which takes seconds."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from cognition.loader import load_library
from evaluators.executor import Executor
from evaluators.jobs import Job, Outcome
from evolve.configuration import Configuration
from evolve.search import Report, Search
from evolve.session import Prepared, laboratory, prepare, search_store, workers


class Instant:
    """An executor that answers at once with a loss drawn from the job's key; it keeps the jobs."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        for job in jobs:
            self.jobs.append(job)
            loss = 1.0 + Random(job.key).random()
            yield Outcome(job.key, "evaluated", loss=loss, accuracy=0.5, macro_accuracy=0.5)


@contextmanager
def new_search(
    prepared: Prepared, executor: Executor, folder: Path, report: Callable[[Report], None] = lambda report: None
) -> Iterator[Search]:
    """A search that has not begun, in a store of its own that closes in the end."""
    configuration, library = prepared.configuration, dict(load_library())
    with search_store(folder, prepared) as store:
        lab = laboratory(prepared, store, executor, library)
        yield Search(configuration, lab, prepared.tasks, library, report)


def whole_search(prepared: Prepared, folder: Path) -> None:
    """A search of its own from beginning to end, by worker processes; prints a dot for each generation."""

    def progress(report: Report) -> None:
        print(".", end="", flush=True)

    with (
        workers(prepared, folder / "logs") as executor,
        new_search(prepared, executor, folder, progress) as search,
    ):
        search.run()
        search.laboratory.store.finish_run("finished")


def jobs_of_search(configuration: Configuration) -> list[Job]:
    """The jobs of a whole search in the order in which it asks for them."""
    executor = Instant()
    with (
        tempfile.TemporaryDirectory() as folder,
        new_search(prepare(configuration), executor, Path(folder)) as search,
    ):
        search.run()
    return executor.jobs
