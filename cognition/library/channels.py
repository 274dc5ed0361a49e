# pyright: reportInvalidTypeForm=false
"""Channels: what happens to the features of one position."""

from __future__ import annotations

from genome.language import (
    channel,
    choice,
    einsum,
    flag,
    gelu,
    hidden,
    linear,
    log,
    log_range,
    maximum,
    mean,
    merge_heads,
    mixture_of_experts,
    penalty,
    published,
    relu,
    sigmoid,
    silu,
    softmax,
    split,
    split_heads,
    square,
    top_k,
    weight,
    width,
)


@published("1706.03762", 2017, "Attention Is All You Need", answers="memorisation")
def relu_mlp(x, bias: flag = True) -> channel:
    """Two matrices with a rectifier between them: a memory of patterns and of what they should add."""
    return linear(relu(linear(x, hidden, bias=bias)), width, bias=bias)


@published(
    "1606.08415",
    2016,
    "Gaussian Error Linear Units (GELUs)",
    answers="memorisation",
    builds_on="relu_mlp",
)
def gelu_mlp(x, bias: flag = False) -> channel:
    """Weigh a unit by how likely it is to be large, in place of a hard threshold."""
    return linear(gelu(linear(x, hidden, bias=bias)), width, bias=bias)


@published(
    "2109.08668",
    2021,
    "Primer: Searching for Efficient Transformers for Language Modeling",
    answers="cost",
    builds_on="relu_mlp",
    replaces="relu_mlp",
)
def relu_squared_mlp(x) -> channel:
    """Squaring the rectified units gives the interactions of a gate without its third matrix."""
    return linear(square(relu(linear(x, hidden))), width)


@published("1612.08083", 2016, "Language Modeling with Gated Convolutional Networks", answers="memorisation")
def sigmoid_glu(x) -> channel:
    """A sigmoid gate of its own lets each hidden unit be switched by the input."""
    return linear(sigmoid(linear(x, hidden)) * linear(x, hidden), width)


@published(
    "2002.05202",
    2020,
    "GLU Variants Improve Transformer",
    answers="memorisation",
    builds_on="sigmoid_glu",
    replaces=("relu_mlp", "gelu_mlp"),
)
def swiglu(x) -> channel:
    """Gate one projection by the smooth rectifier of another: products of features, cheaply."""
    return linear(silu(linear(x, hidden)) * linear(x, hidden), width)


@published(
    "2002.05202",
    2020,
    "GLU Variants Improve Transformer",
    answers="memorisation",
    builds_on="gelu_mlp",
    replaces=("relu_mlp", "gelu_mlp"),
)
def geglu(x) -> channel:
    """A gate with the normal distribution's curve, near zero but not silent for negative inputs."""
    return linear(gelu(linear(x, hidden)) * linear(x, hidden), width)


@published(
    "2002.05202",
    2020,
    "GLU Variants Improve Transformer",
    answers="memorisation",
    builds_on="relu_mlp",
    replaces="relu_mlp",
)
def reglu(x) -> channel:
    """A rectified gate leaves many hidden units exactly silent."""
    return linear(relu(linear(x, hidden)) * linear(x, hidden), width)


@published(
    "2002.05202",
    2020,
    "GLU Variants Improve Transformer",
    answers="memorisation",
    builds_on="swiglu",
    replaces="relu_mlp",
)
def bilinear_glu(x) -> channel:
    """A plain product of two projections already improves on one curve."""
    return linear(linear(x, hidden) * linear(x, hidden), width)


