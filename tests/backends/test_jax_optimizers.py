"""Update rules and schedules against Optax on the whole tree, and how parameters start."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.initial import initial_array, initial_parameters
from backends.jax.kernels.losses import cross_entropy
from backends.jax.network import Network
from backends.schedule import learning_rates, step_sizes
from genome.operation import Parameter
from tests.backends.small_recipes import block, gene, random_batches, recipe, small

STEPS = 6


def matrices(tree):
    return jax.tree.map(lambda array: array.ndim >= 2, tree)


def trained(backend, instance, transformation, batches):
    """Parameters after training, and what the reference makes of the same gradients."""
    model = backend.lower(instance, steps=len(batches))
    state = model.start(0)
    reference: Any = jax.tree.map(np.copy, model.parameters(state))
    moments, update = transformation.init(reference), jax.jit(transformation.update)
    for batch in batches:
        _, gradients = model.gradients(state, batch)
        updates, moments = update(gradients, moments, reference)
        reference = optax.apply_updates(reference, updates)
        state, _ = model.train(state, [batch])
    return model.parameters(state), reference


def assert_same(found, expected):
    for path, arrays in found.items():
        for name, array in arrays.items():
            np.testing.assert_allclose(array, expected[path][name], rtol=2e-5, atol=2e-6, err_msg=f"{path}.{name}")


@pytest.mark.parametrize("clip", [0.5, 2.0])
def test_adamw_is_that_of_optax_clipped_by_the_norm_of_the_whole_tree(backend, two_blocks, clip):
    training = gene("adamw", learning_rate=0.01, warmup=0.2, weight_decay=0.3, beta2=0.95, clip_norm=clip)
    instance = two_blocks(training)
    rates = jnp.asarray(learning_rates(instance.optimizer, STEPS))
    reference = optax.chain(
        optax.clip_by_global_norm(clip),
        optax.adamw(lambda step: rates[step], 0.9, 0.95, weight_decay=0.3, mask=matrices),
    )
    assert_same(*trained(backend, instance, reference, random_batches(STEPS)))


def test_lion_is_that_of_optax(backend, two_blocks):
    instance = two_blocks(gene("lion", learning_rate=0.003, weight_decay=0.3, beta2=0.98))
    rates = jnp.asarray(learning_rates(instance.optimizer, STEPS))
    reference = optax.chain(
        optax.clip_by_global_norm(float(instance.optimizer["clip"])),
        optax.lion(lambda step: rates[step], 0.9, 0.98, weight_decay=0.3, mask=matrices),
    )
    assert_same(*trained(backend, instance, reference, random_batches(STEPS)))


def test_muon_updates_hidden_matrices_and_leaves_the_rest_to_adamw(backend):
    """`consistent_rms` is Optax's name for the scale of 2502.16982, 0.2 times the root of the longer side."""
    made = recipe(
        block((gene("mixture_of_experts_mlp", balance=0.1),)),
        block(("rms_norm", "min_gru")),
        training=gene("muon", learning_rate=0.01, weight_decay=0.1, momentum=0.9),
    )
    instance = small(made)
    rates = jnp.asarray(learning_rates(instance.optimizer, STEPS))
    options: dict[str, Any] = {"learning_rate": lambda step: rates[step], "weight_decay": 0.1}
    adamw = optax.adamw(b1=0.9, b2=float(instance.optimizer["beta2"]), mask=matrices, **options)
    muon = optax.contrib.muon(
        beta=0.9,
        consistent_rms=0.2,
        muon_weight_dimension_numbers=lambda tree: jax.tree.map(
            lambda array: optax.contrib.MuonDimensionNumbers(array.ndim - 2, array.ndim - 1), tree
        ),
        **options,
    )

    def labels(tree):
        return jax.tree_util.tree_map_with_path(
            lambda path, array: "muon" if path[0].key.startswith("blocks.") and array.ndim >= 2 else "adamw", tree
        )

    reference = optax.chain(
        optax.clip_by_global_norm(float(instance.optimizer["clip"])),
        optax.partition({"muon": muon, "adamw": adamw}, labels),
    )
    assert_same(*trained(backend, instance, reference, random_batches(STEPS)))


