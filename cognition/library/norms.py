# pyright: reportInvalidTypeForm=false
"""Norms: how the features of one position are rescaled before a branch."""

from __future__ import annotations

from genome.language import (
    choice,
    gain,
    merge_heads,
    norm,
    offset,
    published,
    rms_normalize,
    split_heads,
    standardize,
    tanh,
    weight,
)


@published(
    "1910.07467",
    2019,
    "Root Mean Square Layer Normalization",
    answers="stability",
    builds_on="layer_norm",
    replaces="layer_norm",
)
def rms_norm(x) -> norm:
    """Rescaling is what normalisation is needed for; subtracting the mean can be left out."""
    return gain(rms_normalize(x))


@published("1607.06450", 2016, "Layer Normalization", answers="stability")
def layer_norm(x) -> norm:
    """Normalise over the features of one example, independent of batch and length."""
    return offset(gain(standardize(x)))


@published(
    "2503.10622",
    2025,
    "Transformers without Normalization",
    answers="stability",
    builds_on="layer_norm",
    replaces=("layer_norm", "rms_norm"),
)
def dynamic_tanh(x) -> norm:
    """Layer norm acts like a squashing curve, so a tanh with a learned slope can stand in for it."""
    slope = weight(1, initial="ones", scale=0.5)
    return offset(gain(tanh(slope * x)))


@published(
    "1803.08494",
    2018,
    "Group Normalization",
    answers="stability",
    builds_on="layer_norm",
)
def group_norm(x, groups: choice(2, 4, 8) = 4) -> norm:
    """Normalise groups of features apart, so that a loud group does not silence the others."""
    return offset(gain(merge_heads(standardize(split_heads(x, groups)))))