@published(
    "2406.16450",
    2024,
    "Building on Efficient Foundations: Effectively Training LLMs with Structured Feedforward Layers",
    answers="cost",
    builds_on="gelu_mlp",
    replaces="gelu_mlp",
)
def low_rank_mlp(x, ratio: choice(2, 4) = 2) -> channel:
    """Factor both matrices through a narrow waist and spend the savings on more hidden units."""
    inner = gelu(linear(linear(x, width // ratio), 2 * hidden))
    return linear(linear(inner, width // ratio), width)


@published(
    "1701.06538",
    2017,
    "Outrageously Large Neural Networks: The Sparsely-Gated Mixture-of-Experts Layer",
    answers="memorisation",
    builds_on="swiglu",
)
def mixture_of_experts_mlp(
    x, experts: choice(4, 8) = 4, active: choice(1, 2, 3) = 2, balance: log_range(0.0001, 0.1) = 0.01
) -> channel:
    """Send each token to the few experts that suit it; a penalty on neglected experts keeps all in use."""
    scores = linear(x, experts)
    neglect = -mean(log(softmax(scores) + 0.0001))
    gates = softmax(top_k(scores, active))
    return penalty(mixture_of_experts(x, gates, hidden // experts), neglect, balance)


@published(
    "2401.06066",
    2024,
    "DeepSeekMoE: Towards Ultimate Expert Specialization in Mixture-of-Experts Language Models",
    answers="memorisation",
    builds_on=("mixture_of_experts_mlp", "swiglu"),
    replaces="mixture_of_experts_mlp",
)
def shared_expert_mlp(
    x, experts: choice(4, 8) = 4, active: choice(1, 2, 3) = 2, balance: log_range(0.0001, 0.1) = 0.01
) -> channel:
    """One expert that always runs takes what is common, so that the routed ones can specialise."""
    scores = linear(x, experts)
    neglect = -mean(log(softmax(scores) + 0.0001))
    gates = softmax(top_k(scores, active))
    routed = mixture_of_experts(x, gates, hidden // (2 * experts))
    common = linear(silu(linear(x, hidden // 2)) * linear(x, hidden // 2), width)
    return penalty(common + routed, neglect, balance)


@published(
    "2310.10837",
    2023,
    "Approximating Two-Layer Feedforward Networks for Efficient Transformers",
    answers="memorisation",
    builds_on="mixture_of_experts_mlp",
    replaces="mixture_of_experts_mlp",
)
def sigmoid_routed_mlp(
    x, experts: choice(4, 8) = 4, active: choice(1, 2, 3) = 2, balance: log_range(0.0001, 0.1) = 0.01
) -> channel:
    """Score each expert by itself, so that choosing one does not push the others down."""
    scores = linear(x, experts)
    neglect = -mean(log(softmax(scores) + 0.0001))
    gates = sigmoid(top_k(scores, active))
    return penalty(mixture_of_experts(x, gates, hidden // experts), neglect, balance)


@published(
    "1907.05242", 2019, "Large Memory Layers with Product Keys", answers="memorisation", builds_on="relu_mlp"
)
def product_key_memory(x, keys: choice(8, 16) = 16, active: choice(2, 4) = 4) -> channel:
    """Two short lists of keys address their product, a large table of values of which few are read."""
    first_query, second_query = split(linear(x), 2)
    first = softmax(top_k(linear(first_query, keys), active))
    second = softmax(top_k(linear(second_query, keys), active))
    return einsum("ij,ijd->d", einsum("i,j->ij", first, second), weight(keys, keys, width))


@published(
    "2204.00595",
    2022,
    "Monarch: Expressive Structured Matrices for Efficient and Accurate Training",
    answers="cost",
    builds_on="gelu_mlp",
    replaces="gelu_mlp",
)
def monarch_mlp(x, blocks: choice(2, 4) = 4) -> channel:
    """Each matrix is two block-diagonal ones with a shuffle between them: all features meet, at few parameters."""
    part = width // blocks
    inner_part = hidden // blocks
    spread = einsum("bi,bij->jb", split_heads(x, blocks), weight(blocks, part, part))
    wide = einsum("bi,bij->bj", split_heads(merge_heads(spread), blocks), weight(blocks, part, inner_part))
    inner = split_heads(gelu(merge_heads(wide)), blocks)
    gathered = einsum("bi,bij->jb", inner, weight(blocks, inner_part, part))
    return merge_heads(
        einsum("bi,bij->bj", split_heads(merge_heads(gathered), blocks), weight(blocks, part, part))
    )


@published("1302.4389", 2013, "Maxout Networks", answers="memorisation")
def maxout_mlp(x) -> channel:
    """The larger of two projections: each hidden unit learns its own convex curve."""
    return linear(maximum(linear(x, hidden), linear(x, hidden)), width)
