"""Running jobs on long-lived worker processes, each in a process group that is killed whole on a deadline."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol

from evaluators.jobs import Job, Outcome

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
"""Environment that a worker inherits; nothing else passes, so that no key reaches it."""

ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
RECYCLED_AFTER = 400
"""Jobs after which a worker is replaced, so that what it compiled does not pile up without end."""


class ExecutorError(RuntimeError):
    """Workers cannot be started or die before they answer, whatever the job."""


class Executor(Protocol):
    """Where jobs run. The order of outcomes is free; which worker ran a job never changes its scores."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Run all jobs and yield each outcome as it comes."""
        ...


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How workers start: backend, directory of compiled programs, memory limit (0: none), deadline per job."""

    backend: str = "jax"
    cache: str | None = None
    memory_bytes: int = 0
    deadline_seconds: float = 600.0
    platform: str = ""


@dataclass(eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    errors: Path
    job: Job | None = None
    started: float = 0.0
    answered: int = 0
    buffer: bytearray = field(default_factory=bytearray)

    def send(self, job: Job) -> None:
        assert self.process.stdin is not None
        self.job, self.started = job, time.monotonic()
        with suppress(BrokenPipeError):  # its end of file is read next, and the job is accounted for there
            self.process.stdin.write(json.dumps(job.to_json()).encode() + b"\n")
            self.process.stdin.flush()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class LocalExecutor:
    """Spawned worker processes on this machine. Use as a context manager: leaving it ends every worker."""

    def __init__(self, workers: int, options: WorkerOptions, directory: Path) -> None:
        """`directory` holds what workers print; raises ValueError for fewer than one worker."""
        if workers < 1:
            raise ValueError(f"workers is {workers}; at least 1 is needed")
        self.count, self.options, self.directory = workers, options, directory
        self._workers: list[_Worker] = []
        self._started = 0

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.kill()
        self._workers.clear()

    def warm_up(self) -> None:
        """Start every worker now, so that frameworks load while the caller prepares."""
        while len(self._workers) < self.count:
            self._workers.append(self._spawn())

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """See `Executor.run`. Raises ExecutorError where a worker dies before its first answer, twice in a row."""
        waiting = deque(jobs)
        fruitless = 0
        self.warm_up()
        with selectors.DefaultSelector() as selector:
            for worker in self._workers:
                self._feed(worker, waiting, selector)
            while any(worker.job for worker in self._workers):
                for key, _ in selector.select(self._patience()):
                    worker: _Worker = key.data
                    chunk = os.read(key.fd, 1 << 16)
                    worker.buffer += chunk
                    if chunk and b"\n" not in worker.buffer:
                        continue
                    outcome = self._answer(worker) if chunk else self._died(worker)
                    fruitless = 0 if chunk else fruitless + (worker.answered == 0)
                    if fruitless >= 2 * self.count:
                        raise ExecutorError(f"workers die at their start: {_last_line(worker.errors)}")
                    yield outcome
                    self._next(worker, waiting, selector, replace=not chunk)
                for worker in [w for w in self._workers if w.job and self._late(w)]:
                    assert worker.job is not None
                    reason = f"not finished within {self.options.deadline_seconds:g} s"
                    outcome = Outcome(
                        worker.job.key, "timeout", reason, total_seconds=self.options.deadline_seconds
                    )
                    yield outcome
                    self._next(worker, waiting, selector, replace=True)

    def _feed(self, worker: _Worker, waiting: deque[Job], selector: selectors.BaseSelector) -> None:
        assert worker.process.stdout is not None
        selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
        if waiting:
            worker.send(waiting.popleft())

    def _next(
        self, worker: _Worker, waiting: deque[Job], selector: selectors.BaseSelector, *, replace: bool
    ) -> None:
        worker.job = None
        if replace or (worker.answered >= RECYCLED_AFTER and waiting):
            assert worker.process.stdout is not None
            selector.unregister(worker.process.stdout)
            worker.kill()
            self._workers.remove(worker)
            worker = self._spawn()
            self._workers.append(worker)
            self._feed(worker, waiting, selector)
        elif waiting:
            worker.send(waiting.popleft())

    def _answer(self, worker: _Worker) -> Outcome:
        line, _, rest = bytes(worker.buffer).partition(b"\n")
        worker.buffer = bytearray(rest)
        worker.answered += 1
        assert worker.job is not None
        try:
            outcome = Outcome(**json.loads(line))
        except (ValueError, TypeError) as error:
            return Outcome(worker.job.key, "failed", f"the worker's answer cannot be read: {error}")
        if outcome.key != worker.job.key:
            return Outcome(worker.job.key, "failed", f"the worker answered for {outcome.key}")
        return outcome

    def _died(self, worker: _Worker) -> Outcome:
        code = worker.process.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        seconds = time.monotonic() - worker.started
        key = worker.job.key if worker.job else ""
        reason = f"the worker ended with {how}: {_last_line(worker.errors)}"
        return Outcome(key, "failed", reason, total_seconds=seconds)

    def _late(self, worker: _Worker) -> bool:
        return time.monotonic() - worker.started > self.options.deadline_seconds

    def _patience(self) -> float:
        busy = [worker.started for worker in self._workers if worker.job]
        return max(0.01, min(busy) + self.options.deadline_seconds - time.monotonic()) if busy else 0.01

    def _spawn(self) -> _Worker:
        self._started += 1
        self.directory.mkdir(parents=True, exist_ok=True)
        errors = self.directory / f"worker-{self._started}.log"
        options = {
            "backend": self.options.backend,
            "cache": self.options.cache,
            "memory_bytes": self.options.memory_bytes,
        }
        with errors.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-I", "-m", "evaluators.worker", json.dumps(options)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment(),
                process_group=0,
            )
        return _Worker(process, errors)

    def _environment(self) -> dict[str, str]:
        scrubbed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        scrubbed |= {"XLA_FLAGS": ONE_THREAD, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
        if self.options.platform:
            scrubbed["JAX_PLATFORMS"] = self.options.platform
        return scrubbed


def _last_line(path: Path) -> str:
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it printed nothing"
