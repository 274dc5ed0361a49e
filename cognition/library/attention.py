# pyright: reportInvalidTypeForm=false
"""Softmax attention: every position compares itself with all earlier ones."""

from __future__ import annotations

from cognition.library.norms import rms_norm
from genome.language import (
    attend,
    causal_conv,
    choice,
    concat,
    exp,
    flag,
    gain,
    l2_normalize,
    linear,
    log_sigmoid,
    merge_heads,
    mixer,
    offset,
    published,
    ramp,
    repeat,
    rope,
    share,
    shared,
    shift,
    sigmoid,
    split_heads,
    total,
    weight,
    width,
)


@published("1706.03762", 2017, "Attention Is All You Need", answers="recall")
def plain_attention(x, heads: choice(1, 2, 4, 8) = 4, bias: flag = False) -> mixer:
    """Compare a query with every earlier key and average the values by how well they match."""
    q = split_heads(linear(x, bias=bias), heads)
    k = split_heads(linear(x, bias=bias), heads)
    v = split_heads(linear(x, bias=bias), heads)
    return linear(merge_heads(attend(q, k, v)), bias=bias)


@published(
    "2104.09864",
    2021,
    "RoFormer: Enhanced Transformer with Rotary Position Embedding",
    answers="recall",
    builds_on="plain_attention",
    replaces="plain_attention",
)
def attention(x, heads: choice(1, 2, 4, 8) = 4, base: choice(100.0, 1000.0, 10000.0) = 10000.0) -> mixer:
    """Rotate queries and keys by their positions, so that a match depends on the distance alone."""
    q = rope(split_heads(linear(x), heads), base)
    k = rope(split_heads(linear(x), heads), base)
    v = split_heads(linear(x), heads)
    return linear(merge_heads(attend(q, k, v)))


