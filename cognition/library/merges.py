# pyright: reportInvalidTypeForm=false
"""Merges: how two parallel branches become one."""

from __future__ import annotations

from cognition.library.norms import rms_norm
from genome.language import concat, linear, merge, published, sigmoid, silu, width


@published("2204.02311", 2022, "PaLM: Scaling Language Modeling with Pathways", answers="cost")
def add_merge(left, right) -> merge:
    """Compute branches side by side from the same input and add them."""
    return left + right


@published("1605.07648", 2016, "FractalNet: Ultra-Deep Neural Networks without Residuals", answers="stability")
def mean_merge(left, right) -> merge:
    """Average paths, so that each alone must be worth reading."""
    return (left + right) / 2


@published(
    "2411.13676",
    2024,
    "Hymba: A Hybrid-head Architecture for Small Language Models",
    answers="stability",
    builds_on=("mean_merge", "rms_norm"),
    replaces="mean_merge",
)
def normalized_mean_merge(left, right) -> merge:
    """Normalise each path before the average, since recurrent and attention outputs differ in size."""
    return (rms_norm(left) + rms_norm(right)) / 2


@published("1702.01992", 2017, "Gated Multimodal Units for Information Fusion", answers="text")
def gated_merge(left, right) -> merge:
    """A gate that sees both paths picks between them, feature by feature."""
    gate = sigmoid(linear(concat(left, right), width))
    return gate * left + (1 - gate) * right


@published(
    "2207.02971",
    2022,
    "Branchformer: Parallel MLP-Attention Architectures to Capture Local and Global Context",
    answers="text",
)
def concat_merge(left, right) -> merge:
    """Put local and global paths side by side and let a matrix mix their features."""
    return linear(concat(left, right), width)


@published("1612.08083", 2016, "Language Modeling with Gated Convolutional Networks", answers="text")
def product_merge(left, right) -> merge:
    """One path gates the other by multiplication."""
    return left * silu(right)
