"""Decoding: one token at a time gives the scores of the parallel form, from a state of the size that was declared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backends.conformance import probe
from backends.jax.operations import DECODING
from evaluators.readout import read_out
from genome.instance import Instance, instantiate
from genome.operation import OPERATIONS
from genome.parser import parse_component
from genome.values import Sizes
from tests.backends.exported import ARCHITECTURES, LIBRARY, OTHERS, PROBE_SIZES
from tests.backends.small_recipes import DECODED as SIZES
from tests.backends.small_recipes import block, recipe

MODELS = [name for name, component in LIBRARY.items() if component.kind != "training"]
BATCH = 2


def sequences(sizes: Sizes = SIZES, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.integers(0, sizes.vocabulary, (BATCH, sizes.context)).astype(np.int32)


def decoded(model, state, tokens_BxT: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Scores [B, T, V] of tokens read one by one, and the bytes kept before and after them."""
    decoder = model.decoder(state, len(tokens_BxT))
    before = decoder.state_bytes
    logits = [decoder.step(tokens_B) for tokens_B in tokens_BxT.T]
    return np.stack(logits, axis=1), [before, decoder.state_bytes]


def faults(backend, instance: Instance, tolerance: float = 1e-4) -> list[str]:
    """Positions at which decoding differs from the parallel form, and bytes that the cost model does not count."""
    model = backend.lower(instance, steps=1)
    state = model.start(0)
    tokens_BxT = sequences(instance.sizes)
    wanted = model.logits(state, tokens_BxT)
    got, kept = decoded(model, state, tokens_BxT)
    error_T = np.sqrt(((got - wanted) ** 2).mean(axis=(0, 2)) / (wanted**2).mean(axis=(0, 2)))
    found = [f"position {t}: {error_T[t]:.1e}" for t in range(len(error_T)) if not error_T[t] < tolerance]
    return found + [
        f"{b} bytes, declared {instance.cost.state_bytes}" for b in kept if b != instance.cost.state_bytes
    ]


def own(body: str, sizes: Sizes = PROBE_SIZES) -> Instance:
    """A model around a mixer of this body."""
    return probe(parse_component(f"def own(x) -> mixer:\n    return {body}\n", {}), sizes=sizes)


def test_every_operation_that_mixes_positions_has_a_step():
    mixing = {operation.name for operation in OPERATIONS.values() if operation.family == "time"}
    assert set(DECODING.steps) == mixing | {"rope"}


def one_of_each(instances: dict[str, Instance]) -> list[str]:
    """The first of each set of operations that look back or share values."""
    found: dict[frozenset[str], str] = {}
    for name, instance in instances.items():
        used = {node.operation for placed in instance.programs() for node in placed.program.nodes}
        found.setdefault(frozenset(used & {*DECODING.steps, "shared"}), name)
    return list(found.values())


COMPONENTS = {name: probe(LIBRARY[name], sizes=PROBE_SIZES) for name in MODELS}
MODEL_INSTANCES = {name: instantiate(known.recipe, LIBRARY, SIZES) for name, known in ARCHITECTURES.items()}
OPTIONS = ("sliding_window_attention", "alibi_attention", "forgetting_attention", "kimi_delta_attention")
OPTIONS += ("gated_delta_product", "tied_head", "mixture_of_experts_mlp", "multi_token_head")
"""Components that use what the first of their set does not."""


@pytest.mark.parametrize("framework", ["backend", "mlx_backend"])
@pytest.mark.parametrize("name", [*one_of_each(COMPONENTS), *OPTIONS])
def test_a_component_decodes_as_in_parallel_with_the_declared_state(request, framework, name):
    if framework == "mlx_backend":
        pytest.importorskip("mlx.core", reason="MLX is not installed", exc_type=ImportError)
    assert faults(request.getfixturevalue(framework), COMPONENTS[name]) == []


