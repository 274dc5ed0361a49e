# pyright: reportInvalidTypeForm=false
"""Positions: how the stream is told where a token stands."""

from __future__ import annotations

from genome.language import (
    causal_conv,
    choice,
    concat,
    cos,
    exp,
    gelu,
    linear,
    offset,
    position,
    position_embedding,
    published,
    ramp,
    sin,
    sinusoid,
    sqrt,
    weight,
    width,
)


@published("1706.03762", 2017, "Attention Is All You Need", answers="copying")
def sinusoidal_positions(x) -> position:
    """Add fixed waves of many periods, from which relative offsets are linear to read."""
    return x + sinusoid(width)


@published(
    "",
    2019,
    "Language Models are Unsupervised Multitask Learners",
    answers="copying",
    builds_on="sinusoidal_positions",
    replaces="sinusoidal_positions",
)
def learned_positions(x) -> position:
    """Add a learned vector for every place in the context."""
    return x + position_embedding()


@published(
    "2202.10447",
    2022,
    "Transformer Quality in Linear Time",
    answers="stability",
    builds_on="sinusoidal_positions",
)
def scaled_sinusoidal_positions(x) -> position:
    """Let a learned number decide how loud the positional waves are."""
    return x + sinusoid(width) * weight(1, initial="ones", scale=0.1)


@published(
    "2102.10882",
    2021,
    "Conditional Positional Encodings for Vision Transformers",
    answers="long context",
    builds_on="learned_positions",
)
def convolutional_positions(x, kernel: choice(2, 3, 4, 8) = 4) -> position:
    """A short filter over neighbours tells positions apart at any length."""
    return x + causal_conv(x, kernel)


@published(
    "2106.02795",
    2021,
    "Learnable Fourier Features for Multi-Dimensional Spatial Positional Encoding",
    answers="copying",
    builds_on="sinusoidal_positions",
    replaces=("sinusoidal_positions", "learned_positions"),
)
def fourier_positions(x, features: choice(16, 32, 64) = 32) -> position:
    """Waves whose periods are learned, passed through a small network, fit the distances that matter."""
    angle = position() * exp(offset(ramp(features, 0.0, -6.9)))
    waves = concat(sin(angle), cos(angle)) / sqrt(features)
    return x + linear(gelu(linear(waves, 32, bias=True)), width)
