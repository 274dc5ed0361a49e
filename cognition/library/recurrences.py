# pyright: reportInvalidTypeForm=false
"""Gated recurrences: a few numbers of state per channel, decaying by gates that read the input, or the state too."""

from __future__ import annotations

from cognition.library.convolutions import token_shift
from cognition.library.norms import rms_norm
from genome.language import (
    causal_conv,
    choice,
    concat,
    cos,
    cumulative_sum,
    einsum,
    exp,
    gain,
    gelu,
    hidden,
    linear,
    linear_scan,
    log_sigmoid,
    lstm,
    merge_heads,
    mixer,
    offset,
    published,
    ramp,
    relu,
    shift,
    sigmoid,
    silu,
    sin,
    softplus,
    split_heads,
    sqrt,
    square,
    standardize,
    tanh,
    weight,
    width,
)


@published("1611.01576", 2016, "Quasi-Recurrent Neural Networks", answers="cost")
def quasi_recurrence(x) -> mixer:
    """Compute all gates from two neighbouring inputs at once and leave only a blend to the recurrence."""
    pair = concat(x, shift(x))
    forget = sigmoid(linear(pair, width, bias=True))
    state = linear_scan(forget, (1 - forget) * tanh(linear(pair, width)))
    return linear(sigmoid(linear(pair, width)) * state)


@published(
    "1709.02755",
    2017,
    "Simple Recurrent Units for Highly Parallelizable Recurrence",
    answers="cost",
    builds_on=("quasi_recurrence", "highway_residual"),
)
def simple_recurrent_unit(x) -> mixer:
    """A light recurrence with a highway around it keeps depth trainable."""
    forget = sigmoid(linear(x, bias=True))
    state = linear_scan(forget, (1 - forget) * linear(x))
    reset = sigmoid(linear(x, bias=True))
    return reset * state + (1 - reset) * x


@published("2410.01201", 2024, "Were RNNs All We Needed?", answers="cost", builds_on="quasi_recurrence")
def min_gru(x, expansion: choice(1, 2) = 1) -> mixer:
    """Gates that ignore the previous state make the gated unit a scan, at little loss."""
    update = sigmoid(linear(x, expansion * width, bias=True))
    return linear(linear_scan(1 - update, update * linear(x, expansion * width)), width)


@published("2410.01201", 2024, "Were RNNs All We Needed?", answers="cost", builds_on="min_gru")
def min_lstm(x, expansion: choice(1, 2) = 1) -> mixer:
    """Forget and input gates that share one sum keep the state's size independent of time."""
    forget = log_sigmoid(linear(x, expansion * width, bias=True))
    write = log_sigmoid(linear(x, expansion * width, bias=True))
    kept = sigmoid(forget - write)
    return linear(linear_scan(kept, (1 - kept) * linear(x, expansion * width)), width)


@published(
    "2311.04823",
    2023,
    "Hierarchically Gated Recurrent Neural Network for Sequence Modeling",
    answers="long context",
    builds_on="quasi_recurrence",
    replaces="quasi_recurrence",
)
def hierarchical_gated_recurrence(x) -> mixer:
    """Learned floors under the forget gates keep some channels slow, whatever the input says."""
    floor = sigmoid(offset(ramp(width, -2.0, 4.0)))
    forget = 1 - (1 - floor) * (1 - sigmoid(linear(x)))
    state = linear_scan(forget, (1 - forget) * silu(linear(x)))
    return linear(rms_norm(state) * silu(linear(x)))


