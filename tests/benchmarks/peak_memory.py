"""Predicted memory of training beside the most that a step holds, for every published architecture, on a CPU.

    python tests/benchmarks/peak_memory.py

What a step holds is, after every compiled unit of it, the bytes of all arrays and what XLA says the unit needed while
it ran.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from backends.batch import Batch
from backends.jax.compiled import CompiledUnits
from backends.jax.executables import Executables
from backends.jax.model import JaxModel
from backends.memory import training_bytes
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


class Watched(Executables):
    """Executables that look after every call how much is held, together with the working memory of the call."""

    before = most = 0

    def get(
        self, content: str, function: Callable[..., Any], arguments: tuple[Any, ...], donated: tuple[int, ...] = ()
    ) -> Callable[..., Any]:
        compiled: Any = super().get(content, function, arguments, donated)
        working = compiled.memory_analysis().temp_size_in_bytes

        def watched(*arguments: Any) -> Any:
            result = jax.block_until_ready(compiled(*arguments))
            self.most = max(self.most, held() - self.before + working)
            return result

        return watched


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scale", choices=SCALES, default="tiny")
    scale = SCALES[parser.parse_args().scale]
    executables = Watched(cache_directory())
    units = CompiledUnits(executables)
    tokens = np.random.default_rng(0).integers(0, VOCABULARY, (scale.batch, scale.context), dtype=np.int32)
    ratios = []
    for name, architecture in load_architectures().items():
        instance = fit(architecture.recipe, load_library(), scale, VOCABULARY).instance
        executables.before, executables.most = held(), 0
        model = JaxModel(instance, units, scale.steps, jax.numpy.dtype(scale.precision))
        model.train(model.start(0), [Batch(tokens, tokens)])
        predicted = training_bytes(instance, scale.batch, scale.precision).total
        ratios.append(predicted / executables.most)
        print(
            f"{ratios[-1]:.2f} {name}: {predicted / MIB:.1f} MiB predicted, {executables.most / MIB:.1f} MiB held"
        )
    print(f"predicted over held: {min(ratios):.2f} to {max(ratios):.2f}, {len(ratios)} architectures")


if __name__ == "__main__":
    main()
