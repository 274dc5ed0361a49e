# pyright: reportInvalidTypeForm=false
"""State spaces: recurrences derived from linear differential equations."""

from __future__ import annotations

from cognition.library.norms import rms_norm
from genome.language import (
    causal_conv,
    choice,
    clip,
    concat,
    cos,
    einsum,
    exp,
    expand,
    gain,
    gelu,
    hidden,
    linear,
    linear_attention,
    linear_scan,
    log,
    long_conv,
    maximum,
    merge_heads,
    mixer,
    offset,
    position,
    published,
    ramp,
    repeat,
    sigmoid,
    silu,
    sin,
    softplus,
    split_heads,
    sqrt,
    square,
    weight,
    width,
)


@published(
    "2206.11893",
    2022,
    "On the Parameterization and Initialization of Diagonal State Space Models",
    answers="long context",
)
def diagonal_state_space(x, state: choice(4, 8, 16) = 8) -> mixer:
    """A diagonal linear system is a convolution with a sum of damped waves."""
    step = exp(offset(ramp(width, -6.9, -2.3)))
    damping = exp(offset(ramp(state, -0.7, -0.7)))
    frequency = offset(ramp(state, 0.0, 3.1416 * (state - 1)))
    time = expand(position() * step)
    waves = exp(-(time * damping)) * cos(time * frequency)
    response = einsum("dn,dn->d", waves, weight(width, state, scale=1.0)) * step
    return long_conv(x, response) + gain(x)


@published(
    "2206.11893",
    2022,
    "On the Parameterization and Initialization of Diagonal State Space Models",
    answers="long context",
    builds_on="diagonal_state_space",
)
def s4d(x, state: choice(4, 8, 16) = 8) -> mixer:
    """Damped waves mix positions, then a curve and a gated projection mix features."""
    y = gelu(diagonal_state_space(x, state))
    return linear(y) * sigmoid(linear(y))


@published(
    "2212.14052",
    2022,
    "Hungry Hungry Hippos: Towards Language Modeling with State Space Models",
    answers="recall",
    builds_on="diagonal_state_space",
    replaces="plain_attention",
)
def h3(x, state: choice(4, 8, 16) = 8, kernel: choice(2, 4, 8) = 4) -> mixer:
    """A shift that remembers what came before and a long memory, joined by products: recall without attention."""
    q = linear(x)
    k = causal_conv(linear(x), kernel)
    v = linear(x)
    return linear(q * diagonal_state_space(k * v, state))


