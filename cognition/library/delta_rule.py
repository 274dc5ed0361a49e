# pyright: reportInvalidTypeForm=false
"""Delta rules: a matrix state that corrects what a key recalls instead of only adding to it."""

from __future__ import annotations

from cognition.library.norms import rms_norm
from genome.language import (
    causal_conv,
    choice,
    delta_rule,
    exp,
    expand,
    l2_normalize,
    linear,
    merge_heads,
    mixer,
    offset,
    published,
    ramp,
    repeat,
    sigmoid,
    silu,
    softplus,
    split_heads,
    weight,
    width,
)


@published(
    "2406.06484",
    2024,
    "Parallelizing Linear Transformers with the Delta Rule over Sequence Length",
    answers="recall",
    builds_on="plain_linear_attention",
    replaces="plain_linear_attention",
)
def delta_net(x, heads: choice(1, 2, 4, 8) = 4, kernel: choice(2, 3, 4) = 4) -> mixer:
    """Before writing a value, remove what its key recalls, so that keys can be reused without blur."""
    q = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel)), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel)), heads))
    v = split_heads(silu(causal_conv(linear(x), kernel)), heads)
    beta = sigmoid(linear(x, heads))
    return linear(merge_heads(rms_norm(delta_rule(q, k, v, beta))))


@published(
    "2411.12537",
    2024,
    "Unlocking State-Tracking in Linear RNNs Through Negative Eigenvalues",
    answers="state tracking",
    builds_on="delta_net",
    replaces="delta_net",
)
def reflecting_delta_net(x, heads: choice(1, 2, 4, 8) = 4, kernel: choice(2, 3, 4) = 4) -> mixer:
    """Correcting by up to twice the error can flip the sign of what is stored, which counting and parity need."""
    q = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel)), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel)), heads))
    v = split_heads(silu(causal_conv(linear(x), kernel)), heads)
    beta = 2 * sigmoid(linear(x, heads))
    return linear(merge_heads(rms_norm(delta_rule(q, k, v, beta))))


@published(
    "2412.06464",
    2024,
    "Gated Delta Networks: Improving Mamba2 with Delta Rule",
    answers="recall",
    builds_on=("delta_net", "mamba2"),
    replaces=("delta_net", "mamba2"),
)
def gated_delta_net(x, heads: choice(1, 2, 4, 8) = 4, kernel: choice(2, 3, 4) = 4) -> mixer:
    """A decay clears the whole memory quickly, the delta rule edits one entry precisely: use both."""
    q = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel)), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel)), heads))
    v = split_heads(silu(causal_conv(linear(x), kernel)), heads)
    beta = sigmoid(linear(x, heads))
    step = softplus(linear(x, heads) + offset(ramp(heads, -6.9, -2.3)))
    decay = -(step * exp(offset(ramp(heads, 0.0, 2.77))))
    y = rms_norm(delta_rule(q, k, v, beta, log_decay=decay))
    return linear(merge_heads(y) * silu(linear(x)))


@published(
    "2502.10297",
    2025,
    "DeltaProduct: Improving State-Tracking in Linear RNNs via Householder Products",
    answers="state tracking",
    builds_on=("delta_net", "reflecting_delta_net"),
    replaces="reflecting_delta_net",
)
def delta_product(
    x, heads: choice(1, 2, 4, 8) = 4, updates: choice(2, 3) = 2, kernel: choice(2, 3, 4) = 4
) -> mixer:
    """Several reflections at each token compose to a rotation or a swap, so that more kinds of state can be tracked."""
    q = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel)), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x, updates * width), kernel)), updates * heads))
    v = split_heads(silu(causal_conv(linear(x, updates * width), kernel)), updates * heads)
    beta = 2 * sigmoid(linear(x, updates * heads))
    return linear(merge_heads(rms_norm(delta_rule(q, k, v, beta))))


@published(
    "2502.10297",
    2025,
    "DeltaProduct: Improving State-Tracking in Linear RNNs via Householder Products",
    answers="state tracking",
    builds_on=("gated_delta_net", "delta_product"),
    replaces="gated_delta_net",
)
def gated_delta_product(
    x, heads: choice(1, 2, 4, 8) = 4, updates: choice(2, 3) = 2, kernel: choice(2, 3, 4) = 4
) -> mixer:
    """Forget once per token, then correct several times: what is no longer needed makes room for what is tracked."""
    q = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel)), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x, updates * width), kernel)), updates * heads))
    v = split_heads(silu(causal_conv(linear(x, updates * width), kernel)), updates * heads)
    beta = 2 * sigmoid(linear(x, updates * heads))
    step = softplus(linear(x, heads) + offset(ramp(heads, -6.9, -2.3)))
    decay = -(step * exp(offset(ramp(heads, 0.0, 2.77))))
    y = rms_norm(delta_rule(q, k, v, beta, log_decay=decay))
    return linear(merge_heads(y) * silu(linear(x)))


@published(
    "2506.02475",
    2025,
    "Comba: Improving Bilinear RNNs with Closed-loop Control",
    answers="recall",
    builds_on="gated_delta_net",
    replaces="gated_delta_net",
)
def comba(x, heads: choice(1, 2, 4, 8) = 4, kernel: choice(2, 3, 4) = 4) -> mixer:
    """Remove less than is written, by a learned part, and let the query look away from the key just stored."""
    query = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel)), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel)), heads))
    v = split_heads(silu(causal_conv(linear(x), kernel)), heads)
    feedback = sigmoid(weight(heads, initial="ones", scale=2.0))
    beta = sigmoid(linear(x, heads))
    step = softplus(linear(x, heads) + offset(ramp(heads, -6.9, -2.3)))
    decay = -(step * exp(offset(ramp(heads, 0.0, 2.77))))
    q = query - weight(heads, 1, initial="ones", scale=0.02) * k
    y = rms_norm(delta_rule(q, k, v / expand(feedback), beta * feedback, log_decay=decay))
    return linear(merge_heads(y) * silu(linear(x)))


@published(
    "2510.26692",
    2025,
    "Kimi Linear: An Expressive, Efficient Attention Architecture",
    answers="recall",
    builds_on=("gated_delta_net", "gated_linear_attention"),
    replaces="gated_delta_net",
)
def kimi_delta_attention(x, heads: choice(1, 2, 4, 8) = 4, kernel: choice(2, 3, 4) = 4) -> mixer:
    """Each key channel of a corrected memory forgets at a pace of its own, so that a head holds old and new facts."""
    q = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel)), heads))
    k = l2_normalize(split_heads(silu(causal_conv(linear(x), kernel)), heads))
    v = split_heads(silu(causal_conv(linear(x), kernel)), heads)
    beta = sigmoid(linear(x, heads))
    paces = offset(repeat(ramp(width // heads, -6.9, -2.3), heads))
    step = softplus(linear(linear(x, width // heads), width) + paces)
    decay = -(split_heads(step, heads) * expand(exp(offset(ramp(heads, 0.0, 2.77)))))
    y = rms_norm(delta_rule(q, k, v, beta, log_decay=decay))
    gate = sigmoid(linear(linear(x, width // heads), width, bias=True))
    return linear(merge_heads(y) * gate)
