"""Running jobs on long-lived worker processes, each in a process group that is killed whole on a deadline."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType
from typing import Protocol

from evaluators.devices import device_environment, least_used
from evaluators.jobs import Job, Outcome

PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "XDG_CACHE_HOME"),
    *("LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "JAX_PLATFORMS"),
    *("HF_HOME", "HF_DATASETS_CACHE", "HF_HUB_OFFLINE"),
)
"""Environment that a worker inherits; nothing else passes, so that no key reaches it."""

SET = {
    "NPROC": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}
"""Environment of every worker: one thread each, and no reservation of a GPU that others share.

The C library keeps freed memory: given back and fetched again at every step, it cost 500 to 1,800 page faults.
"""

LEAST_MEMORY = 4 * 2**30
"""Bytes of address space that a worker is granted at least; JAX on CPU needs between one and two GiB to start."""

RESIDENT_SHARE, MOST_RESIDENT = 4, 4 * 2**30
"""A worker may hold this part (a quarter) of its memory between jobs, and at most that many bytes.

Compiled programs are what it holds: 100 different candidates of the scale `tiny` make 1.5 GiB of them, in 7,000 of
the 65,530 mappings that Linux allows a process.
"""

START_SECONDS = 300.0
"""Time in which a worker must have loaded its framework."""

ANSWER_BYTES = 2**20
"""More than this without a line's end is no answer."""

RUNS = 3
"""A job whose worker ends by a signal is run so many times in all before that counts as the candidate's failure.

Who sent the signal cannot be known: the system that runs out of memory and a person kill as a fault in a kernel does.
Scores do not change with the worker, so that a search is the same whether or not one of its workers was killed.
"""

WORKER = (sys.executable, "-I", "-m", "evaluators.worker")


class ExecutorError(RuntimeError):
    """Workers cannot be started, whatever the job."""


