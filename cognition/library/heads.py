# pyright: reportInvalidTypeForm=false
"""Heads: how vectors become scores of the next token."""

from __future__ import annotations

from genome.language import (
    choice,
    clip,
    einsum,
    exp,
    gain,
    head,
    input_tokens,
    l2_normalize,
    linear,
    log,
    log_range,
    maximum,
    penalty,
    published,
    rms_normalize,
    shared,
    shift,
    silu,
    softmax,
    split_heads,
    square,
    surprise,
    tanh,
    total,
    vocabulary,
    weight,
    width,
)


@published("1706.03762", 2017, "Attention Is All You Need", answers="text")
def linear_head(x) -> head:
    """Score every token by a learned vector of its own."""
    return linear(x, vocabulary)


@published(
    "1608.05859",
    2016,
    "Using the Output Embedding to Improve Language Models",
    answers="cost",
    builds_on="tied_embedding",
)
def tied_head(x) -> head:
    """Score tokens by the vectors that embed them: one table learns from both uses."""
    table = shared(weight(vocabulary, width, scale=0.05), "embedding")
    return einsum("vd,d->v", table, x)


@published(
    "2408.00118",
    2024,
    "Gemma 2: Improving Open Language Models at a Practical Size",
    answers="stability",
    builds_on="linear_head",
    replaces="linear_head",
)
def soft_capped_head(x, cap: choice(10.0, 15.0, 30.0) = 30.0) -> head:
    """Bend scores smoothly below a cap, so that no token can become arbitrarily certain."""
    return cap * tanh(linear(x, vocabulary) / cap)


@published(
    "1711.03953",
    2017,
    "Breaking the Softmax Bottleneck: A High-Rank RNN Language Model",
    answers="text",
    builds_on="linear_head",
    replaces="linear_head",
)
def mixture_of_softmaxes_head(x, experts: choice(2, 4) = 2) -> head:
    """Mix several distributions, weighted by the context, since one softmax of narrow vectors has low rank."""
    contexts = tanh(split_heads(linear(x, experts * width), experts))
    chances = softmax(linear(contexts, vocabulary))
    mixed = einsum("k,kv->v", softmax(linear(x, experts)), chances)
    return log(maximum(mixed, 0.00000001))


@published(
    "2204.02311",
    2022,
    "PaLM: Scaling Language Modeling with Pathways",
    answers="stability",
    builds_on="linear_head",
    replaces="linear_head",
)
def z_loss_head(x, strength: log_range(0.00001, 0.01) = 0.0001) -> head:
    """Penalise the logarithm of the softmax's divisor, so that scores stay near zero as a whole."""
    scores = linear(x, vocabulary)
    divisor = log(total(exp(clip(scores, -50.0, 50.0))))
    return penalty(scores, square(divisor), strength)


@published(
    "2410.01131",
    2024,
    "nGPT: Normalized Transformer with Representation Learning on the Hypersphere",
    answers="stability",
    builds_on=("linear_head", "hypersphere_residual"),
    replaces="linear_head",
)
def normalized_head(x) -> head:
    """Score tokens by direction alone, and learn for each how sharply it counts."""
    table = l2_normalize(weight(vocabulary, width))
    return gain(einsum("vd,d->v", table, l2_normalize(x)), 8.0)


@published(
    "2404.19737",
    2024,
    "Better & Faster Large Language Models via Multi-token Prediction",
    answers="text",
    builds_on="linear_head",
    replaces="linear_head",
)
def multi_token_head(x, strength: log_range(0.01, 1.0) = 0.1) -> head:
    """Learn to foresee the token after the next one too, from the same vector and with the same table."""
    table = weight(width, vocabulary)
    ahead = rms_normalize(x + linear(silu(linear(x))))
    foreseen = einsum("dv,d->v", table, shift(ahead, 2))
    return penalty(einsum("dv,d->v", table, x), surprise(foreseen, input_tokens()), strength)
