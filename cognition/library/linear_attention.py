# pyright: reportInvalidTypeForm=false
"""Linear attention: a matrix state that sums products of keys and values, read by queries."""

from __future__ import annotations

from cognition.library.convolutions import token_shift
from cognition.library.norms import rms_norm
from genome.language import (
    absolute,
    causal_conv,
    choice,
    cumulative_sum,
    einsum,
    exp,
    expand,
    gain,
    generalized_delta_rule,
    l2_normalize,
    linear,
    linear_attention,
    linear_scan,
    log,
    log_sigmoid,
    maximum,
    merge_heads,
    minimum,
    mixer,
    offset,
    published,
    ramp,
    relu,
    rms_normalize,
    rope,
    share,
    shared,
    shift,
    sigmoid,
    silu,
    softmax,
    split_heads,
    sqrt,
    standardize,
    tanh,
    weight,
    width,
)


@published(
    "2006.16236",
    2020,
    "Transformers are RNNs: Fast Autoregressive Transformers with Linear Attention",
    answers="cost",
    builds_on="plain_attention",
    replaces="plain_attention",
)
def plain_linear_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """With positive features in place of the exponential, attention is a running sum of constant size."""
    q = split_heads(linear(x), heads)
    k = split_heads(linear(x), heads)
    v = split_heads(linear(x), heads)
    q_positive = exp(minimum(q, 0)) + relu(q)
    k_positive = exp(minimum(k, 0)) + relu(k)
    weights = linear_attention(q_positive, k_positive, expand(ramp(heads, 1.0, 1.0)))
    return linear(merge_heads(linear_attention(q_positive, k_positive, v) / weights))


@published(
    "2307.08621",
    2023,
    "Retentive Network: A Successor to Transformer for Large Language Models",
    answers="cost",
    builds_on=("plain_linear_attention", "attention"),
    replaces="plain_attention",
)
def retention(x, heads: choice(1, 2, 4, 8) = 4, expansion: choice(1, 2) = 2) -> mixer:
    """Each head forgets at its own fixed rate, and normalised heads need no softmax."""
    q = rope(split_heads(linear(x), heads))
    k = rope(split_heads(linear(x), heads))
    v = split_heads(linear(x, expansion * width), heads)
    decay = log(1 - exp(ramp(heads, -3.4657, -6.2383)))
    y = rms_normalize(linear_attention(q, k, v, log_decay=decay))
    return linear(merge_heads(y) * silu(linear(x, expansion * width)), width)


