"""MLX beside JAX on this machine: training steps and decoding of published recipes.

    python tests/benchmarks/mlx_speed.py [--scale tiny] [--recipes rwkv4 llama mamba2 gated_deltanet] [--rounds 5]

Prints milliseconds per training step and per decoded token (one token of each sequence of a batch) of each backend on
its best device, and how many times as long MLX takes. Rounds alternate between the two, so that a busy machine slows
both; medians are compared.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np

from backends.batch import Batch
from backends.protocol import Backend, Model
from backends.selection import make_backend
from cognition.loader import load_architectures, load_library
from evaluators.fitting import fit
from evaluators.scales import SCALES, Scale

RECIPES = ("rwkv4", "llama", "mamba2", "gated_deltanet")
VOCABULARY = 65
SECONDS = 2.0
"""Of one round of one backend, about."""

Run = Callable[[int], None]
"""A function that repeats what is timed so many times, at least once."""


def training(model: Model, batch: Batch) -> Run:
    state = model.start(0)

    def run(count: int) -> None:
        nonlocal state
        state, _ = model.train(state, [batch] * count)

    return run


def decoding(model: Model, tokens_TxB: np.ndarray) -> Run:
    """Tokens are read as if generated: each step waits for the scores of the one before."""
    state = model.start(0)

    def run(count: int) -> None:
        for first in range(0, count, len(tokens_TxB)):
            decoder = model.decoder(state, tokens_TxB.shape[1])
            for tokens_B in tokens_TxB[: count - first]:
                decoder.step(tokens_B)

    return run


def milliseconds(runs: Sequence[Run], rounds: int) -> list[float]:
    """Median time of one repetition of each, in alternating rounds after a first one that compiles."""
    counts = []
    for run in runs:
        run(2)
        counts.append(max(2, int(2 * SECONDS / timed(run, 2))))
    found = [[timed(run, count) / count for run, count in zip(runs, counts, strict=True)] for _ in range(rounds)]
    return [1e3 * median(own) for own in zip(*found, strict=True)]


def timed(run: Run, count: int) -> float:
    """Seconds that so many repetitions take."""
    started = time.perf_counter()
    run(count)
    return time.perf_counter() - started


def compared(name: str, scale: Scale, backends: Sequence[Backend], rounds: int) -> str:
    """One row of the table."""
    instance = fit(load_architectures()[name].recipe, load_library(), scale, VOCABULARY).instance
    tokens = np.random.default_rng(0).integers(VOCABULARY, size=(2, scale.batch, scale.context), dtype=np.int32)
    models = [backend.lower(instance, steps=1_000, precision=scale.precision) for backend in backends]
    cells = []
    for runs in (
        [training(model, Batch(tokens[0], tokens[1])) for model in models],
        [decoding(model, tokens[0].T) for model in models],
    ):
        jax, mlx = milliseconds(runs, rounds)
        cells += [f"{jax:.2f}", f"{mlx:.2f}", f"{mlx / jax:.2f}"]
    return f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scale", choices=list(SCALES), default="tiny")
    parser.add_argument("--recipes", nargs="+", choices=list(load_architectures()), default=list(RECIPES))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    backends = make_backend("jax"), make_backend("mlx")
    devices = ", ".join(f"{backend.name} on {backend.devices()[0].name}" for backend in backends)
    print(f"{arguments.scale}: {devices}\n")
    print("| recipe | step: JAX, ms | MLX, ms | ratio | decoded token: JAX, ms | MLX, ms | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name in arguments.recipes:
        print(compared(name, SCALES[arguments.scale], backends, arguments.rounds), flush=True)


if __name__ == "__main__":
    main()
