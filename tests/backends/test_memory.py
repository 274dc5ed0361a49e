"""Predicted memory of training against the arrays that JAX's pullbacks hold, and against sizes known by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from backends.jax.compiled import unit_forward
from backends.jax.moments import moments_of, unit_places
from backends.jax.optimizers import start
from backends.jax.units import Unit, units
from backends.memory import training_bytes
from backends.plan import TOKENS, plan
from backends.protocol import Precision
from backends.saved import RULES
from cognition.loader import load_architectures, load_library
from genome.instance import Instance, instantiate
from genome.operation import OPERATIONS
from genome.recipe import Block, Gene, Recipe
from genome.values import Sizes

LIBRARY = load_library()
ARCHITECTURES = load_architectures()
COMPONENTS = [name for name, component in LIBRARY.items() if component.kind != "training"]
BATCH = 4

held: dict[tuple[str, int, str], tuple[int, Any]] = {}
"""Bytes and result types of units by content, so that architectures share what was traced."""


def sizes(context: int = 96) -> Sizes:
    return Sizes(width=64, hidden=160, vocabulary=64, context=context)


def architecture(name: str, context: int = 96) -> Instance:
    return instantiate(ARCHITECTURES[name].recipe, LIBRARY, sizes(context))


def stack_of(name: str) -> Instance:
    """Four blocks of one component, of channels around a residual, or of a norm around an embedding, merge or head."""
    kind, own = LIBRARY[name].kind, Gene(component=name)
    norm, residual = Gene(component="rms_norm"), Gene(component="add_residual")
    inner = Gene(component="gelu_mlp") if kind == "residual" else own
    if kind in ("embedding", "merge", "head"):
        inner = norm
    block = Block(
        branches=((inner,), (inner,)) if kind == "merge" else ((inner,),),
        merge=own if kind == "merge" else None,
        residual=own if kind == "residual" else residual,
        repeat=4,
    )
    recipe = Recipe(
        embedding=(own if kind == "embedding" else Gene(component="token_embedding"),),
        blocks=(block,),
        head=(norm, own if kind == "head" else Gene(component="linear_head")),
        training=Gene(component="adamw"),
    )
    return instantiate(recipe, LIBRARY, sizes())


def held_by(unit: Unit, types: dict[int, Any], precision: Precision) -> tuple[int, Any]:
    """Bytes that a unit's forward pass makes and leaves for the backward pass, and the types of what it fills."""
    inputs = tuple(types[slot] for slot in unit.takes)
    key = unit.key, inputs[0].shape[1], precision
    if key not in held:
        parameters = tuple(
            {name: jax.ShapeDtypeStruct(p.shape, jnp.float32) for name, p in call.program.parameters.items()}
            for call in unit.calls
        )
        (results, _), saved = jax.eval_shape(
            lambda p, i: unit_forward(unit, jnp.dtype(precision), p, i)[:2], parameters, inputs
        )
        made = jax.tree.leaves((results, saved))
        held[key] = sum(array.size * array.dtype.itemsize for array in made), results
    return held[key]


def measured_activations(instance: Instance, precision: Precision = "float32") -> int:
    types: dict[int, Any] = {TOKENS: jax.ShapeDtypeStruct((BATCH, instance.sizes.context), jnp.int32)}
    total = 0
    for unit in units(plan(instance)):
        own, filled = held_by(unit, types, precision)
        total += own
        types.update(zip(unit.fills, filled, strict=True))
    scores = types[plan(instance)[-1].result]
    return total - scores.size * scores.dtype.itemsize  # these are predicted apart


def ratio(instance: Instance, precision: Precision = "float32") -> float:
    return training_bytes(instance, BATCH, precision).activations / measured_activations(instance, precision)


def test_every_operation_has_a_rule():
    assert set(RULES) == set(OPERATIONS) - {"optimizer"}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_activations_of_architectures(name, precision):
    assert 0.85 < ratio(architecture(name), precision) < 1.1


@pytest.mark.parametrize(
    "name", ["llama", "mistral", "forgetting_transformer", "gated_deltanet", "kimi_linear", "mamba2", "hyena"]
)
def test_activations_at_lengths_beyond_a_block(name):
    assert 0.9 < ratio(architecture(name, 300)) < 1.1


@pytest.mark.parametrize("name", COMPONENTS)
def test_activations_of_components(name):
    """Stacks of next to nothing, such as positions, are the least exact: their block's norm is all there is."""
    assert 0.8 < ratio(stack_of(name)) < 1.5


@pytest.mark.parametrize("rule", ["adamw", "lion", "muon", "schedule_free_adamw"])
def test_moments_are_those_of_the_optimizer(rule):
    instance = architecture("llama")
    instance = replace(instance, optimizer={**instance.optimizer, "rule": rule})
    kept = [
        moments_of(start(rule, unit.layout), unit_places(unit.paths, unit.layout))
        for unit in units(plan(instance))
        if unit.layout.length
    ]
    assert training_bytes(instance, BATCH).moments == sum(array.nbytes for array in jax.tree.leaves(kept))


def test_parameters_and_scores():
    instance = architecture("llama")
    needed = training_bytes(instance, BATCH)
    assert needed.parameters == needed.gradients == 4 * instance.cost.parameters
    assert needed.scores == 2 * 4 * BATCH * 96 * 64
    kept = needed.parameters + needed.gradients + needed.moments + needed.activations
    assert needed.total == kept + needed.working + needed.scores


def test_activations_grow_with_the_batch_and_shrink_with_precision():
    instance = architecture("mamba2", 256)
    one, four = (training_bytes(instance, batch).activations for batch in (1, 4))
    assert 3.5 * one < four < 4 * one
    assert training_bytes(instance, 4, "bfloat16").activations < four


def test_attention_in_one_kernel_keeps_no_weights():
    """Only where the kernel is legal: in bfloat16, at whole blocks of positions."""
    for context, weights in ((256, 2 * 4 * BATCH * 256 * 256), (250, 0)):
        instance = architecture("transformer", context)
        apart, fused = (
            training_bytes(instance, BATCH, "bfloat16", fused=fused).activations for fused in (False, True)
        )
        assert (apart - fused > weights) == (weights > 0)
        assert training_bytes(instance, BATCH, fused=True) == training_bytes(instance, BATCH)
