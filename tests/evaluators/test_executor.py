"""Workers as real processes: equal scores on any number of them, and a fault that costs one attempt.

Jobs that train run on the real worker. Faults that training cannot be made to show are shown by a small program
that speaks the worker's protocol and then misbehaves in the way that the job's recipe field names.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Timer

import pytest

from evaluators.executor import RUNS, ExecutorError, LocalExecutor, WorkerOptions
from evaluators.jobs import Job, Outcome, TaskSpec
from evaluators.training import Trainer

linux = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc")

MISBEHAVING = """
import ctypes, json, os, resource, signal, subprocess, sys, time

print(json.dumps({"device": "none"}), flush=True)
for line in sys.stdin:
    job = json.loads(line)
    answer = json.dumps({"key": job["key"], "status": "evaluated", "loss": 1.0, "device": str(os.getpid())})
    match job["recipe"].split(":", 2):
        case ["lie", name, value]:
            print(json.dumps({**json.loads(answer), name: json.loads(value)}), flush=True)
            continue
        case ["killed", times]:
            with open(job["checkpoint"], "a+") as file:
                file.write("x")
                file.seek(0)
                if len(file.read()) <= int(times):
                    file.close()
                    os.kill(os.getpid(), signal.SIGKILL)
            print(answer, flush=True)
            continue
    match job["recipe"]:
        case "segmentation fault":
            ctypes.string_at(0)
        case "out of memory":
            resource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28))
            bytearray(2**30)
        case "good":
            print(answer, flush=True)
        case "large":
            print(json.dumps({**json.loads(answer), "resident_bytes": 2000}), flush=True)
        case "no json":
            print("Traceback (most recent call last)", flush=True)
        case "no object":
            print("[1, 2]", flush=True)
        case "another key":
            print(answer.replace(job["key"], "another"), flush=True)
        case "unknown status":
            print(answer.replace("evaluated", "splendid"), flush=True)
        case "two answers":
            print(answer + "\\n" + answer, flush=True)
        case "endless":
            while True:
                sys.stdout.write("x" * 4096)
        case "exit":
            sys.exit("there is no more paper")
        case "close":
            os.close(1)
            time.sleep(600)
        case "hang":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            with open(job["checkpoint"], "w") as file:
                file.write(str(child.pid))
            time.sleep(600)
