"""Time the two training programs, stitched and whole, and three replicates side by side.

    python tests/benchmarks/programs.py [--scale tiny] [--recipe rwkv4] [--steps 64]

Prints seconds of compilation and milliseconds per step (of all replicates together) on the device that JAX prefers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from backends.batch import Batch
from backends.jax.backend import JaxBackend
from backends.jax.replicated import train_side_by_side
from cognition.loader import load_architectures, load_library
from evaluators.fitting import fit
from evaluators.scales import SCALES

VOCABULARY = 65
REPLICATES = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scale", choices=list(SCALES), default="tiny")
    parser.add_argument("--recipe", choices=list(load_architectures()), default="rwkv4")
    parser.add_argument("--steps", type=int, default=64)
    arguments = parser.parse_args()
    scale = SCALES[arguments.scale]
    instance = fit(load_architectures()[arguments.recipe].recipe, load_library(), scale, VOCABULARY).instance
    tokens = np.random.default_rng(0).integers(VOCABULARY, size=(2, scale.batch, scale.context), dtype=np.int32)
    batches = [Batch(tokens[0], tokens[1])] * arguments.steps
    backend = JaxBackend()
    stitched, whole = (
        backend.lower(instance, steps=1_000, precision=scale.precision, program=program)
        for program in backend.programs
    )

    def together() -> None:
        states = [whole.start(seed) for seed in range(REPLICATES)]
        train_side_by_side([whole] * REPLICATES, states, [batches] * REPLICATES)

    print(f"{arguments.recipe} at {scale.name} on {backend.devices()[0].name}")
    print(f"{'':24}{'compilation, s':>16}{'step, ms':>12}")
    report("stitched", backend, arguments.steps, lambda: stitched.train(stitched.start(0), batches))
    report("whole", backend, arguments.steps, lambda: whole.train(whole.start(0), batches))
    report(f"{REPLICATES} replicates", backend, arguments.steps, together)


def report(name: str, backend: JaxBackend, steps: int, run: Callable[[], object]) -> None:
    """Print what the first run compiles and how long a step of the second one takes."""
    before = backend.compilation
    run()
    compiled = (backend.compilation - before).total
    started = time.perf_counter()
    run()
    print(f"{name:24}{compiled:16.1f}{1e3 * (time.perf_counter() - started) / steps:12.2f}", flush=True)


if __name__ == "__main__":
    main()
