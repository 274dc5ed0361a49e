"""Predicted memory of training beside the most that a step holds, for every published architecture, on a CPU.

    python tests/benchmarks/peak_memory.py

What a step holds is, after every compiled unit of it, the bytes of all arrays and what XLA says the unit needed while
it ran.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from backends.batch import Batch
from backends.jax.model import JaxModel
from backends.memory import training_bytes
from backends.selection import make_backend
from cognition.loader import load_architectures, load_library
from evaluators.fitting import fit
from evaluators.scales import SCALES
from evolve.session import cache_directory

VOCABULARY, MIB = 64, 2**20


def held() -> int:
    """Bytes of all arrays, each buffer once."""
    buffers = {
        array.unsafe_buffer_pointer(): array.nbytes for array in jax.live_arrays() if not array.is_deleted()
    }
    return sum(buffers.values())


@dataclass
class Peak:
    """The most bytes held since the start, and the working memory of what was compiled."""

    before: int
    most: int = 0

    def watch(self, function: Any) -> Callable[..., Any]:
        """The same function, looking after every call."""

        def watched(*arguments: Any) -> Any:
            working = function.lower(*arguments).compile().memory_analysis().temp_size_in_bytes
            result = jax.block_until_ready(function(*arguments))
            self.most = max(self.most, held() - self.before + working)
            return result

        return watched


@dataclass
class Watched:
    """A compiled unit under watch."""

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    loss: Callable[..., Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scale", choices=SCALES, default="tiny")
    scale = SCALES[parser.parse_args().scale]
    backend = make_backend("jax", cache=str(cache_directory()))
    tokens = np.random.default_rng(0).integers(0, VOCABULARY, (scale.batch, scale.context), dtype=np.int32)
    ratios = []
    for name, architecture in load_architectures().items():
        instance = fit(architecture.recipe, load_library(), scale, VOCABULARY).instance
        peak = Peak(held())
        model: Any = backend.lower(instance, steps=scale.steps, precision=scale.precision)
        assert isinstance(model, JaxModel)
        watched: list[Any] = [Watched(*map(peak.watch, (u.forward, u.backward, u.loss))) for u in model.units]
        model.units = watched
        model.train(model.start(0), [Batch(tokens, tokens)])
        predicted = training_bytes(instance, scale.batch, scale.precision).total
        ratios.append(predicted / peak.most)
        print(f"{ratios[-1]:.2f} {name}: {predicted / MIB:.1f} MiB predicted, {peak.most / MIB:.1f} MiB held")
    print(f"predicted over held: {min(ratios):.2f} to {max(ratios):.2f}, {len(ratios)} architectures")


if __name__ == "__main__":
    main()
