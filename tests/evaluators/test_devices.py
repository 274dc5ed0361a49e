"""How workers share the GPUs of a machine, told by environments and device nodes alone."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.devices import CPU_FLAGS, CPU_WORKERS, usable_gpus, usual_workers, visible_gpus
from evaluators.executor import LocalExecutor, WorkerOptions

TELLING = """
import json, os, sys

print(json.dumps({"device": "none"}), flush=True)
names = ("CUDA_VISIBLE_DEVICES", "XLA_PYTHON_CLIENT_MEM_FRACTION", "XLA_FLAGS")
seen = json.dumps([os.environ.get(name) for name in names])
for line in sys.stdin:
    job = json.loads(line)
    if job["recipe"] == "end":
        sys.exit(seen)
    print(json.dumps({"key": job["key"], "status": "evaluated", "loss": 1.0, "reason": seen}), flush=True)
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Device nodes of a machine with two GPUs."""
    nodes = tmp_path / "dev"
    nodes.mkdir()
    for name in ("nvidia0", "nvidia3", "nvidiactl", "nvidia-uvm", "null"):
        (nodes / name).touch()
    return nodes


@pytest.mark.parametrize(
    ("environment", "gpus"),
    [
        ({}, ("0", "1")),
        ({"CUDA_VISIBLE_DEVICES": "2, 5,7"}, ("2", "5", "7")),
        ({"CUDA_VISIBLE_DEVICES": "GPU-4b1e"}, ("GPU-4b1e",)),
        ({"CUDA_VISIBLE_DEVICES": "1,-1,2"}, ("1",)),
        ({"CUDA_VISIBLE_DEVICES": ""}, ()),
    ],
)
def test_gpus_are_those_that_cuda_sees(machine, environment, gpus):
    assert visible_gpus(environment, machine) == gpus


def test_there_is_a_worker_for_each_gpu_that_the_backend_uses(monkeypatch, tmp_path):
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    (tmp_path / "jax_cuda12_plugin").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert usable_gpus("jax") == ("0", "1", "2")
    assert usual_workers("jax") == 3
    assert usual_workers("mlx") == CPU_WORKERS
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert usual_workers("jax") == CPU_WORKERS


@pytest.mark.parametrize(
    ("workers", "gpus", "deterministic", "told"),
    [
        (2, ("0", "1"), False, {("0", "0.900", None), ("1", "0.900", None)}),
        (3, ("4", "6"), False, {("4", "0.450", None), ("6", "0.450", None)}),
        (2, ("0",), True, {("0", "0.450", "--xla_gpu_deterministic_ops=true")}),
        (1, (), True, {(None, None, CPU_FLAGS)}),
    ],
)
def test_each_worker_sees_one_gpu(
    make_recipe, make_job, tmp_path, monkeypatch, workers, gpus, deterministic, told
):
    """Also one that takes the place of another."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    program = tmp_path / "telling.py"
    program.write_text(TELLING)
    blank = make_job(make_recipe("swiglu"))
    jobs = [replace(blank, key=str(i), recipe=what) for i, what in enumerate(("stay", "end") * 20)]
    command = (sys.executable, "-I", str(program))
    options = WorkerOptions(gpus=gpus, deterministic=deterministic)
    with LocalExecutor(workers, options, tmp_path / "log", command) as executor:
        outcomes = list(executor.run(jobs))
        assert executor.started > workers
    reasons = {outcome.reason.partition("[")[2] for outcome in outcomes}
    assert {tuple(json.loads(f"[{reason}")) for reason in reasons} == told
