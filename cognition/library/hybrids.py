# pyright: reportInvalidTypeForm=false
"""Hybrids: several ways of mixing positions inside one component."""

from __future__ import annotations

from cognition.library.attention import sliding_window_attention
from cognition.library.kernel_attention import taylor_linear_attention
from cognition.library.norms import rms_norm
from cognition.library.state_space import mamba2
from genome.language import (
    absolute,
    causal_conv,
    choice,
    concat,
    delta_rule,
    einsum,
    exp,
    expand,
    gelu,
    l2_normalize,
    linear,
    log,
    log_range,
    log_sigmoid,
    mean,
    merge_heads,
    mixer,
    offset,
    penalty,
    published,
    ramp,
    sigmoid,
    silu,
    softmax,
    split_heads,
    total,
    weight,
    width,
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


@published(
    "2507.18074",
    2025,
    "AlphaGo Moment for Model Architecture Discovery",
    answers="recall",
    builds_on="path_gate_fusion",
)
def content_sharp_router(
    x, heads: choice(1, 2, 4, 8) = 4, short: choice(2, 3, 5) = 3, long: choice(15, 31, 63) = 15
) -> mixer:
    """The router reads the token and how strong each path is, and each head learns how sharply it chooses."""
    q = l2_normalize(split_heads(silu(causal_conv(linear(x))), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x))), heads))
    v = split_heads(silu(causal_conv(linear(x))), heads)
    near = causal_conv(v, short)
    far = causal_conv(v, long)
    memory = delta_rule(q, k, v, sigmoid(linear(x, heads)))
    paths = concat(expand(v), expand(near), expand(far), expand(memory))
    strengths = concat(mean(absolute(v)), mean(absolute(near)), mean(absolute(far)), mean(absolute(memory)))
    read = gelu(linear(concat(x, strengths), width))
    sharpness = exp(weight(heads, 1, initial="zeros"))
    routes = softmax(split_heads(linear(read, 4 * heads, bias=True), heads) * sharpness)
    return linear(merge_heads(rms_norm(einsum("hvp,hp->hv", paths, routes))))


@published(
    "2507.18074",
    2025,
    "AlphaGo Moment for Model Architecture Discovery",
    answers="recall",
    builds_on="path_gate_fusion",
)
def hierarchical_path_gates(
    x, heads: choice(1, 2, 4, 8) = 4, short: choice(2, 3, 5) = 3, long: choice(15, 31, 63) = 15
) -> mixer:
    """Choose between filters and memory first and within each pair second, never below a floor set by the input."""
    q = l2_normalize(split_heads(silu(causal_conv(linear(x))), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x))), heads))
    v = split_heads(silu(causal_conv(linear(x))), heads)
    memory = delta_rule(q, k, v, sigmoid(linear(x, heads)))
    paths = concat(expand(causal_conv(v, short)), expand(causal_conv(v, long)), expand(v), expand(memory))
    coarse = softmax(split_heads(linear(x, 2 * heads, bias=True), heads))
    fine = softmax(split_heads(split_heads(linear(x, 4 * heads, bias=True), heads), 2))
    chosen = merge_heads(einsum("ha,hab->hab", coarse, fine))
    floor = 0.2 * expand(sigmoid(linear(x, heads) - 2))
    y = einsum("hvp,hp->hv", paths, (1 - 4 * floor) * chosen + floor)
    return linear(merge_heads(rms_norm(y)))


@published(
    "2507.18074",
    2025,
    "AlphaGo Moment for Model Architecture Discovery",
    answers="recall",
    builds_on="path_gate_fusion",
)
def adaptive_multi_path_gate(
    x,
    heads: choice(1, 2, 4, 8) = 4,
    short: choice(2, 3, 5) = 3,
    long: choice(15, 31, 63) = 15,
    spread: log_range(0.0001, 0.1) = 0.01,
) -> mixer:
    """Sum what all tokens, each head and this token prefer, keep every path alive, and penalise single choices."""
    q = l2_normalize(split_heads(silu(causal_conv(linear(x))), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x))), heads))
    v = split_heads(silu(causal_conv(linear(x))), heads)
    memory = delta_rule(q, k, v, sigmoid(linear(x, heads)))
    paths = concat(expand(v), expand(causal_conv(v, short)), expand(causal_conv(v, long)), expand(memory))
    own = split_heads(linear(x, 4 * heads), heads)
    routes = 0.02 + 0.92 * softmax(own + weight(heads, 4, scale=0.1) + weight(4, scale=0.1))
    y = linear(merge_heads(rms_norm(einsum("hvp,hp->hv", paths, routes))))
    return penalty(y, total(routes * log(routes)), spread)