@pytest.mark.parametrize("kind", sorted({LIBRARY[name].kind for name in OTHERS} - {"mixer", "position"}))
def test_other_components_of_one_position_decode_as_in_parallel_with_little_state(backend, kind):
    names = [name for name in OTHERS if LIBRARY[name].kind == kind]
    if kind == "embedding":
        made = [recipe(block(("swiglu",)), embedding=(name,)) for name in names]
    elif kind == "head":
        made = [recipe(block(("swiglu",)), head=(name,)) for name in names]
    elif kind == "residual":
        made = [recipe(*(block(("swiglu",), residual=name) for name in names))]
    elif kind == "merge":
        made = [recipe(*(block(("swiglu",), ("rms_norm",), merge=name) for name in names))]
    else:
        made = [recipe(*(block((name,)) for name in names))]
    for own_recipe in made:
        instance = instantiate(own_recipe, LIBRARY, SIZES)
        looks_back = own_recipe.embedding[0].component == "ngram_embedding"
        assert instance.cost.state_bytes == (2 * 4 if looks_back else 0)
        assert faults(backend, instance) == []


@pytest.mark.parametrize("name", one_of_each(MODEL_INSTANCES))
def test_an_architecture_decodes_as_in_parallel_with_the_declared_state(backend, name):
    assert faults(backend, MODEL_INSTANCES[name]) == []


@pytest.mark.parametrize(
    ("body", "numbers"),
    [
        ("x + shift(x) + shift(x, 5) * causal_conv(x, 3)", 5 * 32),
        ("shift(x, 100) + x", 100 * 32),
        (
            "x + lookup(weight(64, width), ngram(input_tokens(), 4, 64)) "
            "* lookup(weight(9, width), ngram(input_tokens(), 2, 9))",
            3,
        ),
        ("penalty(x + linear(x), surprise(linear(shift(x, 2), vocabulary), input_tokens()))", 0),
        ("x * cumulative_sum(shift(sinusoid(width))) + rope(position_embedding())", 0),
        ("long_conv(position_embedding(), x) + long_conv(x, x)", 64 * 32),
        ("linear_scan(sigmoid(linear(x)), weight(width))", 32),
        ("merge_heads(linear_scan(sigmoid(mean(x)), split_heads(x, 4)))", 32),
        (
            "merge_heads(lstm(split_heads(x, 4), weight(4, width // 4), split_heads(sinusoid(width), 4), "
            "split_heads(x, 4)))",
            2 * 32,
        ),
        (
            "merge_heads(lstm(split_heads(sinusoid(width), 4), split_heads(x, 4), split_heads(x, 4), "
            "split_heads(20 * x, 4), exponential=True))",
            4 * 32,
        ),
        ("x + cumulative_sum(weight(width)) * x", 0),
        (
            "linear(merge_heads(attend(split_heads(x, 4), split_heads(sinusoid(width // 2), 2), split_heads(x, 2), "
            "window=9)), width)",
            9 * 32,
        ),
        ("merge_heads(attend(split_heads(x, 4), split_heads(x, 4), weight(4, width // 4), window=7))", 7 * 32),
        (
            "merge_heads(attend(split_heads(x, 4), split_heads(x, 4), split_heads(x, 4), window=7, alibi=True, "
            "log_decay=-softplus(linear(x, 4))) + attend(split_heads(x, 4), split_heads(x, 4), split_heads(x, 4), "
            "window=20, log_decay=-softplus(weight(4))))",
            20 * 32 + 7 * 4 + 20 * 4,
        ),
        (
            "linear(merge_heads(linear_attention(split_heads(x, 4), weight(4, width // 4), weight(4, 3))), width)",
            4 * 8 * 3,
        ),
    ],
)
def test_unusual_uses_of_operations_decode_as_in_parallel(backend, body, numbers):
    instance = own(body)
    assert instance.cost.state_bytes == 4 * numbers
    assert faults(backend, instance) == []


def test_a_window_rolls(backend):
    """What left the window changes nothing, and the state is as large as the window."""
    component = LIBRARY["sliding_window_attention"]
    instance = probe(component, {"window": 8}, PROBE_SIZES)
    assert instance.cost.state_bytes == 4 * 8 * 2 * 32
    model = backend.lower(instance, steps=1)
    state = model.start(0)
    one = sequences()
    other = one.copy()
    other[:, :40] = sequences(seed=1)[:, :40]
    first, second = (decoded(model, state, tokens_BxT)[0] for tokens_BxT in (one, other))
    assert np.abs(first[:, 46] - second[:, 46]).max() > 1e-4
    assert np.array_equal(first[:, 47:], second[:, 47:])