@published(
    "2305.13245",
    2023,
    "GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints",
    answers="cost",
    builds_on=("attention", "multi_query_attention"),
    replaces=("plain_attention", "multi_query_attention"),
)
def grouped_query_attention(x, heads: choice(4, 8) = 4, sharing: choice(2, 4) = 2) -> mixer:
    """Groups of query heads share their keys and values: most of the quality at a fraction of the cache."""
    q = rope(split_heads(linear(x), heads))
    k = rope(split_heads(linear(x, width // sharing), heads // sharing))
    v = split_heads(linear(x, width // sharing), heads // sharing)
    return linear(merge_heads(attend(q, k, v)))


@published(
    "1911.02150",
    2019,
    "Fast Transformer Decoding: One Write-Head is All You Need",
    answers="cost",
    builds_on="plain_attention",
    replaces="plain_attention",
)
def multi_query_attention(x, heads: choice(2, 4, 8) = 4) -> mixer:
    """All query heads read one head of keys and values, which makes decoding light on memory."""
    q = rope(split_heads(linear(x), heads))
    k = rope(split_heads(linear(x, width // heads), 1))
    v = split_heads(linear(x, width // heads), 1)
    return linear(merge_heads(attend(q, k, v)))


@published(
    "2405.04434",
    2024,
    "DeepSeek-V2: A Strong, Economical, and Efficient Mixture-of-Experts Language Model",
    answers="cost",
    builds_on="attention",
    replaces=("plain_attention", "grouped_query_attention"),
)
def multi_head_latent_attention(
    x, heads: choice(1, 2, 4, 8) = 4, ratio: choice(2, 4, 8) = 2, rotary: choice(4, 8, 16) = 8
) -> mixer:
    """Rebuild keys and values of all heads from one narrow latent; a few shared features carry positions."""
    q = split_heads(linear(x), heads)
    q_rotary = rope(split_heads(linear(x, heads * rotary), heads))
    latent = rms_norm(linear(x, width // ratio))
    k = split_heads(linear(latent, width), heads)
    v = split_heads(linear(latent, width), heads)
    k_rotary = rope(split_heads(repeat(linear(x, rotary), heads), heads))
    return linear(merge_heads(attend(concat(q, q_rotary), concat(k, k_rotary), v)))


@published(
    "2510.26692",
    2025,
    "Kimi Linear: An Expressive, Efficient Attention Architecture",
    answers="long context",
    builds_on="multi_head_latent_attention",
)
def position_free_latent_attention(x, heads: choice(1, 2, 4, 8) = 4, ratio: choice(2, 4, 8) = 2) -> mixer:
    """Beside recurrences, which know the order of tokens, attention over latents needs no positions of its own."""
    q = split_heads(linear(x), heads)
    latent = rms_norm(linear(x, width // ratio))
    k = split_heads(linear(latent, width), heads)
    v = split_heads(linear(latent, width), heads)
    return linear(merge_heads(attend(q, k, v)))


@published("2310.06825", 2023, "Mistral 7B", answers="cost", builds_on="attention", replaces="attention")
def sliding_window_attention(
    x,
    heads: choice(4, 8) = 4,
    window: choice(8, 16, 32, 64, 128) = 32,
    sharing: choice(1, 2, 4) = 1,
) -> mixer:
    """Look only at the last few positions; depth carries information further back."""
    q = rope(split_heads(linear(x), heads))
    k = rope(split_heads(linear(x, width // sharing), heads // sharing))
    v = split_heads(linear(x, width // sharing), heads // sharing)
    return linear(merge_heads(attend(q, k, v, window=window)))


@published(
    "2108.12409",
    2021,
    "Train Short, Test Long: Attention with Linear Biases Enables Input Length Extrapolation",
    answers="long context",
    builds_on="plain_attention",
    replaces=("plain_attention", "attention"),
)
def alibi_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Lower scores in proportion to distance, each head at its own rate, and longer inputs stay familiar."""
    q = split_heads(linear(x), heads)
    k = split_heads(linear(x), heads)
    v = split_heads(linear(x), heads)
    return linear(merge_heads(attend(q, k, v, alibi=True)))


@published(
    "2010.04245",
    2020,
    "Query-Key Normalization for Transformers",
    answers="stability",
    builds_on="attention",
    replaces="plain_attention",
)
def query_key_norm_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Compare directions only and learn how sharp the comparison is, so that scores cannot run away."""
    q = rope(gain(l2_normalize(split_heads(linear(x), heads)), 8.0))
    k = rope(l2_normalize(split_heads(linear(x), heads)))
    v = split_heads(linear(x), heads)
    return linear(merge_heads(attend(q, k, v, scale=1.0)))


@published(
    "2410.05258", 2024, "Differential Transformer", answers="recall", builds_on="attention", replaces="attention"
)
def differential_attention(x, heads: choice(1, 2, 4) = 2, strength: choice(0.2, 0.5, 0.8) = 0.5) -> mixer:
    """Subtract a second attention map from the first, so that what both attend to by mistake cancels."""
    size = width // (2 * heads)
    q_first = rope(split_heads(linear(x, width // 2), heads))
    k_first = rope(split_heads(linear(x, width // 2), heads))
    q_second = rope(split_heads(linear(x, width // 2), heads))
    k_second = rope(split_heads(linear(x, width // 2), heads))
    v = split_heads(linear(x), heads)
    rise = exp(total(weight(size, scale=0.1) * weight(size, scale=0.1)))
    fall = exp(total(weight(size, scale=0.1) * weight(size, scale=0.1)))
    difference = attend(q_first, k_first, v) - (rise - fall + strength) * attend(q_second, k_second, v)
    return linear(merge_heads(rms_norm(difference)) * (1 - strength))


@published(
    "2505.06708",
    2025,
    "Gated Attention for Large Language Models: Non-linearity, Sparsity, and Attention-Sink-Free",
    answers="stability",
    builds_on="attention",
    replaces="attention",
)
def gated_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """A sigmoid gate on what attention returns lets a head say nothing, without a sink to attend to."""
    q = rope(split_heads(linear(x), heads))
    k = rope(split_heads(linear(x), heads))
    v = split_heads(linear(x), heads)
    return linear(merge_heads(attend(q, k, v)) * sigmoid(linear(x)))


@published(
    "2503.02130",
    2025,
    "Forgetting Transformer: Softmax Attention with a Forget Gate",
    answers="long context",
    builds_on="plain_attention",
    replaces="attention",
)
def forgetting_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Forget gates between two positions lower their score, so that recency is learned from the data."""
    q = split_heads(linear(x), heads)
    k = split_heads(linear(x), heads)
    v = split_heads(linear(x), heads)
    forget = log_sigmoid(linear(x, heads) + offset(ramp(heads, 1.0, 6.0)))
    return linear(merge_heads(attend(q, k, v, log_decay=forget)))


@published(
    "2109.08668",
    2021,
    "Primer: Searching for Efficient Transformers for Language Modeling",
    answers="recall",
    builds_on="attention",
    replaces="plain_attention",
)
def convolved_attention(x, heads: choice(1, 2, 4, 8) = 4, kernel: choice(2, 3, 4) = 3) -> mixer:
    """A short filter on queries, keys and values lets one layer match on what came just before."""
    q = rope(split_heads(causal_conv(linear(x), kernel), heads))
    k = rope(split_heads(causal_conv(linear(x), kernel), heads))
    v = split_heads(causal_conv(linear(x), kernel), heads)
    return linear(merge_heads(attend(q, k, v)))


@published(
    "2411.19574",
    2024,
    "KV Shifting Attention Enhances Language Modeling",
    answers="copying",
    builds_on="attention",
    replaces="attention",
)
def shifted_key_value_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Mix each key and value with its predecessor's by learned amounts, and one layer can do induction."""
    q = rope(split_heads(linear(x), heads))
    keys = split_heads(linear(x), heads)
    values = split_heads(linear(x), heads)
    keep_key = weight(heads, 1, initial="ones", scale=0.5)
    keep_value = weight(heads, 1, initial="ones", scale=0.5)
    shift_key = weight(heads, 1, initial="ones", scale=0.5)
    shift_value = weight(heads, 1, initial="ones", scale=0.5)
    k = rope(keep_key * keys + shift_key * shift(keys))
    v = keep_value * values + shift_value * shift(values)
    return linear(merge_heads(attend(q, k, v)))


@published(
    "2410.17897",
    2024,
    "Value Residual Learning",
    answers="memorisation",
    builds_on="attention",
    replaces="attention",
)
def value_residual_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Mix the first layer's values into those of later layers, where token detail is otherwise washed out."""
    q = rope(split_heads(linear(x), heads))
    k = rope(split_heads(linear(x), heads))
    own = linear(x)
    first = share(shared(own, "values"), "values")
    v = split_heads((own + gain(first)) / 2, heads)
    return linear(merge_heads(attend(q, k, v)))


@published(
    "2405.12981",
    2024,
    "Reducing Transformer Key-Value Cache Size with Cross-Layer Attention",
    answers="cost",
    builds_on="attention",
    replaces=("multi_query_attention", "grouped_query_attention"),
)
def cross_layer_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Later layers ask new questions of the keys and values that an earlier layer already stored."""
    q = rope(split_heads(linear(x), heads))
    keys = share(shared(linear(x), "keys"), "keys")
    values = share(shared(linear(x), "cached values"), "cached values")
    return linear(merge_heads(attend(q, rope(split_heads(keys, heads)), split_heads(values, heads))))
