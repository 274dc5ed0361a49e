"""The cost model against XLA's own count of the forward pass that is lowered."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest

from backends.jax.kernels.loops import unrolled_loops
from backends.jax.operations import TABLE
from backends.lowering import run_program
from cognition.loader import load_library
from genome.expressions import Scalar
from genome.typing import Program, program
from genome.values import Sizes, Value

LIBRARY = load_library()
MODELS = [name for name, component in LIBRARY.items() if component.kind != "training"]
SIZES = Sizes(width=64, hidden=160, vocabulary=96, context=128)


def typed(name: str, settings: dict[str, Scalar] | None = None, sizes: Sizes = SIZES) -> Program:
    component = LIBRARY[name]
    return program(name, component.kind, component.bind(settings or {}), sizes)


def counted_flops(own: Program, context: int) -> float:
    """XLA's count for one sequence, before its optimisation: fusion repeats operations at will."""

    def forward(parameters, arguments, reads):
        lowered = run_program(TABLE, own, parameters, arguments, reads, context, jnp.dtype(jnp.float32))
        return lowered.result, lowered.penalty

    def argument(value: Value) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((1, context, *value.shape), jnp.int32 if value.tokens else jnp.float32)

    parameters = {name: jax.ShapeDtypeStruct(p.shape, jnp.float32) for name, p in own.parameters.items()}
    arguments = [argument(value) for value in own.arguments]
    reads = [argument(own.nodes[index].value) for index in own.reads.values()]
    with unrolled_loops():
        lowered = jax.jit(forward).lower(parameters, arguments, reads)
    analysis = lowered.cost_analysis()
    assert analysis is not None
    return analysis.get("flops", 0.0)


@pytest.mark.parametrize("name", MODELS)
def test_flops_agree_with_the_count_of_xla(name):
    own = typed(name)
    assert own.flops_per_token(SIZES.context) * SIZES.context == pytest.approx(
        counted_flops(own, SIZES.context), rel=0.05
    )


@pytest.mark.parametrize(
    ("name", "settings", "context"),
    [
        ("attention", {"heads": 2}, 200),
        ("sliding_window_attention", {"window": 16}, 300),
        ("sliding_window_attention", {"window": 64}, 200),
        ("gated_linear_attention", {"heads": 2}, 60),
        ("retention", {}, 100),
        ("gated_delta_net", {"heads": 8}, 20),
        ("delta_net", {"heads": 1}, 200),
        ("kimi_delta_attention", {"heads": 8}, 20),
        ("kimi_delta_attention", {"heads": 2}, 200),
        ("delta_product", {"heads": 8, "updates": 3}, 20),
        ("gated_delta_product", {"heads": 2, "updates": 3}, 200),
        ("rwkv7_time_mixing", {"heads": 8}, 20),
        ("rwkv7_time_mixing", {"heads": 2}, 200),
        ("hyena", {}, 100),
    ],
)
def test_flops_follow_blocks_chunks_and_padding_at_other_lengths(name, settings, context):
    own = typed(name, settings, Sizes(64, 160, 96, context))
    assert own.flops_per_token(context) * context == pytest.approx(counted_flops(own, context), rel=0.05)


def test_the_state_of_attention_is_its_keys_and_values():
    context, width = SIZES.context, SIZES.width
    assert typed("attention").state == context * 2 * width
    assert typed("grouped_query_attention", {"heads": 4, "sharing": 2}).state == context * width
    assert typed("multi_query_attention", {"heads": 8}).state == context * 2 * width // 8
    assert typed("sliding_window_attention", {"window": 16}).state == 16 * 2 * width
    assert typed("forgetting_attention", {"heads": 4}).state == context * (2 * width + 4)


def test_the_state_of_recurrences_does_not_grow_with_the_context():
    for name in (
        "min_gru",
        "gated_delta_net",
        "kimi_delta_attention",
        "gated_linear_attention",
        "selective_state_space",
        "canon",
    ):
        states = {typed(name, sizes=Sizes(64, 160, 96, context)).state for context in (32, 64, 512)}
        assert len(states) == 1, name
    assert typed("delta_net", {"heads": 4, "kernel": 4}).state == 4 * 16 * 16 + 3 * 3 * 64
    assert typed("kimi_delta_attention", {"heads": 4, "kernel": 4}).state == 4 * 16 * 16 + 3 * 3 * 64
    assert typed("delta_product", {"heads": 4, "kernel": 4, "updates": 3}).state == 4 * 16 * 16 + 3 * 7 * 64
    assert typed("rwkv7_time_mixing", {"heads": 4}).state == 4 * 16 * 16 + 64
    assert typed("canon", {"kernel": 8}).state == 7 * 64


def test_convolutions_as_long_as_the_context_keep_all_inputs():
    assert typed("long_convolution").state == SIZES.context * SIZES.width


def test_channels_norms_and_heads_keep_no_state():
    kinds = ("channel", "norm", "head", "embedding")
    keeping = {name: own.state for name in MODELS if (own := typed(name)).kind in kinds and own.state}
    assert keeping == {"ngram_embedding": 2}  # the two tokens before
