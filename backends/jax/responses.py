"""What a component computes by itself, on parameters and inputs that depend on their shapes alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256

import jax
import jax.numpy as jnp
import numpy as np

from backends.conformance import BATCH, SIZES
from backends.jax.operations import TABLE
from backends.lowering import run_program
from genome.component import Component
from genome.expressions import Scalar
from genome.typing import Program, program
from genome.values import Value


def response(component: Component, settings: Mapping[str, Scalar]) -> np.ndarray:
    """The result, the shared values and the penalties of a component at small sizes, as one vector of float32.

    The n-th parameter of a shape is the same for every component, whatever its name and its initial value, so that
    components that compute the same respond the same. Raises GenomeError for one that cannot be typed.
    """
    typed = program(component.name, component.kind, component.bind(settings), SIZES)
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        arguments = [_argument(value, place) for place, value in enumerate(typed.arguments)]
        tokens = [_argument(typed.nodes[index].value, 0) for index in typed.reads.values()]
        values = jax.jit(partial(_values, typed))(_parameters(typed), arguments, tokens)
        vectors = [np.asarray(value, np.float32).ravel() for value in values]
    return np.concatenate(vectors)


def _values(
    typed: Program,
    parameters: Mapping[str, jax.Array],
    arguments: Sequence[jax.Array],
    tokens: Sequence[jax.Array],
) -> tuple[jax.Array, ...]:
    lowered = run_program(TABLE, typed, parameters, arguments, tokens, SIZES.context, jnp.dtype(jnp.float32))
    penalty = () if lowered.penalty is None else (lowered.penalty,)
    return (lowered.result, *lowered.writes, *penalty)


def _parameters(typed: Program) -> dict[str, jax.Array]:
    seen: Counter[tuple[int, ...]] = Counter()
    arrays = {}
    for name, parameter in typed.parameters.items():
        shape = parameter.shape
        numbers = _numbers(f"parameter {seen[shape]}", shape)
        # Vectors are gains, offsets and decays: around one half, so that none is lost and none explodes.
        arrays[name] = jnp.asarray(numbers / np.sqrt(shape[-2]) if len(shape) > 1 else 0.5 + 0.2 * numbers)
        seen[shape] += 1
    return arrays


def _argument(value: Value, place: int) -> jax.Array:
    shape = (BATCH, SIZES.context, *value.shape)
    if value.tokens:
        tokens = np.random.default_rng(place).integers(0, SIZES.vocabulary, shape, dtype=np.int32)
        return jnp.asarray(tokens)
    return jnp.asarray(_numbers(f"argument {place}", shape))


def _numbers(name: str, shape: tuple[int, ...]) -> np.ndarray:
    entropy = int.from_bytes(sha256(f"{name} {shape}".encode()).digest()[:8], "little")
    return np.random.default_rng(entropy).standard_normal(shape, dtype=np.float32)
