# pyright: reportInvalidTypeForm=false
"""Softmax attention inside a gated unit, behind a moving average, or as the input of a recurrence."""

from __future__ import annotations

from genome.language import (
    attend,
    choice,
    gain,
    hidden,
    linear,
    linear_scan,
    merge_heads,
    mixer,
    offset,
    published,
    ramp,
    rope,
    sigmoid,
    silu,
    split_heads,
    width,
)


@published(
    "2202.10447",
    2022,
    "Transformer Quality in Linear Time",
    answers="cost",
    builds_on=("attention", "swiglu"),
    replaces="attention",
)
def gated_attention_unit(x, features: choice(16, 32, 64) = 32) -> mixer:
    """One head with a narrow key, inside a gated channel mixer, does the work of attention and mixer together."""
    gate = silu(linear(x, hidden))
    v = silu(linear(x, hidden))
    base = silu(linear(x, features))
    q = rope(split_heads(offset(gain(base)), 1))
    k = rope(split_heads(offset(gain(base)), 1))
    return linear(gate * merge_heads(attend(q, k, split_heads(v, 1))), width)


@published(
    "2209.10655",
    2022,
    "Mega: Moving Average Equipped Gated Attention",
    answers="long context",
    builds_on=("gated_attention_unit", "damped_moving_average", "gated_recurrent_residual"),
    replaces="gated_attention_unit",
)
def moving_average_gated_attention(x, features: choice(16, 32, 64) = 32) -> mixer:
    """Queries and keys read a moving average, which tells positions apart, and gates decide what is replaced."""
    new = sigmoid(offset(ramp(width, -4.0, 2.0)))
    damping = sigmoid(offset(ramp(width, 2.0, 2.0)))
    average = linear_scan(1 - new * damping, new * x)
    base = silu(linear(average, features))
    q = split_heads(offset(gain(base)), 1)
    k = split_heads(offset(gain(base)), 1)
    read = merge_heads(attend(q, k, split_heads(silu(linear(x)), 1)))
    candidate = silu(linear(average, bias=True) + linear(silu(linear(average)) * read))
    update = sigmoid(linear(average, bias=True))
    return update * candidate + (1 - update) * x
