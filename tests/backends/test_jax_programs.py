"""Whole-model programs against stitched training: losses, states, looks, rungs, and how often they compile."""

from __future__ import annotations

import numpy as np
import pytest

from backends.jax.replicated import train_side_by_side
from backends.looks import LOOK_STEPS
from backends.protocol import BackendError
from tests.backends.small_recipes import block, gene, random_batches, recipe, small

STEPS = 30
BLOCKS = {
    "attention": (block(("rms_norm", "attention")), block(("rms_norm", "swiglu"))),
    "parallel branches": (
        block(("rms_norm", "attention"), ("swiglu",), ("canon",), merge="gated_merge"),
        block(("layer_norm", "gelu_mlp"), ("min_gru", "rms_norm"), merge="product_merge"),
    ),
    "penalties": (
        block((gene("mixture_of_experts_mlp", balance=0.1),), repeat=2),
        block((gene("shared_expert_mlp", balance=0.05),), ("attention",), merge="mean_merge"),
    ),
    "values shared between blocks": (
        block(("rms_norm", "value_residual_attention"), repeat=2),
        block(("cross_layer_attention",)),
        block(("cross_layer_attention",), ("swiglu",), merge="add_merge"),
    ),
    "recurrences": (block(("rms_norm", "gated_delta_net")), block(("rms_norm", "rwkv4_time_mixing"))),
}
CASES = [(name, "adamw") for name in BLOCKS] + [
    ("penalties", "lion"),
    ("attention", "muon"),
    ("attention", "schedule_free_adamw"),
]


def whole_and_stitched(backend, instance, steps=STEPS):
    return (backend.lower(instance, steps=steps, program=program) for program in ("whole", "stitched"))


