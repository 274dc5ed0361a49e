# pyright: reportInvalidTypeForm=false
"""Softmax attention whose heads, keys or positions are made in another way."""

from __future__ import annotations

from genome.language import (
    attend,
    choice,
    concat,
    einsum,
    exp,
    flag,
    linear,
    log,
    merge_heads,
    mixer,
    position,
    published,
    ramp,
    repeat,
    rms_normalize,
    rope,
    split_heads,
    sqrt,
    weight,
    width,
)


@published(
    "2003.02436",
    2020,
    "Talking-Heads Attention",
    answers="recall",
    builds_on="plain_attention",
    replaces="plain_attention",
)
def talking_heads_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Mix scores between heads before the softmax and weights after it, so that heads need not work alone."""
    q = split_heads(linear(x), heads) / sqrt(width // heads)
    k = split_heads(linear(x), 1)
    v = split_heads(linear(x), 1)
    mixed = merge_heads(einsum("hd,hg->ghd", q, weight(heads, heads)))
    read = split_heads(attend(mixed, k, v, scale=1.0), heads)
    return linear(merge_heads(einsum("ghd,gh->hd", read, weight(heads, heads))))


@published(
    "2501.06425",
    2025,
    "Tensor Product Attention Is All You Need",
    answers="cost",
    builds_on=("attention", "multi_head_latent_attention"),
    replaces=("attention", "grouped_query_attention", "multi_head_latent_attention"),
)
def tensor_product_attention(x, heads: choice(1, 2, 4, 8) = 4, rank: choice(1, 2, 4) = 2) -> mixer:
    """Queries, keys and values are short sums of a vector over heads times a vector over features."""
    size = width // heads
    q_heads = split_heads(linear(x, 3 * rank * heads), 3 * rank)
    k_heads = split_heads(linear(x, rank * heads), rank)
    v_heads = split_heads(linear(x, rank * heads), rank)
    q = einsum("rh,rd->hd", q_heads, split_heads(linear(x, 3 * rank * size), 3 * rank)) / (3 * rank)
    k = einsum("rh,rd->hd", k_heads, split_heads(linear(x, rank * size), rank)) / rank
    v = einsum("rh,rd->hd", v_heads, split_heads(linear(x, rank * size), rank)) / rank
    return linear(merge_heads(attend(rope(q), rope(k), v)))


@published(
    "2505.09388",
    2025,
    "Qwen3 Technical Report",
    answers="stability",
    builds_on=("grouped_query_attention", "query_key_norm_attention", "rms_norm"),
    replaces="grouped_query_attention",
)
def normalized_grouped_query_attention(x, heads: choice(4, 8) = 4, sharing: choice(2, 4) = 2) -> mixer:
    """A norm on every query and key, with one gain for all heads, holds the scores of shared keys in range."""
    size = width // heads
    q = rms_normalize(split_heads(linear(x), heads)) * weight(size, initial="ones")
    k = rms_normalize(split_heads(linear(x, width // sharing), heads // sharing)) * weight(size, initial="ones")
    v = split_heads(linear(x, width // sharing), heads // sharing)
    return linear(merge_heads(attend(rope(q), rope(k), v)))


@published(
    "2204.06745",
    2022,
    "GPT-NeoX-20B: An Open-Source Autoregressive Language Model",
    answers="cost",
    builds_on="attention",
    replaces="attention",
)
def partial_rotary_attention(x, heads: choice(1, 2, 4) = 2, part: choice(2, 4) = 4, bias: flag = False) -> mixer:
    """Rotate one part of each head's features and leave the others to compare content at any distance."""
    q_still = split_heads(linear(x, (part - 1) * width // part, bias=bias), heads)
    k_still = split_heads(linear(x, (part - 1) * width // part, bias=bias), heads)
    q_turned = rope(split_heads(linear(x, width // part, bias=bias), heads))
    k_turned = rope(split_heads(linear(x, width // part, bias=bias), heads))
    v = split_heads(linear(x, bias=bias), heads)
    y = attend(concat(q_turned, q_still), concat(k_turned, k_still), v)
    return linear(merge_heads(y), bias=bias)


@published(
    "2212.10554",
    2022,
    "A Length-Extrapolatable Transformer",
    answers="long context",
    builds_on=("attention", "alibi_attention"),
    replaces="attention",
)
def length_extrapolatable_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Rotated pairs also fade with distance, the quick ones first, so that far scores do not oscillate."""
    half = width // heads // 2
    rate = repeat(log(ramp(half, 0.2857, 1.0 - 0.7143 / half)), 2)
    fade = position() * rate / 512
    q = rope(split_heads(linear(x), heads)) * exp(fade)
    k = rope(split_heads(linear(x), heads)) * exp(-fade)
    v = split_heads(linear(x), heads)
    return linear(merge_heads(attend(q, k, v)))
