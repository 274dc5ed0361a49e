"""A worker process: reads jobs as lines of JSON, trains, and answers with lines of JSON.

Started by `evaluators.executor` with a scrubbed environment. The first line it writes names its device; each
further one is an outcome, with the memory that the worker holds after it. What libraries print goes to standard
error, so that standard output carries answers alone. When standard input ends, the worker and its process group
end at once, even in the middle of a job: nobody is left to read the answer.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import time
from contextlib import suppress
from dataclasses import replace
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaluators.jobs import Outcome
    from evaluators.training import Trainer

COLLECTED = 50_000
"""New objects before Python looks for cycles among them, instead of 700; what was imported it never looks at again.

Tracing makes many objects and few cycles: the search for these took a third of the time of lowering.
"""


def main() -> None:
    """Serve jobs until standard input ends."""
    options = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lines: SimpleQueue[str] = SimpleQueue()
    Thread(target=_listen, args=(lines,), daemon=True).start()

    from backends.selection import make_backend
    from evaluators.residency import give_back, reserved_bytes, resident_bytes
    from evaluators.training import Trainer

    backend = make_backend(options["backend"], cache=options["cache"])
    device = backend.devices()[0]
    memory = device.memory
    if device.kind == "cpu" and options["memory_bytes"]:
        memory = max(1, options["memory_bytes"] - reserved_bytes())
        _limit_memory(options["memory_bytes"])
    trainer = Trainer(backend, memory=memory)
    gc.freeze()
    gc.set_threshold(COLLECTED)
    _write(answers, {"device": device.name})
    while True:
        waiting = time.perf_counter()
        line = lines.get()
        idle = time.perf_counter() - waiting
        outcome = _serve(trainer, line)
        give_back()
        _write(answers, replace(outcome, idle_seconds=idle, resident_bytes=resident_bytes()).to_json())


def _serve(trainer: Trainer, line: str) -> Outcome:
    from evaluators.jobs import Job, Outcome

    key = ""
    try:
        data = json.loads(line)
        key = str(data["key"])
        return trainer.run(Job.from_json(data))
    except Exception as error:  # any fault of a candidate is one attempt, not the worker's end
        reason = next(iter(str(error).splitlines()), "")[:300]
        return Outcome(key, "failed", f"{type(error).__name__}: {reason}" if reason else type(error).__name__)


def _listen(lines: SimpleQueue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    os.killpg(0, signal.SIGKILL)


def _limit_memory(size: int) -> None:
    """Bound the address space from here on. Only for CPUs: drivers of accelerators reserve far more than they use."""
    with suppress(ValueError, OSError):  # macOS accepts no bound below what is reserved already
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _write(answers: Any, value: dict[str, Any]) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