@pytest.mark.parametrize(("name", "rule"), CASES)
def test_both_programs_train_alike(backend, name, rule):
    instance = small(recipe(*BLOCKS[name], training=gene(rule, learning_rate=0.001)))
    whole, stitched = whole_and_stitched(backend, instance)
    batches = random_batches(5) * (STEPS // 5)
    state, losses = whole.train(whole.start(0), batches)
    expected_state, expected = stitched.train(stitched.start(0), batches)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert losses.dtype == np.float32
    assert losses[-1] < losses[0]
    others = stitched.parameters(expected_state)
    for path, arrays in whole.parameters(state).items():
        for own, array in arrays.items():
            np.testing.assert_allclose(array, others[path][own], atol=2e-4, err_msg=f"{path}.{own}")


@pytest.mark.parametrize("rule", ["adamw", "muon", "schedule_free_adamw"])
def test_states_pass_from_one_program_to_the_other(backend, two_blocks, tmp_path, rule):
    whole, stitched = whole_and_stitched(backend, two_blocks(gene(rule)))
    batches = random_batches(STEPS)
    _, unbroken = stitched.train(stitched.start(1), batches)
    for first, second in ((whole, stitched), (stitched, whole)):
        half, before = first.train(first.start(1), batches[:11])
        first.save(half, tmp_path / "state.safetensors")
        _, after = second.train(second.load(tmp_path / "state.safetensors"), batches[11:])
        np.testing.assert_allclose(np.concatenate([before, after]), unbroken, rtol=1e-5)


def test_a_whole_program_goes_on_exactly_wherever_it_was_interrupted(backend, two_blocks):
    model, _ = whole_and_stitched(backend, two_blocks(gene("adamw")), steps=80)
    batches = random_batches(80)
    unbroken, losses = model.train(model.start(1), batches)
    state, parts = model.start(1), []
    for first, last in ((0, 1), (1, 13), (13, 45), (45, 80)):
        state, own = model.train(state, batches[first:last])
        parts.append(own)
    assert np.array_equal(np.concatenate(parts), losses)
    for path, arrays in model.parameters(unbroken).items():
        for name, array in arrays.items():
            assert np.array_equal(array, model.parameters(state)[path][name])


@pytest.mark.parametrize("program", ["whole", "stitched"])
def test_looks_come_at_the_same_steps_and_can_end_a_run(backend, two_blocks, program):
    model = backend.lower(two_blocks(gene("adamw")), steps=80, program=program)
    batches = random_batches(80)
    seen: list[int] = []

    def look(losses: np.ndarray) -> bool:
        seen.append(len(losses))
        return True

    state, first = model.train(model.start(0), batches[:5], look)
    _, rest = model.train(state, batches[5:], look)
    assert seen == [5, LOOK_STEPS - 5, LOOK_STEPS, 80 - 2 * LOOK_STEPS]

    state, losses = model.train(model.start(0), batches, lambda losses: False)
    assert np.array_equal(losses, np.concatenate([first, rest])[:LOOK_STEPS])
    assert state.step == LOOK_STEPS
    state, nothing = model.train(model.start(0), [])
    assert nothing.shape == (0,)
    assert state.step == 0


def test_batches_of_the_next_span_are_drawn_before_the_losses_of_this_one_are_seen(backend, two_blocks):
    model, _ = whole_and_stitched(backend, two_blocks(gene("adamw")), steps=80)
    drawn = 0
    drawn_at_looks = []

    def batches():
        nonlocal drawn
        for batch in random_batches(80):
            drawn += 1
            yield batch

    def look(losses: np.ndarray) -> bool:
        drawn_at_looks.append(drawn)
        return True

    model.train(model.start(0), batches(), look)
    assert drawn_at_looks == [min(80, 2 * LOOK_STEPS + 1), 80, 80]


def test_a_program_compiles_once_for_seeds_rates_and_lengths(backend, two_blocks):
    def train(seed, count, **training):
        model, _ = whole_and_stitched(backend, two_blocks(gene("adamw", **training)), steps=40)
        return model.train(model.start(seed), random_batches(40, seed)[:count])[1]

    first = train(0, 40)
    before = backend.compilation.total
    assert np.array_equal(train(0, 7), first[:7])
    assert not np.array_equal(train(1, 33, learning_rate=0.01, weight_decay=0.3, beta2=0.95), first[:33])
    assert backend.compilation.total == before


@pytest.mark.parametrize("rule", ["adamw", "muon", "schedule_free_adamw"])
def test_replicates_side_by_side_equal_separate_runs(backend, two_blocks, rule):
    rates = (0.001, 0.002, 0.004)
    models = [
        next(whole_and_stitched(backend, two_blocks(gene(rule, learning_rate=rate)), steps=40)) for rate in rates
    ]
    batches = [random_batches(40, seed) for seed in range(3)]
    separate = [
        model.train(model.start(seed), own) for seed, (model, own) in enumerate(zip(models, batches, strict=True))
    ]
    states = [model.start(seed) for seed, model in enumerate(models)]
    losses = train_side_by_side(models, states, batches)
    np.testing.assert_allclose(losses, [own for _, own in separate], rtol=1e-5)
    assert len({float(last) for last in losses[:, -1]}) == 3
    for model, state, (expected, _) in zip(models, states, separate, strict=True):
        assert state.step == 40
        for path, arrays in model.parameters(expected).items():
            for name, array in arrays.items():
                np.testing.assert_allclose(model.parameters(state)[path][name], array, atol=2e-4, err_msg=path)


def test_one_diverging_replicate_leaves_the_others_alone(backend, two_blocks):
    models = [
        next(whole_and_stitched(backend, two_blocks(gene("adamw", learning_rate=0.001)), steps=40))
        for _ in range(2)
    ]
    states = [model.start(0) for model in models]
    models[1].step_sizes[:] = np.nan
    losses = train_side_by_side(models, states, [random_batches(5)] * 2)
    assert np.isfinite(losses[0]).all()
    assert np.isnan(losses[1, 1:]).all()


def test_replicates_that_do_not_fit_together_are_refused(backend, two_blocks):
    whole, stitched = whole_and_stitched(backend, two_blocks(gene("adamw")))
    states, batches = [whole.start(0), whole.start(1)], random_batches(5)
    with pytest.raises(BackendError, match="the same whole-model program"):
        train_side_by_side([whole, stitched], states, [batches, batches])
    with pytest.raises(BackendError, match=r"different numbers of batches: \[5, 4\]"):
        train_side_by_side([whole, whole], states, [batches, batches[:4]])
    states[0].step = 3
    with pytest.raises(BackendError, match=r"different steps: \[0, 3\]"):
        train_side_by_side([whole, whole], states, [batches, batches])


def test_a_program_that_a_backend_does_not_offer_is_refused(backend, mlx_backend, two_blocks):
    instance = two_blocks(gene("adamw"))
    assert backend.programs[0] == "stitched"
    assert mlx_backend.programs == ("whole",)
    mlx_backend.lower(instance, steps=1, program="whole")
    with pytest.raises(BackendError, match="mlx has no stitched program; accepted: whole"):
        mlx_backend.lower(instance, steps=1, program="stitched")
