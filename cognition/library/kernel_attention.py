# pyright: reportInvalidTypeForm=false
"""Linear attention whose features stand in for the exponential of attention, divided by the sum of weights."""

from __future__ import annotations

from genome.language import (
    choice,
    concat,
    context,
    cos,
    einsum,
    exp,
    expand,
    gain,
    linear,
    linear_attention,
    merge_heads,
    minimum,
    mixer,
    offset,
    position,
    published,
    ramp,
    relu,
    rms_normalize,
    sin,
    softmax,
    split_heads,
    sqrt,
    square,
    total,
    width,
)


@published(
    "2402.18668",
    2024,
    "Simple linear attention language models balance the recall-throughput tradeoff",
    answers="recall",
    builds_on="plain_linear_attention",
    replaces="plain_linear_attention",
)
def taylor_linear_attention(x, heads: choice(1, 2, 4, 8) = 4, features: choice(4, 8, 16) = 8) -> mixer:
    """The exponential's second-order series, written as features, keeps attention's sharpness in a fixed state."""
    q = split_heads(linear(x, heads * features), heads) / sqrt(sqrt(features))
    k = split_heads(linear(x, heads * features), heads) / sqrt(sqrt(features))
    v = split_heads(linear(x), heads)
    one = expand(ramp(heads, 1.0, 1.0))
    q_series = concat(one, q, merge_heads(einsum("hi,hj->hij", q, q)) / sqrt(2))
    k_series = concat(one, k, merge_heads(einsum("hi,hj->hij", k, k)) / sqrt(2))
    weights = linear_attention(q_series, k_series, one)
    return linear(merge_heads(linear_attention(q_series, k_series, v) / weights))


@published(
    "2402.10644",
    2024,
    "Linear Transformers with Learnable Kernel Functions are Better In-Context Models",
    answers="recall",
    builds_on="taylor_linear_attention",
    replaces="taylor_linear_attention",
)
def learned_quadratic_attention(x, heads: choice(1, 2, 4, 8) = 4, features: choice(4, 8, 16) = 8) -> mixer:
    """Squaring a learned affine map of normalised features lets a score reach zero, which ignoring needs."""
    q = offset(gain(rms_normalize(split_heads(linear(x, heads * features), heads)))) / sqrt(features)
    k = offset(gain(rms_normalize(split_heads(linear(x, heads * features), heads)))) / sqrt(features)
    v = split_heads(linear(x), heads)
    q_pairs = merge_heads(einsum("hi,hj->hij", q, q))
    k_pairs = merge_heads(einsum("hi,hj->hij", k, k))
    weights = linear_attention(q_pairs, k_pairs, expand(ramp(heads, 1.0, 1.0)))
    return linear(merge_heads(linear_attention(q_pairs, k_pairs, v) / (weights + 0.0001)))


@published(
    "2402.04347",
    2024,
    "The Hedgehog & the Porcupine: Expressive Linear Attentions with Softmax Mimicry",
    answers="recall",
    builds_on="plain_linear_attention",
    replaces=("plain_attention", "plain_linear_attention"),
)
def softmax_feature_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Learned features that pass a softmax are spiky, and linear attention over them nearly as selective."""
    q = split_heads(linear(x), heads)
    k = split_heads(linear(x), heads)
    v = split_heads(linear(x), heads)
    q_map = linear(q)
    k_map = linear(k)
    q_spiky = softmax(concat(q_map, -q_map))
    k_spiky = softmax(concat(k_map, -k_map))
    weights = linear_attention(q_spiky, k_spiky, expand(ramp(heads, 1.0, 1.0)))
    return linear(merge_heads(linear_attention(q_spiky, k_spiky, v) / (weights + 0.0001)))


@published(
    "2202.08791",
    2022,
    "cosFormer: Rethinking Softmax in Attention",
    answers="cost",
    builds_on="plain_linear_attention",
    replaces="plain_attention",
)
def cosine_reweighted_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Rectified features, weighted by the cosine of their distance, favour what is near at linear cost."""
    q = relu(split_heads(linear(x), heads))
    k = relu(split_heads(linear(x), heads))
    v = split_heads(linear(x), heads)
    angle = 1.5708 * position() / context
    q_waves = concat(q * cos(angle), q * sin(angle))
    k_waves = concat(k * cos(angle), k * sin(angle))
    weights = linear_attention(q_waves, k_waves, expand(ramp(heads, 1.0, 1.0)))
    return linear(merge_heads(linear_attention(q_waves, k_waves, v) / (weights + 0.001)))


@published(
    "2009.14794",
    2020,
    "Rethinking Attention with Performers",
    answers="cost",
    builds_on="plain_linear_attention",
    replaces="plain_attention",
)
def positive_feature_attention(x, heads: choice(1, 2, 4, 8) = 4, features: choice(16, 32, 64) = 32) -> mixer:
    """Exponentials of projections, damped by length, have the softmax's kernel as their mean; here they learn."""
    q = split_heads(linear(x), heads) / sqrt(sqrt(width // heads))
    k = split_heads(linear(x), heads) / sqrt(sqrt(width // heads))
    v = split_heads(linear(x), heads)
    q_projected = linear(q, features) * sqrt(width // heads) - expand(total(square(q))) / 2
    k_projected = linear(k, features) * sqrt(width // heads) - expand(total(square(k))) / 2
    q_positive = exp(minimum(q_projected, 10))
    k_positive = exp(minimum(k_projected, 10))
    weights = linear_attention(q_positive, k_positive, expand(ramp(heads, 1.0, 1.0)))
    return linear(merge_heads(linear_attention(q_positive, k_positive, v) / (weights + 0.0001)))