def test_a_read_out_of_the_last_state_reads_what_came_so_far(backend):
    """At every position the parallel form over the tokens up to it, at its last position."""
    instance = read_out(instantiate(ARCHITECTURES["gla"].recipe, LIBRARY, SIZES), "last")
    model = backend.lower(instance, steps=1)
    state, tokens_BxT = model.start(0), sequences()
    got, _ = decoded(model, state, tokens_BxT)
    for length in (8, 64):
        wanted = model.logits(state, tokens_BxT[:, :length])[:, -1]
        assert np.abs(got[:, length - 1] - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_penalties_change_nothing(backend):
    instance = own("penalty(x, square(linear(x))) + penalty(sinusoid(width), x)")
    assert faults(backend, instance) == []


def test_a_model_in_16_bits_decodes_as_well_as_it_reads_in_parallel(backend):
    heads = "split_heads(x, 4)"
    instance = own(
        f"linear_scan(sigmoid(linear(x)), x) + merge_heads(attend({heads}, {heads}, {heads}, window=9))"
    )
    model = backend.lower(instance, steps=1, precision="bfloat16")
    state, tokens_BxT = model.start(0), sequences()
    wanted, (got, _) = model.logits(state, tokens_BxT), decoded(model, state, tokens_BxT)
    assert np.sqrt(((got - wanted) ** 2).mean() / (wanted**2).mean()) < 0.03


@pytest.mark.parametrize("framework", ["backend", "mlx_backend"])
def test_blocks_read_what_earlier_blocks_share(request, framework):
    """Of the stream, of positions and of parameters."""
    if framework == "mlx_backend":
        pytest.importorskip("mlx.core", reason="MLX is not installed", exc_type=ImportError)
    sources = (
        'def giving(x) -> mixer:\n    return x + share(weight(width), "gain") * share(sinusoid(width), "filter")',
        "def taking(x) -> mixer:\n    filter = shared(position_embedding(), 'filter')\n"
        "    return long_conv(x, filter) * shared(x, 'gain') + shift(filter)",
    )
    library = {**LIBRARY, **{part.name: part for part in (parse_component(source, {}) for source in sources)}}
    names = ("giving", "cross_layer_attention", "value_residual_attention", "taking")
    layers = [block((name,)) for name in (*names, *names[1:])]
    made = recipe(*layers, embedding=("tied_embedding",), head=("rms_norm", "tied_head"))
    assert faults(request.getfixturevalue(framework), instantiate(made, library, SIZES)) == []


def test_steps_that_cannot_be_are_refused_and_leave_the_state_alone(backend):
    instance = own("cumulative_sum(x)", replace(PROBE_SIZES, context=3))
    model = backend.lower(instance, steps=1)
    state = model.start(0)
    decoder = model.decoder(state, BATCH)
    for wrong in (np.array([1]), np.array([1, 24]), np.array([-1, 0])):
        with pytest.raises(ValueError, match="2 tokens from 0 to 23"):
            decoder.step(wrong)
    tokens_BxT = sequences(instance.sizes)
    got = np.stack([decoder.step(tokens_B) for tokens_B in tokens_BxT.T], axis=1)
    assert np.allclose(got, model.logits(state, tokens_BxT), atol=1e-5)
    assert decoder.position == 3
    with pytest.raises(ValueError, match="as many as the context"):
        decoder.step(tokens_BxT[:, 0])


def test_the_state_does_not_grow_with_the_context_of_a_recurrence():
    for name in ("rwkv6", "gated_deltanet", "xlstm"):
        made = {
            instantiate(ARCHITECTURES[name].recipe, LIBRARY, replace(SIZES, context=context)).cost.state_bytes
            for context in (64, 4096)
        }
        assert len(made) == 1, name
