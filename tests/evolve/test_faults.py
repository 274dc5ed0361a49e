"""What a machine does to a search: one line says what happened, nothing measured is lost, the same command goes on.

The driver is the real command; training is a formula, and at a chosen job of the search the fault happens for real.
Faults of workers are shown in `tests/evaluators/test_executor.py`.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from evaluators.executor import Executor, LocalExecutor, WorkerOptions
from evaluators.jobs import Job, Outcome
from evaluators.scales import SCALES
from evolve.cli import main
from runs.store import Store
from tests.evolve.landscape import Landscape

ARGUMENTS = ["run", "--generations", "3", "--population", "6", "--scale", "micro", "--task", "recall"]
LATE = 30
"""The job at which faults happen: in the second generation."""

STORED = LATE - 2
"""Evaluations before it: one job only decides how programs are compiled."""

GOES_ON = "the same command goes on from here"


@dataclass
class Faulty(Landscape):
    """The landscape, with a fault before the job of a number."""

    fault: Callable[[], object]
    at: int
    asked: list[Job] = field(default_factory=list)

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        for job in jobs:
            self.asked.append(job)
            if len(self.asked) == self.at:
                self.fault()
            yield from super().run([job])


def train_with(monkeypatch: pytest.MonkeyPatch, executor: Executor) -> None:
    """Have `run` train by an executor instead of by processes."""

    @contextmanager
    def workers(*_: object) -> Iterator[Executor]:
        yield executor

    monkeypatch.setattr("evolve.beginning.workers", workers)


Drive = Callable[..., tuple[int, str]]


@pytest.fixture
def drive(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Drive:
    """Run a search in a directory with a fault at a job; returns the exit code and what was said of it."""

    def run(directory: Path, fault: Callable[[], object] = int, at: int = 0, executor: Executor | None = None):
        train_with(monkeypatch, executor or Faulty(fault, at))
        capsys.readouterr()
        code = main([*ARGUMENTS, "--out", str(directory)])
        return code, capsys.readouterr().err

    return run


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> list[tuple]:
    """What a search comes to that nothing happens to."""
    directory = tmp_path_factory.mktemp("unbroken")
    with pytest.MonkeyPatch.context() as monkeypatch:
        train_with(monkeypatch, Faulty(int, 0))
        assert main([*ARGUMENTS, "--out", str(directory)]) == 0
    return content(directory)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with room for a few attempts."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", folder], capture_output=True
    ).returncode:
        pytest.skip("no right to mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody may write in a folder; an administrator, who may ignore permissions, sees it mounted read-only."""
    if os.geteuid():
        mode = folder.stat().st_mode
        folder.chmod(0o555)
        try:
            yield
        finally:
            folder.chmod(mode)
        return
    if subprocess.run(["mount", "--bind", "-o", "ro", folder, folder], capture_output=True).returncode:
        pytest.skip("no right to mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def content(directory: Path) -> list[tuple]:
    with Store.read(directory) as archive:
        attempts = [(a.operator, a.parents, a.recipe, a.status, a.score, a.reason) for a in archive.attempts()]
        losses = [(e.recipe, e.purpose, e.seed, e.rung, e.split, e.loss) for e in archive.evaluations()]
        return [*attempts, *sorted(losses, key=str)]


def status(directory: Path) -> str:
    with Store.read(directory) as archive:
        return archive.run.status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_an_interrupted_search_is_saved_and_says_how_to_go_on(
    drive: Drive, unbroken: list[tuple], tmp_path: Path, number: signal.Signals
) -> None:
    code, told = drive(tmp_path, lambda: os.kill(os.getpid(), number), LATE)
    assert (code, told) == (130, f"stopped; everything measured is in {tmp_path}; {GOES_ON}\n")
    assert status(tmp_path) == "stopped"
    with Store.read(tmp_path) as archive:
        assert len(archive.evaluations()) == STORED
        assert archive.pending()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert drive(tmp_path) == (0, "")
    assert content(tmp_path) == unbroken
    assert status(tmp_path) == "finished"


def test_a_full_disk_stops_the_search_and_room_lets_it_go_on(
    drive: Drive, unbroken: list[tuple], small_disk: Path
) -> None:
    search = small_disk / "search"
    code, told = drive(search)
    assert code == 1
    assert told.count("\n") == 1
    assert "full" in told
    assert "the same command goes on" in told or "cannot be" in told
    assert [path for path in search.rglob("*") if path.suffix not in (".db", ".db-wal", ".db-shm", ".lock")] == [
        search / "checkpoints"
    ]
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    assert drive(search) == (0, "")
    assert content(search) == unbroken


def test_a_disk_that_takes_no_more_writes_stops_the_search(
    drive: Drive, unbroken: list[tuple], tmp_path: Path
) -> None:
    """As a limit on the size of files makes it, which every user has the right to set."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def fill() -> None:
        size = (tmp_path / "search.db-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 4096, limits[1]))

    try:
        code, told = drive(tmp_path, fill, LATE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert code == 1
    assert told.count("\n") == 1
    assert told.startswith(f"{tmp_path / 'search.db'}: ")
    assert told.endswith(f"everything measured is in {tmp_path}; {GOES_ON}\n")
    with Store.read(tmp_path) as archive:
        assert STORED <= len(archive.evaluations()) <= STORED + 5
    assert drive(tmp_path) == (0, "")
    assert content(tmp_path) == unbroken


def test_a_database_that_is_removed_is_saved_elsewhere(
    drive: Drive, unbroken: list[tuple], tmp_path: Path
) -> None:
    code, told = drive(tmp_path, (tmp_path / "search.db").unlink, LATE)
    rescued = tmp_path / "rescued"
    assert code == 1
    assert "search.db: was removed or replaced while this process wrote it; its rows are saved" in told
    assert f"go on with --out {rescued}" in told
    assert told.count("\n") == 1
    with Store.read(rescued) as archive:
        assert len(archive.evaluations()) == STORED
    assert drive(rescued) == (0, "")
    assert content(rescued) == unbroken


def test_a_removed_directory_is_a_removed_database(drive: Drive, unbroken: list[tuple], tmp_path: Path) -> None:
    search = tmp_path / "search"
    code, told = drive(search, lambda: shutil.rmtree(search), LATE)
    assert (code, told.count("\n")) == (1, 1)
    assert drive(search / "rescued") == (0, "")
    assert content(search / "rescued") == unbroken


def test_a_truncated_database_is_named_and_not_written_further(drive: Drive, tmp_path: Path) -> None:
    drive(tmp_path)
    path = tmp_path / "search.db"
    os.truncate(path, path.stat().st_size // 2)
    held = path.read_bytes()
    code, told = drive(tmp_path)
    assert code == 2
    assert told.startswith(f"{path}: the database is damaged")
    assert told.count("\n") == 1
    assert path.read_bytes() == held
    assert main(["check", "--out", str(tmp_path)]) == 1


def test_a_read_only_directory_is_refused_for_writing_and_read(
    drive: Drive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search = tmp_path / "search"
    drive(search)
    before = sorted(path.name for path in search.iterdir())
    with read_only(search):
        code, told = drive(search)
        assert (code, told.count("\n")) == (2, 1)
        assert told.startswith(f"{search}: cannot be written")
        code, told = drive(search / "new")
        assert (code, told.count("\n")) == (2, 1)
        assert told.startswith(f"{search / 'new'}: cannot be made")
        for command in (["status"], ["best"], ["tree"], ["show", "1"], ["check"]):
            assert main([*command, "--out", str(search)]) == 0, command
        assert main(["report", "--out", str(search), "-o", str(tmp_path / "report.html")]) == 0
        capsys.readouterr()
        assert main(["report", "--out", str(search)]) == 2
        assert "cannot be written" in capsys.readouterr().err
    assert sorted(path.name for path in search.iterdir()) == before


def test_jumps_of_the_clock_change_no_order(
    drive: Drive, unbroken: list[tuple], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter(f"{2040 - (7 * i) % 40:04}-01-01T00:00:00.000+00:00" for i in range(10**6))
    monkeypatch.setattr("runs.store._now", lambda: next(times))
    drive(tmp_path, lambda: os.kill(os.getpid(), signal.SIGTERM), LATE)
    assert drive(tmp_path) == (0, "")
    assert content(tmp_path) == unbroken
    with Store.read(tmp_path) as archive:
        stamps = [event.time for event in archive.events()]
        assert [event.kind for event in archive.events()][-3:] == ["stopped", "opened", "finished"]
        assert stamps != sorted(stamps)
        assert [row.generation for row in archive.generations()] == [1, 2, 3]
    assert main(["check", "--out", str(tmp_path)]) == 0


def test_lost_checkpoints_change_no_job(drive: Drive, tmp_path: Path) -> None:
    """A rung goes on from the one before because that was recorded, whatever files are left."""
    drive(tmp_path, lambda: os.kill(os.getpid(), signal.SIGTERM), LATE)
    shutil.rmtree(tmp_path / "checkpoints")
    again = Faulty(int, 0)
    assert drive(tmp_path, executor=again) == (0, "")
    scale = SCALES["micro"]
    later = [job for job in again.asked if job.key.startswith("search/") and "/0/validation" not in job.key[-13:]]
    assert later
    for job in later:
        rung = int(job.key.split("/")[-2])
        assert (job.start, job.stop) == (scale.steps_at(rung - 1), scale.steps_at(rung))
        assert str(job.resumed).endswith(f"-{rung - 1}.safetensors")


def test_workers_that_cannot_start_stop_the_search_in_one_line(drive: Drive, tmp_path: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit('there is no device')")
    with LocalExecutor(1, WorkerOptions(), tmp_path / "logs", command) as executor:
        code, told = drive(tmp_path, executor=executor)
    reason = "workers do not start: the worker ended with exit code 1: there is no device"
    assert (code, told) == (1, f"{reason}; everything measured is in {tmp_path}; {GOES_ON}\n")
    assert status(tmp_path) == "stopped"


def test_a_search_in_which_everything_fails_is_stopped_with_its_rows(drive: Drive, tmp_path: Path) -> None:
    class Failing(Faulty):
        def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
            for job in jobs:
                if job.key.startswith("search/"):
                    yield Outcome(job.key, "failed", "ValueError: no")
                else:
                    yield from super().run([job])

    code, told = drive(tmp_path, executor=Failing(int, 0))
    assert (code, told.count("\n")) == (1, 1)
    assert "every candidate of generation 1 failed" in told
    assert told.endswith(f"everything measured is in {tmp_path}\n")
    assert status(tmp_path) == "stopped"
    with closing(sqlite3.connect(tmp_path / "search.db")) as database:
        failed = database.execute("SELECT count(*) FROM evaluations WHERE status = 'failed'").fetchone()[0]
    assert failed == 6