class Executor(Protocol):
    """Where jobs run. The order of outcomes is free; which worker ran a job never changes its scores."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Run all jobs and yield each outcome as it comes."""
        ...


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How workers start and how long they live.

    `cache` is a directory of compiled programs. `memory_bytes` bounds the address space of a worker on CPU: 0 is
    no bound, None an equal share of this machine's memory, and accelerators are never bounded. What by prediction
    does not fit there, or in an accelerator's memory, is refused before it compiles. A job that takes
    longer than `deadline_seconds` is killed. A worker that holds more than `resident_bytes` of physical memory
    after a job is replaced before its next one, so that what it compiled does not pile up without end: 0 is no
    bound, None a quarter of its memory and no more than 4 GiB. The next worker loads from `cache` what it needs.
    `platform` is JAX's name of a platform, "" for the best one. Each worker sees one of `gpus`, named as in
    CUDA_VISIBLE_DEVICES; without any it sees what this process does. `deterministic` makes a GPU repeat its results
    exactly, as a CPU does in any case.
    """

    backend: str = "jax"
    cache: str | None = None
    memory_bytes: int | None = None
    deadline_seconds: float = 600.0
    resident_bytes: int | None = None
    platform: str = ""
    gpus: tuple[str, ...] = ()
    deterministic: bool = False


@dataclass(frozen=True, slots=True)
class _Killed:
    """A worker that ended by a signal before it answered, and the seconds it had spent."""

    reason: str
    seconds: float


@dataclass(eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    errors: Path
    gpu: str
    since: float = field(default_factory=time.monotonic)
    ready: bool = False
    job: Job | None = None
    resident: int = 0
    printed: int = 0
    buffer: bytearray = field(default_factory=bytearray)
    compiled: set[tuple[str, int, int]] = field(default_factory=set)

    @property
    def output(self) -> int:
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def send(self, job: Job) -> None:
        assert self.process.stdin is not None
        self.job, self.since, self.printed = job, time.monotonic(), self.errors.stat().st_size
        self.compiled |= _compiled_by(job)
        with suppress(BrokenPipeError):  # its end of file is read next, and the job is accounted for there
            self.process.stdin.write(json.dumps(job.to_json()).encode() + b"\n")
            self.process.stdin.flush()

    def kill(self) -> None:
        """End the process and everything it started."""
        with suppress(ProcessLookupError, PermissionError):  # macOS answers so for a group of zombies
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def code(self) -> int | None:
        """How a process that closed its output ended: negative for a signal, None where it lives on."""
        try:
            return self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return None

    def end(self, code: int | None) -> str:
        """That end in words, and the last line it printed during this job."""
        if code is None:
            return "the worker closed its output"
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        printed = self.errors.read_bytes()[self.printed :].decode(errors="replace").splitlines()
        last = next((line.strip() for line in reversed(printed) if line.strip()), "it printed nothing")
        return f"the worker ended with {how}: {last[:200]}"


class LocalExecutor:
    """Spawned worker processes on this machine. Use as a context manager: leaving it ends every worker.

    Workers also end by themselves when this process does, whatever ended it.
    """

    def __init__(
        self, workers: int, options: WorkerOptions, directory: Path, command: Sequence[str] = WORKER
    ) -> None:
        """`directory` holds what workers print; raises ValueError for fewer than one worker.

        `command` is the worker's program; it is given its options as one more argument, in JSON.
        """
        if workers < 1:
            raise ValueError(f"workers is {workers}; at least 1 is needed")
        self.count, self.options, self.directory, self.command = workers, options, directory, tuple(command)
        share, resident = _share_of_memory(workers), options.resident_bytes
        self._memory = share if options.memory_bytes is None else options.memory_bytes
        whole = self._memory or share
        self._most_resident = min(whole // RESIDENT_SHARE, MOST_RESIDENT) if resident is None else resident
        self._workers: list[_Worker] = []
        self._started = 0
        self._stillborn = 0

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in list(self._workers):
            self._dismiss(worker)

    def warm_up(self) -> None:
        """Start every worker now, so that frameworks load while the caller prepares."""
        self._staff(self.count)

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """See `Executor.run`. Raises ExecutorError where workers end or hang before they are ready.

        A job whose worker is killed goes to another one (`RUNS`). Where the caller stops early, jobs that have begun
        are lost with their workers.
        """
        waiting = list(jobs)
        runs = Counter[str]()
        try:
            while waiting or self._busy():
                self._staff(min(self.count, len(waiting) + len(self._busy())))
                self._hand_out(waiting)
                for worker, chunk in self._attend():
                    job, outcome = worker.job, self._hear(worker, chunk)
                    if isinstance(outcome, _Killed) and job is not None:
                        runs[job.key] += 1
                        if runs[job.key] < RUNS:
                            waiting.append(job)
                            continue
                        reason = f"{outcome.reason} ({RUNS} times)"
                        outcome = Outcome(job.key, "failed", reason, total_seconds=outcome.seconds)
                    if isinstance(outcome, Outcome):
                        yield outcome
        finally:
            for worker in self._busy():
                self._dismiss(worker)

    @property
    def started(self) -> int:
        """Workers started so far, replacements included."""
        return self._started

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.job is not None]

    def _staff(self, count: int) -> None:
        """Replace idle workers that have died or hold too much memory, then start what is missing."""
        for worker in [worker for worker in self._workers if worker.ready and worker.job is None]:
            if worker.process.poll() is not None or 0 < self._most_resident < worker.resident:
                self._dismiss(worker)
        while len(self._workers) < count:
            self._workers.append(self._spawn())

    def _hand_out(self, waiting: list[Job]) -> None:
        for worker in self._workers:
            if waiting and worker.ready and worker.job is None:
                job = self._choose(worker, waiting)
                waiting.remove(job)
                worker.send(job)

    def _choose(self, worker: _Worker, waiting: Sequence[Job]) -> Job:
        """The job for which the worker has the least to compile; what another one is compiling now comes last.

        Scores never depend on this choice: it saves compiling the same component twice.
        """
        elsewhere = set().union(*(_compiled_by(other.job) for other in self._workers if other.job))

        def cost(job: Job) -> tuple[int, int]:
            missing = _compiled_by(job) - worker.compiled
            return len(missing & elsewhere), len(missing)

        return min(waiting, key=cost)

    def _attend(self) -> list[tuple[_Worker, bytes | None]]:
        """Wait for workers that write, end or are late: what each wrote, b"" at its end, None where it is late.

        Whoever has written is not late, however long the caller took since.
        """
        heeded = {worker.output: worker for worker in self._workers if worker.job is not None or not worker.ready}
        remaining = min(self._deadline(worker) for worker in heeded.values()) - time.monotonic()
        written = {int(output) for output in wait(list(heeded), max(0.0, remaining)) if isinstance(output, int)}
        now = time.monotonic()
        return [
            (worker, os.read(output, 1 << 16) if output in written else None)
            for output, worker in heeded.items()
            if output in written or now >= self._deadline(worker)
        ]

    def _deadline(self, worker: _Worker) -> float:
        return worker.since + (self.options.deadline_seconds if worker.ready else START_SECONDS)

    def _hear(self, worker: _Worker, chunk: bytes | None) -> Outcome | _Killed | None:
        """The outcome of the worker's job, if what was heard decides it, or that it ended by a signal."""
        worker.buffer += chunk or b""
        unfinished = b"\n" not in worker.buffer and len(worker.buffer) < ANSWER_BYTES
        if chunk and unfinished:
            return None
        job = worker.job
        if job is None:
            self._greet(worker, chunk)
            return None
        seconds = time.monotonic() - worker.since
        if chunk is None:
            reason = f"not finished within {self.options.deadline_seconds:g} s"
            outcome = Outcome(job.key, "timeout", reason, total_seconds=seconds)
        elif not chunk:
            code = worker.code()
            reason = worker.end(code)
            killed = code is not None and code < 0
            outcome = (
                _Killed(reason, seconds) if killed else Outcome(job.key, "failed", reason, total_seconds=seconds)
            )
        else:
            outcome = _answer(bytes(worker.buffer), job)
            if outcome is not None:
                worker.job, worker.resident = None, outcome.resident_bytes
                worker.buffer.clear()
                return outcome
            outcome = Outcome(job.key, "failed", "the worker's answer cannot be read", total_seconds=seconds)
        self._dismiss(worker)
        return outcome

    def _greet(self, worker: _Worker, chunk: bytes | None) -> None:
        """A worker's first line says that it is ready; without one it will not become so."""
        if chunk:
            worker.ready, self._stillborn = True, 0
            worker.buffer.clear()
            return
        reason = worker.end(worker.code()) if chunk is not None else f"not ready within {START_SECONDS:g} s"
        self._dismiss(worker)
        self._stillborn += 1
        if self._stillborn >= 2 * self.count:
            raise ExecutorError(f"workers do not start: {reason}")

    def _dismiss(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.kill()

    def _spawn(self) -> _Worker:
        self._started += 1
        self.directory.mkdir(parents=True, exist_ok=True)
        errors = self.directory / f"worker-{self._started}.log"
        options = {
            "backend": self.options.backend,
            "cache": self.options.cache,
            "memory_bytes": self._memory,
        }
        gpu = least_used(self.options.gpus, [worker.gpu for worker in self._workers])
        with errors.open("wb") as log:
            process = subprocess.Popen(
                [*self.command, json.dumps(options)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment(gpu),
                process_group=0,
            )
        return _Worker(process, errors, gpu)

    def _environment(self, gpu: str) -> dict[str, str]:
        scrubbed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        if self.options.platform:
            scrubbed["JAX_PLATFORMS"] = self.options.platform
        options = self.options
        own = device_environment(options.backend, gpu, options.gpus, self.count, options.deterministic)
        return scrubbed | SET | own


def _compiled_by(job: Job) -> set[tuple[str, int, int]]:
    """What a job compiles: its components at its sizes."""
    return {(source, job.width, job.hidden) for source in job.components.values()}


def _answer(line: bytes, job: Job) -> Outcome | None:
    """The outcome on one whole line, or None where it is not one of this job."""
    try:
        outcome = Outcome.from_json(json.loads(line))
    except (ValueError, TypeError, KeyError):
        return None
    return outcome if outcome.key == job.key else None


def _share_of_memory(workers: int) -> int:
    """Bytes of this machine's memory for each worker."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(LEAST_MEMORY, whole // workers)
