"""What `device_speed.py` measures, one setup per process: python tests/benchmarks/device_figures.py SETUP

SETUP is the JSON of a `Setup`; the last line printed is that of its `Figures`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal

import numpy as np

from backends.batch import Batch
from backends.protocol import Precision
from cognition.loader import load_architectures, load_library
from evaluators.fitting import fit
from evaluators.scales import SCALES
from genome.instance import Instance

Implementation = Literal["here", "torch"]


@dataclass(frozen=True, slots=True)
class Setup:
    """One thing to measure: so many replicates of a recipe trained together, `rounds` times `steps` steps.

    `batch` is in sequences, of each replicate; `implementation` "here" is the backend's whole-model program.
    """

    implementation: Implementation
    recipe: str
    scale: str
    vocabulary: int
    batch: int
    precision: Precision
    backend: str = "jax"
    replicates: int = 1
    steps: int = 64
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Figures:
    """What one process measured; `flops` and `tokens` are those of a step, `peak_bytes` 0 where it is not known.

    FLOPs are the cost model's, the backward pass taken as twice the forward pass.
    """

    device: str
    kind: str
    parameters: int
    flops: float
    tokens: int
    compile_seconds: float
    step_seconds: float
    peak_bytes: int

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.step_seconds


@dataclass(frozen=True, slots=True)
class Running:
    """A device and something that trains on it; `train` takes so many steps and returns when they are done."""

    device: str
    kind: str
    train: Callable[[int], None]
    compile_seconds: Callable[[], float]
    peak_bytes: Callable[[], int]


def instance_of(setup: Setup) -> Instance:
    """The recipe at the scale's parameter budget, with the setup's vocabulary."""
    recipe = load_architectures()[setup.recipe].recipe
    return fit(recipe, load_library(), SCALES[setup.scale], setup.vocabulary).instance


def here(setup: Setup, instance: Instance) -> Running:
    """The backend's own training, all steps up to a look in one program."""
    from backends.selection import make_backend

    backend = make_backend(setup.backend)
    device = backend.devices()[0]
    model: Any = backend.lower(
        instance, steps=SCALES[setup.scale].steps, precision=setup.precision, program="whole"
    )
    states = [model.start(seed) for seed in range(setup.replicates)]
    batches = [_batch(setup, instance, seed) for seed in range(setup.replicates)]
    before = backend.compilation

    def train(steps: int) -> None:
        if setup.replicates == 1:
            states[0], _ = model.train(states[0], batches * steps)
        else:
            from backends.jax.replicated import train_side_by_side

            train_side_by_side([model] * setup.replicates, states, [[own] * steps for own in batches])

    def peak() -> int:
        import jax

        return (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0)

    known: Callable[[], int] = peak if setup.backend == "jax" else lambda: 0
    return Running(device.name, device.kind, train, lambda: (backend.compilation - before).total, known)


def measure(setup: Setup) -> Figures:
    """Compile, then time whole rounds; the median round counts."""
    instance = instance_of(setup)
    if setup.implementation == "torch":
        from device_torch import compiled_by_torch

        running = compiled_by_torch(setup, instance, _batch(setup, instance, 0))
    else:
        running = here(setup, instance)
    running.train(2)
    compile_seconds, rounds = running.compile_seconds(), []
    for _ in range(setup.rounds):
        started = time.perf_counter()
        running.train(setup.steps)
        rounds.append((time.perf_counter() - started) / setup.steps)
    tokens = setup.replicates * setup.batch * instance.sizes.context
    cost = instance.cost
    return Figures(
        running.device,
        running.kind,
        cost.parameters,
        3 * cost.flops_per_token * tokens,
        tokens,
        compile_seconds,
        median(rounds),
        running.peak_bytes(),
    )


def _batch(setup: Setup, instance: Instance, seed: int) -> Batch:
    shape = (2, setup.batch, instance.sizes.context)
    inputs, targets = np.random.default_rng(seed).integers(setup.vocabulary, size=shape, dtype=np.int32)
    return Batch(inputs, targets)


if __name__ == "__main__":
    print(json.dumps(asdict(measure(Setup(**json.loads(sys.argv[1]))))), flush=True)