@published(
    "2402.19427",
    2024,
    "Griffin: Mixing Gated Linear Recurrences with Local Attention for Efficient Language Models",
    answers="long context",
    builds_on="linear_recurrent_unit",
)
def real_gated_recurrence(x, blocks: choice(1, 2, 4, 8) = 4, kernel: choice(2, 3, 4) = 4) -> mixer:
    """Real decays near one, shortened by a gate, with inputs scaled to keep the state's size constant."""
    u = causal_conv(linear(x), kernel)
    parts = split_heads(u, blocks)
    gate = einsum("hi,hij->hj", parts, weight(blocks, width // blocks, width // blocks))
    write = einsum("hi,hij->hj", parts, weight(blocks, width // blocks, width // blocks))
    rate = softplus(offset(ramp(width, -4.3, -9.0)))
    decay = exp(-8 * rate * sigmoid(merge_heads(gate)))
    size = sqrt(1 - square(decay) + 0.000001)
    state = linear_scan(decay, size * sigmoid(merge_heads(write)) * u)
    return linear(state * gelu(linear(x)))


@published(
    "2305.13048",
    2023,
    "RWKV: Reinventing RNNs for the Transformer Era",
    answers="cost",
    builds_on=("attention_free", "token_shift"),
    replaces="plain_attention",
)
def rwkv4_time_mixing(x) -> mixer:
    """A weighted average of the past with decaying weights per channel, in which the current token has a bonus."""
    r = sigmoid(linear(token_shift(x)))
    k = exp(8 * tanh(linear(token_shift(x)) / 8))
    v = linear(token_shift(x))
    decay = exp(-exp(offset(ramp(width, -5.0, 3.0))))
    bonus = exp(weight(width, initial="ones", scale=-1.2))
    values = shift(linear_scan(decay, k * v)) + bonus * k * v
    weights = shift(linear_scan(decay, k)) + bonus * k
    return linear(r * values / weights)


@published(
    "2305.13048",
    2023,
    "RWKV: Reinventing RNNs for the Transformer Era",
    answers="memorisation",
    builds_on=("relu_squared_mlp", "token_shift"),
)
def rwkv4_channel_mixing(x) -> mixer:
    """Rectified and squared hidden units that also see the previous position, let through by a gate."""
    inner = square(relu(linear(token_shift(x), hidden)))
    return sigmoid(linear(token_shift(x))) * linear(inner, width)


@published(
    "2503.14456",
    2025,
    'RWKV-7 "Goose" with Expressive Dynamic State Evolution',
    answers="memorisation",
    builds_on="rwkv4_channel_mixing",
    replaces="rwkv4_channel_mixing",
)
def rwkv7_channel_mixing(x) -> mixer:
    """Rectified and squared hidden units that also see the previous position need no gate to let them through."""
    return linear(square(relu(linear(token_shift(x), hidden))), width)


@published(
    "2209.10655",
    2022,
    "Mega: Moving Average Equipped Gated Attention",
    answers="text",
)
def damped_moving_average(x) -> mixer:
    """Damped exponential averages at many rates give every feature a memory of its own length."""
    share_new = sigmoid(offset(ramp(width, -4.0, 2.0)))
    damping = sigmoid(offset(ramp(width, 2.0, 2.0)))
    average = linear_scan(1 - share_new * damping, share_new * x)
    return linear(silu(average + gain(x)))


@published(
    "1709.04057",
    2017,
    "Parallelizing Linear Recurrent Neural Nets Over Sequence Length",
    answers="state tracking",
    builds_on="quasi_recurrence",
    replaces="quasi_recurrence",
)
def linear_surrogate_lstm(x) -> mixer:
    """A linear recurrence stands in for the state that an LSTM's gates would read, so that all of it is a scan."""
    remember = sigmoid(linear(x, bias=True))
    surrogate = linear_scan(remember, (1 - remember) * tanh(linear(x)))
    pair = concat(x, shift(surrogate))
    forget = sigmoid(linear(pair, width, bias=True))
    write = sigmoid(linear(pair, width)) * tanh(linear(pair, width))
    state = linear_scan(forget, write)
    return linear(sigmoid(linear(pair, width)) * tanh(state))


@published(
    "2311.01927",
    2023,
    "GateLoop: Fully Data-Controlled Linear Recurrence for Sequence Modeling",
    answers="state tracking",
    builds_on=("linear_recurrent_unit", "retention"),
    replaces="linear_recurrent_unit",
)
def gate_loop(x) -> mixer:
    """The input sets how far each state shrinks and how far it turns, so that order can be counted in angles."""
    kept = sigmoid(linear(x, bias=True))
    angle = cumulative_sum(linear(x))
    written = linear(x) * linear(x)
    upright = linear_scan(kept, written * cos(angle))
    across = linear_scan(kept, written * sin(angle))
    turned = upright * cos(angle) + across * sin(angle)
    return linear(linear(x) * turned * silu(linear(x)))


@published("1503.04069", 2015, "LSTM: A Search Space Odyssey", answers="state tracking")
def long_short_term_memory(x, heads: choice(1, 2, 4, 8) = 1) -> mixer:
    """Gates that read the last result decide what a cell keeps, takes in and shows, so that a rule can be followed."""
    write = split_heads(linear(x, bias=True), heads)
    forget = split_heads(offset(linear(x), 1.0), heads)
    value = split_heads(linear(x, bias=True), heads)
    show = split_heads(linear(x, bias=True), heads)
    return merge_heads(lstm(write, forget, value, show))


@published(
    "2405.04517",
    2024,
    "xLSTM: Extended Long Short-Term Memory",
    answers="state tracking",
    builds_on=("long_short_term_memory", "group_norm"),
    replaces="long_short_term_memory",
)
def scalar_lstm(x, heads: choice(1, 2, 4, 8) = 4, kernel: choice(2, 3, 4) = 4) -> mixer:
    """Exponential input gates let a cell revise what it stored, while results of a head mix in the gates of the next."""
    parts = split_heads(x, heads)
    local = split_heads(silu(causal_conv(x, kernel)), heads)
    write = einsum("hi,hij->hj", local, weight(heads, width // heads, width // heads))
    kept = einsum("hi,hij->hj", local, weight(heads, width // heads, width // heads))
    forget = kept + split_heads(offset(ramp(width, 5.0, -3.0)), heads)
    value = offset(einsum("hi,hij->hj", parts, weight(heads, width // heads, width // heads)))
    show = offset(einsum("hi,hij->hj", parts, weight(heads, width // heads, width // heads)))
    return gain(merge_heads(standardize(lstm(write, forget, value, show, exponential=True))))