@published(
    "2312.06635",
    2023,
    "Gated Linear Attention Transformers with Hardware-Efficient Training",
    answers="recall",
    builds_on="retention",
    replaces="retention",
)
def gated_linear_attention(x, heads: choice(1, 2, 4, 8) = 4, rank: choice(4, 8, 16) = 16) -> mixer:
    """Decay each channel of the state by a gate that reads the input."""
    q = split_heads(linear(x, width // 2), heads)
    k = split_heads(linear(x, width // 2), heads)
    v = split_heads(linear(x), heads)
    decay = split_heads(log_sigmoid(linear(linear(x, rank), width // 2, bias=True)) / 16, heads)
    y = rms_norm(linear_attention(q, k, v, log_decay=decay))
    return linear(merge_heads(y) * silu(linear(x)))


@published(
    "2404.07904",
    2024,
    "HGRN2: Gated Linear RNNs with State Expansion",
    answers="compression",
    builds_on=("hierarchical_gated_recurrence", "gated_linear_attention"),
    replaces="hierarchical_gated_recurrence",
)
def hgrn2(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Write with what the forget gate leaves free, so that key and decay are one vector."""
    q = split_heads(silu(linear(x)), heads)
    floor = sigmoid(offset(ramp(width, -2.0, 3.0)))
    k = split_heads((1 - floor) * (1 - sigmoid(linear(x))), heads)
    v = split_heads(linear(x), heads)
    y = linear_attention(q, k, v, log_decay=log(1 - k))
    return linear(rms_norm(merge_heads(y)))


@published(
    "2405.04517",
    2024,
    "xLSTM: Extended Long Short-Term Memory",
    answers="compression",
    builds_on="gated_linear_attention",
)
def matrix_lstm(
    x, heads: choice(1, 2, 4, 8) = 4, expansion: choice(1, 2) = 1, kernel: choice(2, 3, 4) = 4
) -> mixer:
    """A matrix memory with exponential input gates can revise how much earlier writes count."""
    u = linear(x, expansion * width)
    local = silu(causal_conv(u, kernel))
    q = split_heads(linear(local), heads)
    k = split_heads(linear(local), heads)
    v = split_heads(linear(u), heads)
    forget = log_sigmoid(linear(x, heads) + offset(ramp(heads, 3.0, 6.0)))
    written = k * expand(exp(8 * tanh(linear(x, heads) / 8)))
    counted = linear_attention(q, written, expand(ramp(heads, 1.0, 1.0)), log_decay=forget)
    y = linear_attention(q, written, v, log_decay=forget) / maximum(absolute(counted), 1)
    return linear((merge_heads(rms_norm(y)) + gain(local)) * silu(linear(x, expansion * width)), width)


@published(
    "2404.05892",
    2024,
    "Eagle and Finch: RWKV with Matrix-Valued States and Dynamic Recurrence",
    answers="compression",
    builds_on=("rwkv4_time_mixing", "gated_linear_attention"),
    replaces="rwkv4_time_mixing",
)
def rwkv6_time_mixing(x, heads: choice(1, 2, 4, 8) = 4, rank: choice(4, 8, 16) = 16) -> mixer:
    """Channels decay by rates that read the input, and the current token enters with a bonus of its own."""
    r = split_heads(linear(token_shift(x)), heads)
    k = split_heads(linear(token_shift(x)), heads)
    v = split_heads(linear(token_shift(x)), heads)
    g = silu(linear(token_shift(x)))
    adapted = linear(tanh(linear(token_shift(x), rank)), width) + offset(ramp(width, -6.0, -1.0))
    decay = split_heads(-exp(minimum(adapted, 2)), heads)
    past = linear_attention(r, shift(k), shift(v), log_decay=shift(decay))
    bonus = weight(heads, width // heads, initial="ones", scale=0.5)
    now = v * expand(einsum("hk,hk->h", r * bonus, k)) / sqrt(width // heads)
    return linear(merge_heads(rms_norm(past + now)) * g)


@published(
    "2105.14103",
    2021,
    "An Attention Free Transformer",
    answers="cost",
    builds_on="plain_attention",
    replaces="plain_attention",
)
def attention_free(x) -> mixer:
    """Average all earlier values with positive weights from the keys alone, and gate the result."""
    k = exp(8 * tanh(linear(x) / 8))
    average = cumulative_sum(k * linear(x)) / cumulative_sum(k)
    return linear(sigmoid(linear(x)) * average)


@published(
    "2501.08313",
    2025,
    "MiniMax-01: Scaling Foundation Models with Lightning Attention",
    answers="long context",
    builds_on=("plain_linear_attention", "retention", "alibi_attention"),
    replaces="plain_attention",
)
def lightning_attention(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """Linear attention with a fixed decay per head, a norm in place of the divisor and a gate scales far."""
    q = split_heads(silu(linear(x)), heads)
    k = split_heads(silu(linear(x)), heads)
    v = split_heads(silu(linear(x)), heads)
    decay = -exp(ramp(heads, -5.545 / heads, -5.545))
    y = rms_norm(merge_heads(linear_attention(q, k, v, log_decay=decay)))
    return linear(y * sigmoid(linear(x)))


@published(
    "2409.07146",
    2024,
    "Gated Slot Attention for Efficient Linear-Time Sequence Modeling",
    answers="recall",
    builds_on=("gated_linear_attention", "plain_attention"),
    replaces="gated_linear_attention",
)
def gated_slot_attention(x, heads: choice(1, 2, 4, 8) = 4, slots: choice(4, 8, 16) = 8) -> mixer:
    """Keep a few slots of keys and values that forget by gates, and read them by a softmax, as attention would."""
    q = split_heads(silu(linear(x)), heads) / sqrt(width // heads)
    k = split_heads(silu(linear(x)), heads)
    v = split_heads(linear(x), heads)
    forget = split_heads(exp(log_sigmoid(linear(x, heads * slots)) / 8), heads)
    keys = linear_scan(expand(forget), einsum("hm,hd->hmd", 1 - forget, k))
    values = linear_scan(expand(forget), einsum("hm,hd->hmd", 1 - forget, v))
    routes = softmax(einsum("hmd,hd->hm", keys, q))
    y = einsum("hm,hmd->hd", routes, values)
    return linear(rms_norm(merge_heads(silu(y))))


@published(
    "2404.05892",
    2024,
    "Eagle and Finch: RWKV with Matrix-Valued States and Dynamic Recurrence",
    answers="compression",
    builds_on=("rwkv4_time_mixing", "retention"),
    replaces="rwkv4_time_mixing",
)
def rwkv5_time_mixing(x, heads: choice(1, 2, 4, 8) = 4) -> mixer:
    """A matrix state per head, each channel with a learned decay of its own, holds more than averages do."""
    r = split_heads(linear(token_shift(x)), heads)
    k = split_heads(linear(token_shift(x)), heads)
    v = split_heads(linear(token_shift(x)), heads)
    g = silu(linear(token_shift(x)))
    decay = split_heads(-exp(offset(ramp(width, -6.0, -1.0))), heads)
    past = linear_attention(r, shift(k), shift(v), log_decay=decay)
    bonus = weight(heads, width // heads, initial="ones", scale=0.5)
    now = v * expand(einsum("hk,hk->h", r * bonus, k)) / sqrt(width // heads)
    return linear(merge_heads(rms_norm(past + now)) * g)


@published(
    "2503.14456",
    2025,
    'RWKV-7 "Goose" with Expressive Dynamic State Evolution',
    answers="state tracking",
    builds_on=("rwkv6_time_mixing", "delta_net", "value_residual_attention"),
    replaces="rwkv6_time_mixing",
)
def rwkv7_time_mixing(x, heads: choice(1, 2, 4, 8) = 4, rank: choice(4, 8, 16, 32, 64) = 16) -> mixer:
    """Forget by channel, remove under one key at a learned rate and write under another: a state can swap entries."""
    r = split_heads(linear(token_shift(x)), heads)
    adapted = linear(tanh(linear(token_shift(x), rank)), width) + offset(ramp(width, -6.5, -1.5))
    decay = split_heads(-0.606531 * sigmoid(adapted), heads)
    keys = linear(token_shift(x))
    rate = sigmoid(linear(linear(token_shift(x), rank), width, bias=True))
    local = token_shift(x)
    own = linear(local)
    first = share(shared(own, "values"), "values")
    v = split_heads(own + (gain(first) - own) * sigmoid(linear(linear(local, rank // 2), width, bias=True)), heads)
    k = split_heads(keys * (1 + gain(rate - 1)), heads)
    removed = l2_normalize(split_heads(gain(keys), heads))
    y = generalized_delta_rule(r, k, v, removed, split_heads(rate, heads), decay)
    bonus = v * expand(einsum("hk,hk->h", r * weight(heads, width // heads, initial="zeros"), k))
    g = linear(sigmoid(linear(token_shift(x), 2 * rank)), width)
    return linear((offset(gain(merge_heads(standardize(y)))) + merge_heads(bonus)) * g)