def test_schedule_free_adamw_is_that_of_optax_and_its_parameters_are_the_average(backend, two_blocks):
    """Optax trains the point where gradients are taken, and derives the average from it."""
    training = gene("schedule_free_adamw", learning_rate=0.01, warmup=0.01, weight_decay=0.3, beta2=0.95)
    instance, batches = two_blocks(training), random_batches(STEPS)
    base = optax.chain(
        optax.clip_by_global_norm(float(instance.optimizer["clip"])),
        optax.scale_by_rms(0.95, 1e-8, eps_in_sqrt=False, bias_correction=True),
        optax.add_decayed_weights(0.3, mask=matrices),
        optax.scale_by_learning_rate(0.01),
    )
    reference = optax.contrib.schedule_free(base, 0.01, b1=0.9)

    def loss(parameters, inputs_BxT, targets_BxT):
        logits, penalty = Network(instance, parameters)(inputs_BxT)
        losses, counts = cross_entropy(logits, targets_BxT)
        return losses.sum() / counts.sum() + penalty

    model = backend.lower(instance, steps=STEPS)
    state = model.start(0)
    points: Any = model.parameters(state)
    moments, gradient = reference.init(points), jax.jit(jax.grad(loss))
    for batch in batches:
        gradients = gradient(points, batch.inputs_BxT, batch.targets_BxT)
        updates, moments = reference.update(gradients, moments, points)
        points = optax.apply_updates(points, updates)
    state, _ = model.train(state, batches)
    averages: Any = optax.contrib.schedule_free_eval_params(moments, points)
    assert_same(model.parameters(state), averages)


@given(st.integers(1, 300), st.floats(0, 0.5))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_the_weight_of_a_step_is_its_part_of_the_squared_rates_so_far(steps, warmup):
    optimizer = {"learning_rate": 0.02, "schedule": "constant", "warmup": warmup, "final": 0.1}
    rates, weights = step_sizes(optimizer, steps).T
    assert np.array_equal(rates, learning_rates(optimizer, steps))
    average = 0.0
    for rate, weight in zip(rates, weights, strict=True):  # of the rates themselves
        average += weight * (rate - average)
    assert average == pytest.approx((rates**3).sum() / (rates**2).sum(), rel=1e-4)


@given(
    st.sampled_from(["cosine", "linear", "constant", "wsd"]),
    st.integers(1, 400),
    st.floats(0, 0.9),
    st.floats(0, 1),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_schedules_are_those_of_optax_after_a_linear_warm_up(name, steps, warmup, final):
    rates = learning_rates({"learning_rate": 0.02, "schedule": name, "warmup": warmup, "final": final}, steps)
    first = round(warmup * steps)
    rest = max(steps - first, 1)
    fall: dict[str, Any] = {
        "cosine": optax.cosine_decay_schedule(0.02, rest, final),
        "linear": optax.linear_schedule(0.02, 0.02 * final, rest),
        "constant": optax.constant_schedule(0.02),
    }
    assert rates.shape == (steps,)
    for step in range(0, steps, max(1, steps // 17)):
        if step < first:
            expected = 0.02 * (step + 1) / first
        elif name == "wsd":  # flat until a fifth of the run is left, then straight down
            expected = 0.02 * (1 - (1 - final) * max(0.0, (step / steps - 0.8) / 0.2))
        else:
            expected = float(fall[name](step - first))
        assert rates[step] == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_initial_parameters_depend_on_seed_and_place_alone(two_blocks):
    made, longer = two_blocks(gene("adamw")), small(recipe(block(("rms_norm", "attention")), block(("canon",))))
    first, again, other = (initial_parameters(made, seed) for seed in (3, 3, 4))
    for path, arrays in first.items():
        for name, array in arrays.items():
            assert array.dtype == np.float32
            assert np.array_equal(array, again[path][name])
    q = first["blocks.0.branches.0.1"]["q"]
    assert not np.array_equal(q, other["blocks.0.branches.0.1"]["q"])
    assert not np.array_equal(q, first["blocks.0.branches.0.1"]["k"])
    assert np.array_equal(q, initial_parameters(longer, 3)["blocks.0.branches.0.1"]["q"])


def test_initial_parameters_have_the_declared_spread():
    normal = initial_array(Parameter("w", (200, 300), "normal", 0.05), 0, "a")
    assert normal.std() == pytest.approx(0.05, rel=0.03)
    assert abs(normal.mean()) < 0.001
    assert np.abs(normal).max() <= 0.15 + 1e-6
    uniform = initial_array(Parameter("w", (200, 300), "uniform", 0.5), 0, "a")
    assert uniform.std() == pytest.approx(0.5 / 3**0.5, rel=0.03)
    assert np.abs(uniform).max() <= 0.5
    assert (initial_array(Parameter("w", (4,), "ones", 0.3), 0, "a") == np.float32(0.3)).all()
    assert not initial_array(Parameter("w", (4,), "zeros"), 0, "a").any()
