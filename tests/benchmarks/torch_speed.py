"""Time training steps beside plain PyTorch: the same architectures, sizes, batches, optimizer and one thread each.

    python tests/benchmarks/torch_speed.py [--scales tiny small] [--rounds 5]

Prints milliseconds per step of both, and how many times as fast as PyTorch this is. Both run in the environment of a
worker. Rounds alternate between the two, so that a busy machine slows both; the medians are compared.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from torch.nn import functional as F
from torch_models import build

from backends.batch import Batch
from backends.jax.backend import JaxBackend
from cognition.loader import load_architectures, load_library
from evaluators.devices import device_environment
from evaluators.executor import SET
from evaluators.fitting import fit
from evaluators.scales import SCALES, Scale
from genome.instance import Instance

ARCHITECTURES = ("llama", "mamba2", "gated_deltanet")
VOCABULARY = 65
SECONDS = 4.0
"""Of training in one round, about."""


def ours(instance: Instance, batch: Batch) -> Callable[[int], None]:
    """A function that takes so many steps."""
    model = JaxBackend().lower(instance, steps=1_000)
    state = model.start(0)

    def run(steps: int) -> None:
        nonlocal state
        state, _ = model.train(state, [batch] * steps)

    return run


def theirs(name: str, instance: Instance, batch: Batch) -> Callable[[int], None]:
    """The same with PyTorch in eager mode: AdamW in its fused form, gradients clipped by their norm."""
    sizes = instance.sizes
    model = build(name, sizes.width, sizes.hidden, sizes.vocabulary, sizes.context, len(instance.blocks))
    count = sum(parameter.numel() for parameter in model.parameters())
    if count != instance.cost.parameters:
        raise ValueError(f"{name}: {count} parameters in PyTorch, {instance.cost.parameters} here")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    inputs, targets = (torch.from_numpy(a.astype(np.int64)) for a in (batch.inputs_BxT, batch.targets_BxT))

    def run(steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten()).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()

    return run


def measure(name: str, scale: Scale, rounds: int) -> tuple[float, float]:
    """Milliseconds per step, ours and theirs."""
    recipe = load_architectures()[name].recipe
    instance = fit(recipe, load_library(), scale, VOCABULARY).instance
    tokens = np.random.default_rng(0).integers(VOCABULARY, size=(2, scale.batch, scale.context), dtype=np.int32)
    batch = Batch(tokens[0], tokens[1])
    runs = ours(instance, batch), theirs(name, instance, batch)
    steps, seconds = [], ([], [])
    for run in runs:
        run(3)
        steps.append(max(2, int(SECONDS / (timed(run, 3) / 3))))
    for _ in range(rounds):
        for run, count, own in zip(runs, steps, seconds, strict=True):
            own.append(timed(run, count) / count)
    return 1e3 * median(seconds[0]), 1e3 * median(seconds[1])


def timed(run: Callable[[int], None], steps: int) -> float:
    """Seconds that so many steps take."""
    started = time.perf_counter()
    run(steps)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scales", nargs="+", choices=list(SCALES), default=["tiny", "small"])
    parser.add_argument("--architectures", nargs="+", choices=ARCHITECTURES, default=list(ARCHITECTURES))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    worker = SET | device_environment("jax", "", (), 1)
    if not os.environ.items() >= worker.items():  # read when a process starts, by both
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **worker})
    torch.set_num_threads(1)
    print(f"{'':24}{'here, ms':>10}{'PyTorch, ms':>13}{'times as fast':>15}")
    for scale in (SCALES[name] for name in arguments.scales):
        for name in arguments.architectures:
            here, there = measure(name, scale, arguments.rounds)
            print(f"{name + ', ' + scale.name:24}{here:10.1f}{there:13.1f}{there / here:15.2f}", flush=True)


if __name__ == "__main__":
    main()