"""


@pytest.fixture(scope="module")
def options(tmp_path_factory) -> WorkerOptions:
    return WorkerOptions(cache=str(tmp_path_factory.mktemp("compiled")), platform="cpu")


@pytest.fixture
def misbehaving(tmp_path) -> Callable[..., LocalExecutor]:
    program = tmp_path / "misbehaving.py"
    program.write_text(MISBEHAVING)

    def make(workers: int = 1, **changes) -> LocalExecutor:
        command = (sys.executable, "-I", str(program))
        return LocalExecutor(workers, WorkerOptions(**changes), tmp_path / "log", command)

    return make


@pytest.fixture
def behaving(make_recipe, make_job) -> Callable[..., list[Job]]:
    """Jobs for the misbehaving program, one per behaviour."""
    blank = make_job(make_recipe("swiglu"))

    def make(*behaviours: str, **changes) -> list[Job]:
        return [replace(blank, key=str(i), recipe=what, **changes) for i, what in enumerate(behaviours)]

    return make


def children(pid: int | str = "self") -> set[int]:
    return {
        int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()
    }


def running(pid: int) -> bool:
    """Whether any thread of a process has not ended; a process that waits to be buried has ended."""
    try:
        stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    except (FileNotFoundError, ProcessLookupError):
        return running(pid)
    return any(stat.rpartition(")")[2].split()[0] not in "ZX" for stat in stats)


def soon(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def scores(outcomes: list[Outcome]) -> dict[str, tuple[str, float | None, float | None]]:
    return {outcome.key: (outcome.status, outcome.loss, outcome.accuracy) for outcome in outcomes}


def test_scores_do_not_depend_on_the_workers(backend, options, make_recipe, make_job, tmp_path):
    jobs = [
        make_job(make_recipe(*components), steps=10, seed=seed, key=f"{'+'.join(components)} {seed}")
        for components in (("swiglu",), ("attention", "swiglu"))
        for seed in (0, 1)
    ]
    with LocalExecutor(1, options, tmp_path / "one") as one, LocalExecutor(2, options, tmp_path / "two") as two:
        two.warm_up()
        alone, together = scores(list(one.run(jobs))), scores(list(two.run(jobs)))
        assert alone == together == scores(list(two.run(jobs[::-1])))
    assert {status for status, *_ in alone.values()} == {"evaluated"}
    trainer = Trainer(backend)
    for job in jobs:
        assert trainer.run(job).loss == pytest.approx(alone[job.key][1], rel=1e-4)


@linux
def test_workers_see_no_secrets(options, make_recipe, make_job, tmp_path, monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "MY_OWN"):
        monkeypatch.setenv(name, "sesame")
    before = children()
    with LocalExecutor(1, options, tmp_path) as executor:
        executor.warm_up()
        (worker,) = children() - before
        (outcome,) = executor.run([make_job(make_recipe("swiglu"), steps=2)])
        assert outcome.status == "evaluated", outcome.reason
        environment = Path(f"/proc/{worker}/environ").read_bytes()
    assert b"sesame" not in environment
    assert b"JAX_PLATFORMS=cpu" in environment


@linux
def test_a_killed_worker_changes_nothing(options, make_recipe, make_job, tmp_path):
    """Neither one that trains, whose job another one runs, nor one that has nothing to do."""
    quick = make_job(make_recipe("swiglu"), steps=2)
    long = replace(make_job(make_recipe("swiglu"), steps=2000), key="long")
    before = children()
    with LocalExecutor(1, options, tmp_path) as executor:
        first, whole = executor.run([quick, long])
        (worker,) = children() - before
        Timer(min(0.3, whole.train_seconds / 3), os.kill, (worker, signal.SIGKILL)).start()
        (again,) = executor.run([long])
        assert scores([again]) == scores([whole])
        assert executor.started == 2
        (worker,) = children() - before
        os.kill(worker, signal.SIGKILL)
        assert soon(lambda: not running(worker))
        (outcome,) = executor.run([quick])
        assert outcome.loss == first.loss
        (worker,) = children() - before
    assert soon(lambda: not running(worker))


def test_a_job_past_its_deadline_is_a_timeout(options, make_recipe, make_job, tmp_path):
    job = make_job(make_recipe("swiglu"), steps=10**6)
    with LocalExecutor(1, replace(options, deadline_seconds=3.0), tmp_path) as executor:
        (outcome,) = executor.run([job])
    assert (outcome.key, outcome.status, outcome.reason) == (job.key, "timeout", "not finished within 3 s")
    assert outcome.total_seconds == pytest.approx(3.0, abs=1.0)


def test_a_job_that_needs_too_much_memory_is_refused(options, make_recipe, make_job, tmp_path):
    quick = make_job(make_recipe("swiglu"), steps=2)
    huge = replace(quick, key="huge", hidden=2**17, scale=replace(quick.scale, batch=4096))
    with LocalExecutor(1, replace(options, memory_bytes=4 * 2**30), tmp_path) as executor:
        outcomes = list(executor.run([huge, quick]))
    assert [outcome.status for outcome in outcomes] == ["failed", "evaluated"]
    assert re.fullmatch(r"needs about \d+\.\d GiB to train, the device has [123]\.\d GiB", outcomes[0].reason)
    assert outcomes[0].compile_seconds == 0.0


@dataclass(frozen=True)
class StrangeJob(Job):
    """A job with a field that no worker knows."""

    colour: str = "blue"


def test_a_job_that_is_not_well_formed_fails_alone(options, make_recipe, make_job, tmp_path):
    quick = make_job(make_recipe("swiglu"), steps=2)
    fields = {name: getattr(quick, name) for name in Job.__dataclass_fields__}
    jobs = [
        StrangeJob(**{**fields, "key": "strange"}),
        replace(quick, key="task", task=TaskSpec("juggling", "tiny")),
        replace(quick, key="recipe", recipe="[]"),
        quick,
    ]
    with LocalExecutor(1, options, tmp_path) as executor:
        outcomes = {outcome.key: outcome for outcome in executor.run(jobs)}
    assert {key: outcome.status for key, outcome in outcomes.items()} == {
        "strange": "failed",
        "task": "failed",
        "recipe": "failed",
        quick.key: "evaluated",
    }
    assert "colour" in outcomes["strange"].reason
    assert "juggling" in outcomes["task"].reason


@linux
def test_workers_end_with_their_driver(options, make_recipe, make_job, tmp_path):
    """Even when it is killed while they train."""
    job = make_job(make_recipe("swiglu"), steps=10**6)
    driver = tmp_path / "driver.py"
    driver.write_text(
        "import json, sys\n"
        "from pathlib import Path\n"
        "from evaluators.executor import LocalExecutor, WorkerOptions\n"
        "from evaluators.jobs import Job\n"
        "job = Job.from_json(json.loads(sys.argv[1]))\n"
        f"executor = LocalExecutor(2, WorkerOptions(cache={options.cache!r}, platform='cpu'), Path(sys.argv[2]))\n"
        "list(executor.run([job, job]))\n"
    )
    command = [sys.executable, str(driver), json.dumps(job.to_json()), str(tmp_path / "log")]
    with subprocess.Popen(command) as process:
        assert soon(lambda: len(children(process.pid)) == 2)
        workers = children(process.pid)
        assert soon(lambda: all(_seconds_of_work(worker) > 4 for worker in workers), 120)
        process.kill()
    assert soon(lambda: not any(running(worker) for worker in workers))


def _seconds_of_work(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(
    "behaviour", ["no json", "no object", "another key", "unknown status", "two answers", "endless", "close"]
)
def test_an_answer_that_cannot_be_read_costs_one_attempt(misbehaving, behaving, behaviour):
    with misbehaving() as executor:
        outcomes = list(executor.run(behaving("good", behaviour, "good", "good")))
    assert [outcome.key for outcome in outcomes] == ["0", "1", "2", "3"]
    assert [outcome.status for outcome in outcomes] == ["evaluated", "failed", "evaluated", "evaluated"]
    assert "the worker" in outcomes[1].reason
    assert outcomes[0].device != outcomes[2].device == outcomes[3].device


def test_the_reason_is_what_the_worker_printed_last(misbehaving, behaving):
    with misbehaving() as executor:
        (outcome,) = executor.run(behaving("exit"))
    assert outcome.reason == "the worker ended with exit code 1: there is no more paper"


@linux
@pytest.mark.parametrize("times", [1, RUNS - 1])
def test_a_job_whose_worker_is_killed_is_run_again(misbehaving, behaving, tmp_path, times):
    jobs = behaving(f"killed:{times}", "good", checkpoint=str(tmp_path / "runs"))
    with misbehaving(2) as executor:
        outcomes = list(executor.run(jobs))
    assert sorted((outcome.key, outcome.status) for outcome in outcomes) == [
        ("0", "evaluated"),
        ("1", "evaluated"),
    ]


@linux
@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (f"killed:{RUNS}", f"the worker ended with signal SIGKILL: it printed nothing ({RUNS} times)"),
        ("segmentation fault", f"the worker ended with signal SIGSEGV: it printed nothing ({RUNS} times)"),
        ("out of memory", "the worker ended with exit code 1: MemoryError"),
    ],
)
def test_a_worker_that_always_dies_costs_one_attempt(misbehaving, behaving, tmp_path, behaviour, reason):
    jobs = behaving(behaviour, "good", checkpoint=str(tmp_path / "runs"))
    with misbehaving() as executor:
        outcomes = {outcome.key: outcome for outcome in executor.run(jobs)}
    assert (outcomes["0"].status, outcomes["0"].reason) == ("failed", reason)
    assert outcomes["1"].status == "evaluated"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("loss", "NaN"),
        ("loss", "null"),
        ("loss", '"low"'),
        ("loss", "1e999"),
        ("status", '"failed"'),
        ("accuracy", "Infinity"),
        ("steps", "-1"),
        ("steps", "0.5"),
        ("parameters", "1e30"),
        ("train_seconds", "-1"),
        ("total_seconds", "null"),
        ("device", "7"),
        ("reason", '"\\ud800"'),
        ("adjustments", '[{"name": "learning_rate", "original": NaN, "value": 1, "reason": ""}]'),
        ("adjustments", "[1]"),
        ("colour", '"blue"'),
    ],
)
def test_an_answer_that_makes_no_sense_is_never_a_score(misbehaving, behaving, name, value):
    with misbehaving() as executor:
        lied, good = executor.run(behaving(f"lie:{name}:{value}", "good"))
    assert (lied.status, lied.loss, lied.reason) == ("failed", None, "the worker's answer cannot be read")
    assert good.status == "evaluated"


@linux
def test_a_hanging_worker_is_killed_with_all_it_started(misbehaving, behaving, tmp_path):
    note = tmp_path / "grandchild"
    with misbehaving(deadline_seconds=1.0) as executor:
        outcomes = list(executor.run(behaving("hang", "good", checkpoint=str(note))))
    assert [outcome.status for outcome in outcomes] == ["timeout", "evaluated"]
    assert soon(lambda: not running(int(note.read_text())))


@linux
def test_leaving_the_executor_ends_its_workers(misbehaving, behaving, tmp_path):
    note = tmp_path / "grandchild"
    before = children()
    with misbehaving(2) as executor:
        outcomes = executor.run(behaving("hang", "good", checkpoint=str(note)))
        assert next(outcomes).key == "1"
        assert len(children() - before) == 2
        assert soon(lambda: note.exists() and bool(note.read_text()))
    assert children() == before
    assert soon(lambda: not running(int(note.read_text())))


def test_who_has_answered_is_not_late_however_slow_the_caller(misbehaving, behaving):
    with misbehaving(2, deadline_seconds=1.0) as executor:
        outcomes = []
        for outcome in executor.run(behaving(*["good"] * 4)):
            time.sleep(1.1)
            outcomes.append(outcome)
    assert [outcome.status for outcome in outcomes] == ["evaluated"] * 4


def test_a_caller_that_stops_early_can_go_on(misbehaving, behaving, tmp_path):
    jobs = behaving("good", "good", "hang", checkpoint=str(tmp_path / "grandchild"))
    with misbehaving(2) as executor:
        for _ in executor.run([jobs[2], jobs[0]]):
            break
        assert [outcome.key for outcome in executor.run(jobs[:2])] == ["0", "1"]


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_that_hold_too_much_memory_are_replaced(misbehaving, behaving, workers):
    with misbehaving(workers, resident_bytes=1999) as executor:
        outcomes = [
            *executor.run(behaving("good", "large", "good", "large", "good")),
            *executor.run(behaving("good")),
        ]
        assert executor.started >= 3
    by_worker: dict[str, list[int]] = {}
    for outcome in outcomes:
        by_worker.setdefault(outcome.device, []).append(outcome.resident_bytes)
    assert len(by_worker) >= 3
    assert not any(any(resident[:-1]) for resident in by_worker.values())


@pytest.mark.parametrize("bound", [2000, 0, None])
def test_workers_within_their_bound_stay(misbehaving, behaving, bound):
    with misbehaving(resident_bytes=bound) as executor:
        outcomes = list(executor.run(behaving("large", "good", "large", "good")))
        assert executor.started == 1
    assert len({outcome.device for outcome in outcomes}) == 1


def test_replacing_workers_changes_no_score(options, make_recipe, make_job, tmp_path):
    jobs = [make_job(make_recipe("swiglu"), steps=2, seed=seed, key=str(seed)) for seed in (0, 1, 2)]
    with LocalExecutor(1, options, tmp_path) as executor:
        kept = list(executor.run(jobs))
        assert executor.started == 1
    with LocalExecutor(1, replace(options, resident_bytes=1), tmp_path) as executor:
        replaced = list(executor.run(jobs))
        assert executor.started == 3
    assert scores(replaced) == scores(kept)
    assert all(2**26 < outcome.resident_bytes < 2**31 for outcome in (*kept, *replaced))


def test_workers_that_cannot_start_are_an_error(options, make_recipe, make_job, tmp_path):
    command = (sys.executable, "-c", "raise SystemExit('there is no device')")
    with (
        LocalExecutor(2, options, tmp_path, command) as executor,
        pytest.raises(ExecutorError, match=r"do not start: .* there is no device"),
    ):
        list(executor.run([make_job(make_recipe("swiglu"))]))


def test_at_least_one_worker(options, tmp_path):
    with pytest.raises(ValueError, match="workers is 0; at least 1"):
        LocalExecutor(0, options, tmp_path)
