# pyright: reportInvalidTypeForm=false
"""Convolutions: filters over the past, short and learned outright or long and generated."""

from __future__ import annotations

from cognition.library.norms import layer_norm
from genome.language import (
    absolute,
    causal_conv,
    choice,
    concat,
    context,
    cumulative_sum,
    einsum,
    exp,
    expand,
    gain,
    gelu,
    hidden,
    linear,
    log_range,
    long_conv,
    merge_heads,
    mixer,
    offset,
    position,
    position_embedding,
    published,
    ramp,
    relu,
    shift,
    sigmoid,
    silu,
    sin,
    sinusoid,
    softmax,
    split,
    split_heads,
    sqrt,
    width,
)


@published("2305.13048", 2023, "RWKV: Reinventing RNNs for the Transformer Era", answers="copying")
def token_shift(x) -> mixer:
    """Blend each feature with its value one position ago by a learned amount."""
    return x + (shift(x) - x) * offset(ramp(width, 0.0, 1.0))


@published(
    "2512.17351",
    2025,
    "Physics of Language Models: Part 4.1, Architecture Design and the Magic of Canon Layers",
    answers="copying",
)
def canon(x, kernel: choice(2, 3, 4, 8) = 4) -> mixer:
    """A weighted sum of the last few positions, with no matrix at all, helps wherever it stands."""
    return causal_conv(x, kernel)


@published("2511.23404", 2025, "LFM2 Technical Report", answers="cost", builds_on="h3")
def short_gated_convolution(x, kernel: choice(2, 3, 4, 8) = 3) -> mixer:
    """Gates that read the input before and after a short filter do most of a hybrid's mixing at little cost."""
    before, after, value = split(linear(x, 3 * width), 3)
    return linear(after * causal_conv(before * value, kernel))


@published("1612.08083", 2016, "Language Modeling with Gated Convolutional Networks", answers="text")
def gated_convolution(x, kernel: choice(2, 3, 4, 8) = 4) -> mixer:
    """A convolution whose output is gated by another passes gradients like a linear layer."""
    u = causal_conv(linear(x), kernel)
    return linear(u * sigmoid(causal_conv(linear(x), kernel)))


@published(
    "1901.10430",
    2019,
    "Pay Less Attention with Lightweight and Dynamic Convolutions",
    answers="cost",
    builds_on="gated_convolution",
    replaces="plain_attention",
)
def dynamic_convolution(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Predict the weights of a four-position filter from the current position alone."""
    v = split_heads(linear(x) * sigmoid(linear(x)), heads)
    taps = softmax(split_heads(linear(x, 4 * heads), heads))
    recent = concat(expand(v), expand(shift(v, 1)), expand(shift(v, 2)), expand(shift(v, 3)))
    return linear(merge_heads(einsum("hvt,ht->hv", recent, taps)))


@published(
    "2302.10866",
    2023,
    "Hyena Hierarchy: Towards Larger Convolutional Language Models",
    answers="long context",
    builds_on="h3",
    replaces="plain_attention",
)
def hyena(x, features: choice(16, 32, 64) = 16, kernel: choice(2, 3, 4) = 3) -> mixer:
    """A small network generates a filter as long as the context; products with the input make it selective."""
    first, second, value = split(causal_conv(linear(x, 3 * width), kernel), 3)
    inner = sin(linear(sin(linear(sinusoid(features), bias=True)), bias=True))
    window = exp(-absolute(offset(ramp(width, 3.0, 15.0))) * (position() / context))
    response = linear(inner, width) * window * sqrt(8 / context)
    u = first * value
    return linear(second * (long_conv(u, response) + gain(u)))


@published(
    "2302.06646",
    2023,
    "Simple Hardware-Efficient Long Convolutions for Sequence Modeling",
    answers="long context",
    builds_on="s4d",
    replaces="s4d",
)
def long_convolution(x, threshold: log_range(0.0001, 0.02) = 0.003) -> mixer:
    """Learn the long filter outright, decaying at first, and squash its small values to keep it smooth."""
    decay = exp(-absolute(offset(ramp(width, 1.0, 16.0))) * (position() / context))
    taps = position_embedding() * decay
    squashed = relu(taps - threshold) - relu(-taps - threshold)
    return linear(silu(long_conv(x, squashed) + gain(x)))


@published(
    "1805.00631",
    2018,
    "Accelerating Neural Transformer via an Average Attention Network",
    answers="cost",
    builds_on="plain_attention",
    replaces="plain_attention",
)
def average_attention(x) -> mixer:
    """The plain mean of all earlier positions, gated against the current one, replaces learned weights."""
    average = linear(silu(linear(cumulative_sum(x) / (position() + 1))))
    both = concat(x, average)
    return sigmoid(linear(both, width)) * x + sigmoid(linear(both, width)) * average


@published(
    "2503.01868",
    2025,
    "Systems and Algorithms for Convolutional Multi-Hybrid Language Models at Scale",
    answers="cost",
    builds_on=("hyena", "short_gated_convolution"),
    replaces="hyena",
)
def short_explicit_gating(x, kernel: choice(4, 7) = 7, local: choice(2, 3) = 3) -> mixer:
    """Products with the input around a filter of a few learned taps serve what is near, at a fraction of the cost."""
    first, second, value = split(causal_conv(linear(x, 3 * width), local), 3)
    return linear(second * causal_conv(first * value, kernel))


@published("2105.08050", 2021, "Pay Attention to MLPs", answers="text", builds_on="gelu_mlp")
def causal_spatial_gating(x) -> mixer:
    """Half of the hidden units gate the other half by one weight per distance, the same for all features."""
    kept, gating = split(gelu(linear(x, hidden)), 2)
    distance = position_embedding(1) * ramp(hidden // 2, 1.0, 1.0)
    return linear(kept * offset(long_conv(layer_norm(gating), distance), 1.0), width)
