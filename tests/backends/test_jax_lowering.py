"""Lowering of any legal program: shapes are those the types promise, and precision is kept where it matters."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from backends.initial import initial_array
from backends.jax.operations import TABLE
from backends.lowering import run_program
from genome.errors import GenomeError
from genome.parser import parse_component
from genome.typing import Program, program
from genome.values import Sizes
from tests.genome.component_generator import random_component

SIZES = Sizes(width=32, hidden=64, vocabulary=24, context=16)
BATCH = 2


def typed(source: str, sizes: Sizes = SIZES) -> Program:
    component = parse_component(source, {})
    return program(component.name, component.kind, component.bind({}), sizes)


def random_programs(seeds: range) -> list[tuple[int, Program]]:
    programs = []
    for seed in seeds:
        try:
            programs.append((seed, typed(random_component(seed))))
        except GenomeError:  # legal at the reference sizes, not at these
            continue
    return programs


def lowered_shape(own: Program, precision: str) -> jax.ShapeDtypeStruct:
    context, dtype = SIZES.context, jnp.dtype(precision)
    arguments = [
        jax.ShapeDtypeStruct((BATCH, context, *v.shape), jnp.int32 if v.tokens else dtype) for v in own.arguments
    ]
    parameters = {name: jax.ShapeDtypeStruct(p.shape, jnp.float32) for name, p in own.parameters.items()}
    return jax.eval_shape(
        lambda parameters, arguments: run_program(TABLE, own, parameters, arguments, [], context, dtype).result,
        parameters,
        arguments,
    )


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_random_components_lower_to_the_shapes_of_their_types(precision):
    programs = random_programs(range(300))
    assert len(programs) > 280
    for seed, own in programs:
        made = lowered_shape(own, precision)
        expected = (BATCH, SIZES.context, *own.nodes[own.output].value.shape)
        assert (seed, made.shape, made.dtype) == (seed, expected, jnp.dtype(precision))


def test_random_components_compute_finite_numbers():
    tried = 0
    for seed, own in random_programs(range(60)):
        operations = {node.operation for node in own.nodes}
        if own.arguments[0].tokens or "top_k" in operations:  # top_k hides numbers by minus infinity
            continue
        random = np.random.default_rng(seed)
        shape = (BATCH, SIZES.context, SIZES.width)
        arguments = [jnp.asarray(random.standard_normal(shape), jnp.float32) for _ in own.arguments]
        parameters = {name: jnp.asarray(initial_array(p, 0, name)) for name, p in own.parameters.items()}
        result = run_program(TABLE, own, parameters, arguments, [], SIZES.context, jnp.dtype("float32")).result
        assert np.isfinite(result).all(), seed
        tried += 1
        if tried == 20:
            return
    raise AssertionError("too few random components to try")


def run(source: str, x: np.ndarray, precision: str) -> np.ndarray:
    own = typed(source, Sizes(x.shape[-1], 64, 24, x.shape[1]))
    parameters = {name: jnp.asarray(initial_array(p, 0, name)) for name, p in own.parameters.items()}
    dtype = jnp.dtype(precision)
    lowered = run_program(TABLE, own, parameters, [jnp.asarray(x, dtype)], [], x.shape[1], dtype)
    return np.asarray(lowered.result, np.float32)


@pytest.mark.parametrize(
    "body",
    [
        "linear_scan(exp(-softplus(offset(ramp(width, -7.0, -6.0)))), x)",
        "linear_scan(exp(-0.002 * sigmoid(x)), x)",
        "linear_scan(1 - 0.002 * sigmoid(x), x)",
        "linear_scan(exp(-0.002 * sigmoid(x)), sqrt(1 - square(exp(-0.002 * sigmoid(x)))) * x)",
        "x * cos(position() / 2)",
    ],
)
def test_slow_decays_and_late_positions_survive_bfloat16(body):
    """A decay of 0.998 is 1 in bfloat16, and position 511 is 512: neither may be rounded before it is used."""
    x = np.ones((1, 512, 8), np.float32)
    source = f"def slow(x) -> mixer:\n    return {body}"
    exact, rounded = run(source, x, "float32"), run(source, x, "bfloat16")
    assert np.abs(rounded - exact).max() < 0.01 * np.abs(exact).max()
