# pyright: reportInvalidTypeForm=false
"""Hybrids: several ways of mixing positions inside one component."""

from __future__ import annotations

from cognition.library.attention import sliding_window_attention
from cognition.library.linear_attention import taylor_linear_attention
from cognition.library.norms import rms_norm
from cognition.library.state_space import mamba2
from genome.language import (
    causal_conv,
    choice,
    concat,
    delta_rule,
    einsum,
    expand,
    gelu,
    l2_normalize,
    linear,
    log_sigmoid,
    merge_heads,
    mixer,
    offset,
    published,
    ramp,
    sigmoid,
    silu,
    softmax,
    split_heads,
)


@published(
    "2411.13676",
    2024,
    "Hymba: A Hybrid-head Architecture for Small Language Models",
    answers="recall",
    builds_on=("sliding_window_attention", "mamba2", "normalized_mean_merge"),
)
def parallel_hybrid_heads(x, heads: choice(1, 2, 4, 8) = 4, window: choice(8, 16, 32, 64) = 32) -> mixer:
    """Attention heads keep exact details while state-space heads beside them summarise the same input."""
    exact = rms_norm(sliding_window_attention(x, heads, window))
    summary = rms_norm(mamba2(x, heads, 16, 1))
    return linear((exact + summary) / 2)


@published(
    "2402.18668",
    2024,
    "Simple linear attention language models balance the recall-throughput tradeoff",
    answers="recall",
    builds_on=("taylor_linear_attention", "sliding_window_attention"),
)
def local_and_linear_attention(
    x, heads: choice(1, 2, 4, 8) = 4, window: choice(8, 16, 32, 64) = 16, features: choice(4, 8) = 4
) -> mixer:
    """A small exact window for what is near and a fixed-size summary for what is far, added."""
    return sliding_window_attention(x, heads, window) + taylor_linear_attention(x, heads, features)


@published(
    "2507.18074",
    2025,
    "AlphaGo Moment for Model Architecture Discovery",
    answers="recall",
    builds_on=("delta_net", "canon"),
)
def path_gate_fusion(
    x, heads: choice(1, 2, 4, 8) = 4, short: choice(2, 3, 5) = 3, long: choice(15, 31, 63) = 31
) -> mixer:
    """A router weighs copying, short and long filters and a delta memory for each head and token."""
    q = l2_normalize(split_heads(silu(causal_conv(linear(x))), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x))), heads))
    v = split_heads(silu(causal_conv(linear(x))), heads)
    memory = delta_rule(q, k, v, sigmoid(linear(x, heads)))
    paths = concat(expand(v), expand(causal_conv(v, short)), expand(causal_conv(v, long)), expand(memory))
    routes = softmax(split_heads(linear(gelu(linear(x)), 4 * heads, bias=True), heads))
    y = einsum("hvp,hp->hv", paths, routes)
    return linear(merge_heads(rms_norm(y)))


@published(
    "2507.18074",
    2025,
    "AlphaGo Moment for Model Architecture Discovery",
    answers="recall",
    builds_on="path_gate_fusion",
)
def fusion_gated_filters(
    x, heads: choice(1, 2, 4, 8) = 4, short: choice(2, 3, 5) = 3, long: choice(15, 31, 63) = 31
) -> mixer:
    """Independent sigmoid gates let several paths speak at once, where a softmax would make them compete."""
    q = l2_normalize(split_heads(silu(causal_conv(linear(x))), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x))), heads))
    v = split_heads(silu(causal_conv(linear(x))), heads)
    kept = log_sigmoid(linear(x, heads) + offset(ramp(heads, 2.0, 6.0)))
    memory = delta_rule(q, k, v, sigmoid(linear(x, heads)), log_decay=kept)
    paths = concat(expand(v), expand(causal_conv(v, short)), expand(causal_conv(v, long)), expand(memory))
    gates = sigmoid(split_heads(linear(x, 4 * heads, bias=True), heads))
    y = einsum("hvp,hp->hv", paths, gates)
    return linear(merge_heads(rms_norm(y)) * silu(linear(x)))
