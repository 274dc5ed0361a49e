"""Lowering of any legal program: shapes are those the types promise, and precision is kept where it matters."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from backends.initial import initial_array
from backends.jax.operations import TABLE
from backends.lowering import run_program
from cognition.loader import load_library
from genome.errors import GenomeError
from genome.parser import parse_component
from genome.typing import Program, program
from genome.values import Sizes
from tests.genome.component_generator import random_component

SIZES = Sizes(width=32, hidden=64, vocabulary=24, context=16)
BATCH = 2
FLOAT32 = jnp.dtype(jnp.float32)


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
    taken = [*own.arguments, *(own.nodes[index].value for index in own.reads.values())]
    arrays = [jax.ShapeDtypeStruct((BATCH, context, *v.shape), jnp.int32 if v.tokens else dtype) for v in taken]
    arguments, reads = arrays[: len(own.arguments)], arrays[len(own.arguments) :]
    parameters = {name: jax.ShapeDtypeStruct(p.shape, jnp.float32) for name, p in own.parameters.items()}
    return jax.eval_shape(
        lambda own_parameters, given, read: (
            run_program(TABLE, own, own_parameters, given, read, context, dtype).result
        ),
        parameters,
        arguments,
        reads,
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
        tokens = jnp.asarray(random.integers(0, SIZES.vocabulary, shape[:2]), jnp.int32)
        reads = [tokens for _ in own.reads]
        result = run_program(TABLE, own, parameters, arguments, reads, SIZES.context, jnp.dtype("float32")).result
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


TOKENS_BxT = np.random.default_rng(3).integers(0, 24, (BATCH, SIZES.context), dtype=np.int32)


def test_an_ngram_is_a_rolling_hash_of_the_last_tokens():
    own = typed("def own(x) -> mixer:\n    return lookup(weight(1000, width), ngram(input_tokens(), 3, 1000))\n")
    rows = np.broadcast_to(np.arange(1000, dtype=np.float32)[:, None], (1000, SIZES.width))
    (name,) = own.parameters
    x = jnp.zeros((BATCH, SIZES.context, SIZES.width))
    lowered = run_program(
        TABLE, own, {name: jnp.asarray(rows)}, [x], [jnp.asarray(TOKENS_BxT)], SIZES.context, FLOAT32
    )
    for sequence, codes in zip(TOKENS_BxT, np.asarray(lowered.result)[..., 0], strict=True):
        padded = [0, 0, *map(int, sequence)]
        for at, code in enumerate(codes):
            first, second, third = padded[at : at + 3]
            assert code == ((first * 32749 + second) % 1000 * 32749 + third) % 1000


def test_a_head_pays_for_the_tokens_that_it_foresaw_two_positions_ago():
    component = load_library()["multi_token_head"]
    own = program(component.name, component.kind, component.bind({"strength": 0.5}), SIZES)
    parameters = {name: jnp.asarray(initial_array(p, 0, name)) for name, p in own.parameters.items()}
    x = np.random.default_rng(0).standard_normal((BATCH, SIZES.context, SIZES.width)).astype(np.float32)
    lowered = run_program(
        TABLE, own, parameters, [jnp.asarray(x)], [jnp.asarray(TOKENS_BxT)], SIZES.context, FLOAT32
    )
    table, inner, outer = (np.asarray(parameters[name]) for name in ("table", "ahead_2", "ahead"))
    hidden = x @ inner
    ahead = x + (hidden / (1 + np.exp(-hidden))) @ outer
    scores = ahead / np.sqrt((ahead**2).mean(-1, keepdims=True) + 1e-6) @ table
    scores = np.concatenate([np.zeros_like(scores[:, :2]), scores[:, :-2]], axis=1)
    chosen = np.take_along_axis(scores, TOKENS_BxT[..., None], -1)[..., 0]
    losses = np.log(np.exp(scores).sum(-1)) - chosen
    np.testing.assert_allclose(lowered.result, x @ table, rtol=1e-4, atol=1e-4)
    assert lowered.penalty is not None
    np.testing.assert_allclose(lowered.penalty, 0.5 * losses.mean(), rtol=1e-4)