@published(
    "2303.06349",
    2023,
    "Resurrecting Recurrent Neural Networks for Long Sequences",
    answers="long context",
    builds_on="diagonal_state_space",
    replaces="s4d",
)
def linear_recurrent_unit(x, expansion: choice(1, 2) = 1) -> mixer:
    """Rotate and shrink complex states by learned amounts, normalised so that slow states do not grow large."""
    real = linear(x, expansion * width)
    imaginary = linear(x, expansion * width)
    angle = position() * exp(offset(repeat(ramp(8, -6.0, 0.0), expansion * width // 8)))
    decay = exp(-exp(offset(ramp(expansion * width, -2.25, -6.9))))
    size = sqrt(1 - square(decay) + 0.000001)
    state_real = linear_scan(decay, (real * cos(angle) + imaginary * sin(angle)) * size)
    state_imaginary = linear_scan(decay, (imaginary * cos(angle) - real * sin(angle)) * size)
    turned_real = state_real * cos(angle) - state_imaginary * sin(angle)
    turned_imaginary = state_real * sin(angle) + state_imaginary * cos(angle)
    y = gelu(linear(concat(turned_real, turned_imaginary), width) + gain(x))
    return linear(y) * sigmoid(linear(y))


@published(
    "2312.00752",
    2023,
    "Mamba: Linear-Time Sequence Modeling with Selective State Spaces",
    answers="compression",
    builds_on=("s4d", "h3"),
    replaces=("s4d", "h3"),
)
def selective_state_space(x, state: choice(4, 8, 16) = 8, kernel: choice(2, 3, 4) = 4) -> mixer:
    """Let the input set the step of a state space, so that it keeps what matters and skips what does not."""
    u = silu(causal_conv(linear(x, hidden), kernel))
    gate = silu(linear(x, hidden))
    step = softplus(linear(linear(u, width // 16), hidden) + offset(ramp(hidden, -6.9, -2.3)))
    rate = exp(log(ramp(state, 1.0, state)) + weight(hidden, state, initial="zeros"))
    written = expand(step * u) * linear(u, state)
    y = einsum("dn,n->d", linear_scan(exp(-(expand(step) * rate)), written), linear(u, state))
    return linear((y + gain(u)) * gate, width)


@published(
    "2405.21060",
    2024,
    "Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured State Space Duality",
    answers="compression",
    builds_on=("selective_state_space", "retention"),
    replaces="selective_state_space",
)
def mamba2(
    x,
    heads: choice(1, 2, 4, 8) = 4,
    state: choice(8, 16, 32, 64, 128) = 32,
    kernel: choice(2, 3, 4) = 4,
) -> mixer:
    """One decay per head turns the selective state space into linear attention, so that the state can be large."""
    v = split_heads(silu(causal_conv(linear(x, hidden), kernel)), heads)
    k = silu(causal_conv(linear(x, state), kernel))
    q = silu(causal_conv(linear(x, state), kernel))
    step = softplus(linear(x, heads) + offset(ramp(heads, -6.9, -2.3)))
    rate = exp(offset(ramp(heads, 0.0, 2.77)))
    q_shared = split_heads(repeat(q, heads), heads)
    k_shared = split_heads(repeat(k, heads), heads)
    y = linear_attention(q_shared, k_shared, v * expand(step), log_decay=-(step * rate))
    return linear(rms_norm(merge_heads(y + gain(v)) * silu(linear(x, hidden))), width)


@published(
    "2407.14207",
    2024,
    "Longhorn: State Space Models are Amortized Online Learners",
    answers="recall",
    builds_on="selective_state_space",
    replaces="selective_state_space",
)
def longhorn(x, state: choice(4, 8, 16) = 8, kernel: choice(2, 3, 4) = 4) -> mixer:
    """Derive the decay from the step that best recalls the new pair, so that writing a key frees its old value."""
    u = silu(causal_conv(linear(x, hidden), kernel))
    gate = silu(linear(x, hidden))
    k = linear(u, state)
    trust = sigmoid(linear(linear(u, width // 16), hidden, bias=True))
    length = einsum("n,n->", k, k)
    step = trust / (1 + trust * maximum(length, 0))
    kept = clip(1 - expand(step) * square(k), 0.0, 1.0)
    y = einsum("dn,n->d", linear_scan(kept, expand(step * u) * k), linear(u, state))
    return linear((y + gain(u)) * gate, width)


@published(
    "2208.04933",
    2022,
    "Simplified State Space Layers for Sequence Modeling",
    answers="long context",
    builds_on="diagonal_state_space",
    replaces="diagonal_state_space",
)
def s5(x, state: choice(8, 16, 32) = 16) -> mixer:
    """One system that reads and writes all features, run as a scan, in place of a system for each feature."""
    step = exp(offset(ramp(state, -6.9, -2.3)))
    angle = position() * (step * offset(ramp(state, 0.0, 3.1416 * (state - 1))))
    decay = exp(-(step * exp(offset(ramp(state, -0.7, -0.7)))))
    real = linear(x, state) * step
    imaginary = linear(x, state) * step
    state_real = linear_scan(decay, real * cos(angle) + imaginary * sin(angle))
    state_imaginary = linear_scan(decay, imaginary * cos(angle) - real * sin(angle))
    turned_real = state_real * cos(angle) - state_imaginary * sin(angle)
    turned_imaginary = state_real * sin(angle) + state_imaginary * cos(angle)
    y = gelu(linear(concat(turned_real, turned_imaginary), width) + gain(x))
    return y * sigmoid(linear(y))


@published(
    "2206.13947",
    2022,
    "Long Range Language Modeling via Gated State Spaces",
    answers="cost",
    builds_on=("diagonal_state_space", "sigmoid_glu"),
    replaces="diagonal_state_space",
)
def gated_state_space(x, state: choice(4, 8, 16) = 8, ratio: choice(2, 4) = 4) -> mixer:
    """Run the state space on fewer features and let a wide gate choose from what it returns."""
    inner = width // ratio
    u = gelu(linear(x, inner))
    step = exp(offset(ramp(inner, -6.9, -2.3)))
    damping = exp(offset(ramp(state, -0.7, -0.7)))
    frequency = offset(ramp(state, 0.0, 3.1416 * (state - 1)))
    time = expand(position() * step)
    waves = exp(-(time * damping)) * cos(time * frequency)
    response = einsum("dn,dn->d", waves, weight(inner, state, scale=1.0)) * step
    y = linear(long_conv(u, response) + gain(u), width)
    return linear(y * gelu(linear(x)))
