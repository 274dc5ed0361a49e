# pyright: reportInvalidTypeForm=false
"""Heads: how vectors become scores of the next token."""

from __future__ import annotations

from genome.language import choice, einsum, head, linear, published, shared, tanh, vocabulary, weight, width


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
)
def soft_capped_head(x, cap: choice(10.0, 15.0, 30.0) = 30.0) -> head:
    """Bend scores smoothly below a cap, so that no token can become arbitrarily certain."""
    return cap * tanh(linear(x, vocabulary) / cap)
