"""How far training carries one rounding: python tests/benchmarks/rounding.py [RECIPE ...]

Prints, for published recipes at the sizes of the tests, the largest relative difference between the losses of JAX
and those of JAX with every first parameter moved to the next float32, within 5, 10 and 50 steps; and, where it is
installed, between MLX and JAX. Where the first is large, two right backends cannot agree for long.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from backends.jax.backend import JaxBackend
from backends.protocol import Backend, Model
from backends.selection import make_backend
from backends.weights import read_state, write_state
from cognition.loader import load_architectures
from genome.instance import Instance
from genome.recipe import Gene
from tests.backends.small_recipes import random_batches, small

STEPS = 50
LEARNING_RATES = (0.008, 0.0004)


def losses(backend: Backend, instance: Instance, moved: bool = False) -> np.ndarray:
    model = backend.lower(instance, steps=STEPS)
    state = nudged(model) if moved else model.start(0)
    return model.train(state, random_batches(STEPS))[1]


def nudged(model: Model) -> Any:
    """The first state with every parameter moved up by one rounding."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "state.safetensors"
        model.save(model.start(0), file)
        parameters, moments, step = read_state(file, model.instance)
        up = np.float32(np.inf)
        next_ones = {path: {n: np.nextafter(a, up) for n, a in own.items()} for path, own in parameters.items()}
        write_state(file, next_ones, moments, step, {})
        return model.load(file)


def main(names: list[str]) -> None:
    architectures, jax = load_architectures(), JaxBackend()
    mlx = make_backend("mlx") if find_spec("mlx") else None
    print(f"{'recipe':26}{'rate':>8}  {'JAX moved: 5, 10, 50 steps':28}{'MLX: 5, 10, 50 steps':28}")
    for name in names or architectures:
        for rate in LEARNING_RATES:
            training = Gene(component="adamw", settings={"learning_rate": rate})
            instance = small(architectures[name].recipe.model_copy(update={"training": training}))
            wanted = losses(jax, instance)
            columns = [losses(jax, instance, moved=True)] + ([losses(mlx, instance)] if mlx else [])
            shown = [" ".join(f"{np.abs(c / wanted - 1)[:k].max():8.0e}" for k in (5, 10, 50)) for c in columns]
            print(f"{name:26}{rate:8}  {''.join(f'{column:28}' for column in shown)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
