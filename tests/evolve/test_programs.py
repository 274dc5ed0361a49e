"""How a search chooses its training program: by times that an executor reports, once, for all its candidates."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cognition.loader import load_library
from evaluators.jobs import Job, Outcome
from evolve.configuration import Configuration
from evolve.programs import PROBE_STEPS, repays
from evolve.session import laboratory, prepare, search_store
from evolve.yardstick import measure_yardstick
from runs.store import Store


class Timed:
    """An executor that trains nothing and reports how long steps take, by program; it keeps the jobs."""

    def __init__(self, stitched: float, whole: float, compilation: float, own: str = "stitched") -> None:
        self.seconds, self.compilation, self.own = {"stitched": stitched, "whole": whole}, compilation, own
        self.jobs: list[Job] = []

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        for job in jobs:
            self.jobs.append(job)
            program = job.program or self.own
            if self.seconds[program] < 0:
                yield Outcome(job.key, "timeout", "not finished within 600 s")
                continue
            yield Outcome.from_json(
                {
                    **Outcome(job.key, "evaluated", loss=1.0, accuracy=0.5, macro_accuracy=0.5).to_json(),
                    "step_seconds": self.seconds[program],
                    "program_seconds": self.compilation,
                    "program": program,
                    "device": "slow",
                }
            )


CONFIGURATION = Configuration(generations=1, task=("recall",), scale="micro")


def begun(directory: Path, executor: Timed) -> None:
    """Measure the yardstick of a search that is new or goes on."""
    prepared = prepare(CONFIGURATION)
    with search_store(directory, prepared) as store:
        measure_yardstick(laboratory(prepared, store, executor, dict(load_library())), prepared.tasks, 0)


@pytest.mark.parametrize(
    ("executor", "probed", "program"),
    [
        (Timed(0.1, 0.001, 1.0), [None], "stitched"),
        (Timed(1.0, 0.5, 10.0), [None, "whole"], "whole"),
        (Timed(1.0, 0.5, 30.0), [None, "whole"], "stitched"),
        (Timed(1.0, -1.0, 1.0), [None, "whole"], "stitched"),
        (Timed(1.0, 9.0, 1.0, own="whole"), [None], "whole"),
    ],
    ids=["a short run", "repaid", "not repaid", "a failure", "a backend of one program"],
)
def test_a_program_is_chosen_once_and_kept(tmp_path, executor, probed, program):
    begun(tmp_path, executor)
    probes, rest = executor.jobs[: len(probed)], executor.jobs[len(probed) :]
    assert [probe.program for probe in probes] == probed
    assert {(probe.start, probe.stop) for probe in probes} == {(0, PROBE_STEPS)}
    assert [job.program for job in rest] == [program] * 3
    (event,) = Store.read(tmp_path).events(kind="program")
    assert event.detail["program"] == program
    assert event.detail["device"] == "slow"
    if "whole" in probed:
        assert event.detail["stitched_step_seconds"] == 1.0

    with sqlite3.connect(tmp_path / "search.db") as database:
        database.execute("DELETE FROM evaluations")
    other = Timed(1.0, 0.001, 0.0)
    begun(tmp_path, other)
    assert [job.program for job in other.jobs] == [program] * 3
    assert len(Store.read(tmp_path).events(kind="program")) == 1


def test_a_search_begun_before_there_was_a_choice_stays_with_the_backends_own(tmp_path):
    first = Timed(1.0, 0.001, 0.0)
    begun(tmp_path, first)
    with sqlite3.connect(tmp_path / "search.db") as database:
        database.execute("DELETE FROM events WHERE kind = 'program'")
        database.execute("DELETE FROM evaluations WHERE seed = 3")
    again = Timed(1.0, 0.001, 0.0)
    begun(tmp_path, again)
    assert [job.program for job in again.jobs] == [None]


def test_compilation_is_repaid_by_what_all_steps_save():
    assert repays(0.02, 0.01, 1_000, 9.9)
    assert not repays(0.02, 0.01, 1_000, 10.1)
    assert not repays(0.01, 0.02, 1_000, 0.0)
