"""Stitched training against the plain whole network: losses, gradients, scores, saved state, precision."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from backends.batch import IGNORED
from backends.protocol import BackendError
from tests.backends.compiling import QUICK
from tests.backends.small_recipes import SIZES, block, gene, random_batches, recipe, small

RECIPES = {
    "parallel branches, merges and repeats": recipe(
        block(("rms_norm", "attention"), ("swiglu",), ("canon",), merge="gated_merge", repeat=2),
        block(
            ("layer_norm", "gelu_mlp"), ("min_gru", "rms_norm"), merge="product_merge", residual="highway_residual"
        ),
        embedding=("factorized_embedding", "sinusoidal_positions", "token_shift", "rms_norm"),
    ),
    "residuals of several kinds, and none": recipe(
        block(("relu_mlp",), residual="gated_recurrent_residual"),
        block(("rms_norm",), residual="rezero_residual"),
        block(("min_gru",), residual="hypersphere_residual"),
        block(("reglu",), residual=""),
        block(("canon",), residual="layer_scale_residual"),
        head=("linear_head",),
    ),
    "values shared between blocks": recipe(
        block(("rms_norm", "value_residual_attention"), repeat=3),
        block(("cross_layer_attention",)),
        block(("cross_layer_attention",), ("swiglu",), merge="add_merge"),
        embedding=("tied_embedding",),
        head=("layer_norm", "tied_head"),
    ),
    "penalties": recipe(
        block((gene("mixture_of_experts_mlp", balance=0.1),), repeat=2),
        block((gene("shared_expert_mlp", balance=0.05),), ("attention",), merge="mean_merge"),
    ),
}


def plain_loss(network, batch, precision="float32"):
    """Mean cross-entropy of the targets that count, plus penalties, written out."""
    logits_BxTxV, penalty = network(jnp.asarray(batch.inputs_BxT), precision)
    log_probability = jax.nn.log_softmax(logits_BxTxV)
    counts_BxT = batch.targets_BxT != IGNORED
    chosen = jnp.take_along_axis(log_probability, jnp.where(counts_BxT, batch.targets_BxT, 0)[..., None], axis=-1)
    return -(chosen[..., 0] * counts_BxT).sum() / counts_BxT.sum() + penalty


@pytest.mark.parametrize("name", RECIPES)
def test_stitched_loss_and_gradients_are_those_of_the_whole_network(backend, name):
    model = backend.lower(small(RECIPES[name]), steps=4)
    state = model.start(0)
    (first, batch) = random_batches(2)
    state, _ = model.train(state, [first])  # away from parameters that start at zero
    loss, gradients = model.gradients(state, batch)

    structure, parameters = nnx.split(model.network(state))
    plain = jax.value_and_grad(lambda p: plain_loss(nnx.merge(structure, p), batch))
    whole = jax.jit(plain, compiler_options=QUICK)
    expected_loss, expected = whole(parameters)
    assert loss == pytest.approx(float(expected_loss), rel=1e-5)
    for path, arrays in gradients.items():
        for own, array in arrays.items():
            np.testing.assert_allclose(
                array, expected["parameters"][path][own][...], atol=1e-5, rtol=1e-4, err_msg=f"{path}.{own}"
            )


def test_depth_repeats_blocks_with_parameters_of_their_own(backend):
    made = recipe(block(("rms_norm", "canon")), block(("reglu",)))
    model = backend.lower(small(made, depth=3), steps=4)
    parameters = model.parameters(model.start(0))
    first, last = (parameters[f"blocks.{i}.branches.0.1"]["output"] for i in (0, 4))
    assert sum(path.startswith("blocks.") for path in parameters) == 9
    assert not np.array_equal(first, last)


@pytest.mark.parametrize("rule", ["adamw", "lion", "muon", "schedule_free_adamw"])
def test_saving_and_loading_goes_on_as_if_unbroken(backend, two_blocks, tmp_path, rule):
    instance, batches = two_blocks(gene(rule)), random_batches(5)
    model = backend.lower(instance, steps=8)
    unbroken, losses = model.train(model.start(1), batches)

    half, first = model.train(model.start(1), batches[:3])
    model.save(half, tmp_path / "state.safetensors")
    again = backend.lower(instance, steps=8)
    resumed, rest = again.train(again.load(tmp_path / "state.safetensors"), batches[3:])
    assert np.array_equal(np.concatenate([first, rest]), losses)
    for path, arrays in model.parameters(unbroken).items():
        for name, array in arrays.items():
            assert np.array_equal(array, again.parameters(resumed)[path][name])


def test_a_file_of_another_model_is_refused_in_one_line(backend, two_blocks, tmp_path):
    file = tmp_path / "state.safetensors"
    model = backend.lower(two_blocks(gene("lion")), steps=8)
    model.save(model.start(0), file)
    other = backend.lower(small(recipe(block(("canon",)))), steps=8)
    for wrong in (other, backend.lower(two_blocks(gene("adamw")), steps=8)):
        with pytest.raises(BackendError, match=r"^[^\n]*state\.safetensors[^\n]*$"):
            wrong.load(file)
    file.write_bytes(b"nothing")
    with pytest.raises(BackendError, match="not a readable weight file"):
        model.load(file)


def test_equal_seeds_give_equal_runs_and_other_seeds_others(backend, two_blocks):
    instance, batches = two_blocks(gene("adamw")), random_batches(3)
    losses = []
    for seed in (0, 0, 1):
        model = backend.lower(instance, steps=3)
        losses.append(model.train(model.start(seed), batches)[1])
    assert np.array_equal(losses[0], losses[1])
    assert not np.array_equal(losses[0], losses[2])


def test_host_arrays_stay_what_they_were_when_training_goes_on(backend, two_blocks):
    model = backend.lower(two_blocks(gene("adamw")), steps=4)
    state = model.start(0)
    held = model.parameters(state)
    copies = {path: {name: array.copy() for name, array in arrays.items()} for path, arrays in held.items()}
    model.train(state, random_batches(3))
    for path, arrays in held.items():
        for name, array in arrays.items():
            assert np.array_equal(array, copies[path][name])


def test_evaluation_is_the_loss_and_the_hits_counted_plainly(backend, two_blocks):
    model = backend.lower(two_blocks(gene("adamw")), steps=4)
    state, _ = model.train(model.start(0), random_batches(2))
    batches = random_batches(3, seed=5)
    scores = model.evaluate(state, batches)

    losses, targets, hits = [], [], []
    for batch in batches:
        logits = model.logits(state, batch.inputs_BxT).astype(np.float64)
        counts = batch.targets_BxT != IGNORED
        probability = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        own = batch.targets_BxT[counts]
        losses.extend(-np.log(probability[counts][np.arange(own.size), own]))
        targets.extend(own)
        hits.extend(own[logits[counts].argmax(-1) == own])
    assert scores.loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert scores.count_by_class.tolist() == np.bincount(targets, minlength=SIZES.vocabulary).tolist()
    assert scores.correct_by_class.tolist() == np.bincount(hits, minlength=SIZES.vocabulary).tolist()
    assert scores.accuracy == pytest.approx(len(hits) / len(targets))


def test_bfloat16_trains_like_float32_on_float32_weights(backend, two_blocks, tmp_path):
    instance, batch = two_blocks(gene("adamw", learning_rate=0.01)), random_batches(1)[0]
    losses = {}
    for precision in ("float32", "bfloat16"):
        model = backend.lower(instance, steps=40, precision=precision)
        state, losses[precision] = model.train(model.start(0), [batch] * 40)
        arrays = [array for own in model.parameters(state).values() for array in own.values()]
        assert all(array.dtype == np.float32 for array in arrays)
        assert any((array != array.astype(jnp.bfloat16).astype(np.float32)).any() for array in arrays)
    assert not np.array_equal(losses["float32"], losses["bfloat16"])
    np.testing.assert_allclose(losses["bfloat16"][:5], losses["float32"][:5], rtol=0.02)
    assert losses["bfloat16"][-1] < 0.5 * losses["bfloat16"][0]


def test_known_units_compile_once_whatever_recipe_they_stand_in(backend, two_blocks):
    def train(made):
        model = backend.lower(made, steps=2)
        model.evaluate(model.train(model.start(0), random_batches(2))[0], random_batches(1))

    train(two_blocks(gene("adamw")))
    before = backend.compilation.total
    mixer, channel = block(("rms_norm", "attention")), block(("rms_norm", "swiglu"))
    train(small(recipe(channel, mixer, mixer, channel, training=gene("adamw", learning_rate=0.001, beta2=0.95))))
    assert backend.compilation.total == before
