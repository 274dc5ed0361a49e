# pyright: reportInvalidTypeForm=false
"""Residuals: how a branch joins the stream it came from."""

from __future__ import annotations

from cognition.library.norms import layer_norm, rms_norm
from genome.language import (
    choice,
    einsum,
    gain,
    linear,
    log_range,
    offset,
    published,
    residual,
    rms_normalize,
    share,
    shared,
    sigmoid,
    tanh,
    weight,
    width,
)


@published("1512.03385", 2015, "Deep Residual Learning for Image Recognition", answers="stability")
def add_residual(x, branch) -> residual:
    """Add the branch, so that depth begins as the identity and gradients pass unhindered."""
    return x + branch


@published(
    "1706.03762", 2017, "Attention Is All You Need", answers="stability", builds_on=("add_residual", "layer_norm")
)
def post_norm_residual(x, branch) -> residual:
    """Normalise after the addition, so that every layer reads a stream of one size."""
    return layer_norm(x + branch)


@published(
    "2203.00555",
    2022,
    "DeepNet: Scaling Transformers to 1,000 Layers",
    answers="stability",
    builds_on="post_norm_residual",
    replaces="post_norm_residual",
)
def deep_norm_residual(x, branch, weighting: choice(1.5, 2.0, 3.0) = 2.0) -> residual:
    """Weigh the stream above the branch before normalising, which bounds how far an update moves the model."""
    return layer_norm(weighting * x + branch)


@published(
    "2105.13290",
    2021,
    "CogView: Mastering Text-to-Image Generation via Transformers",
    answers="stability",
    builds_on=("add_residual", "rms_norm"),
    replaces="add_residual",
)
def sandwich_residual(x, branch) -> residual:
    """Normalise the branch once more before adding it, so that no branch can blow up the stream."""
    return x + rms_norm(branch)


@published(
    "2103.17239",
    2021,
    "Going deeper with Image Transformers",
    answers="stability",
    builds_on="add_residual",
    replaces="add_residual",
)
def layer_scale_residual(x, branch, initial: log_range(0.01, 1.0) = 0.1) -> residual:
    """Let each feature of a branch enter through a small learned factor."""
    return x + gain(branch, initial)


@published(
    "2003.04887",
    2020,
    "ReZero is All You Need: Fast Convergence at Large Depth",
    answers="stability",
    builds_on="add_residual",
    replaces="add_residual",
)
def rezero_residual(x, branch) -> residual:
    """Start every branch at exactly zero and learn one number that lets it in."""
    return x + weight(1, initial="zeros") * branch


@published("1505.00387", 2015, "Highway Networks", answers="stability")
def highway_residual(x, branch) -> residual:
    """A gate that reads the stream decides, feature by feature, between carrying and transforming."""
    transform = sigmoid(offset(linear(x), -1.0))
    return transform * branch + (1 - transform) * x


@published(
    "1910.06764",
    2019,
    "Stabilizing Transformers for Reinforcement Learning",
    answers="stability",
    builds_on="highway_residual",
    replaces="add_residual",
)
def gated_recurrent_residual(x, branch) -> residual:
    """Join stream and branch by a recurrent unit's gates, biased to pass the stream at first."""
    reset = sigmoid(linear(branch) + linear(x))
    update = sigmoid(offset(linear(branch) + linear(x), -2.0))
    candidate = tanh(linear(branch) + linear(reset * x))
    return (1 - update) * x + update * candidate


@published(
    "2410.01131",
    2024,
    "nGPT: Normalized Transformer with Representation Learning on the Hypersphere",
    answers="stability",
    builds_on="add_residual",
    replaces="add_residual",
)
def hypersphere_residual(x, branch, initial: log_range(0.02, 0.5) = 0.1) -> residual:
    """Move along a sphere towards the branch by a learned step per feature."""
    here = rms_normalize(x)
    return rms_normalize(here + gain(rms_normalize(branch) - here, initial))


@published(
    "2409.19606",
    2024,
    "Hyper-Connections",
    answers="stability",
    builds_on="add_residual",
    replaces="add_residual",
)
def hyper_connection_residual(x, branch) -> residual:
    """Carry a second stream beside the first, and learn how both pass on, take in and feed each branch."""
    second = shared(x, "second stream")
    carried = weight(1, initial="ones") * second + weight(1, initial="zeros") * x
    stored = share(carried + weight(1, initial="ones", scale=0.5) * branch, "second stream")
    read = weight(1, initial="ones", scale=0.1) * stored
    return x + weight(1, initial="ones") * branch + read


@published(
    "2411.07501",
    2024,
    "LAuReL: Learned Augmented Residual Layer",
    answers="stability",
    builds_on="add_residual",
    replaces="add_residual",
)
def augmented_residual(x, branch, rank: choice(4, 8, 16) = 8) -> residual:
    """Weigh the branch by a learned number and let a narrow detour change what the stream carries."""
    detour = einsum("r,rd->d", linear(x, rank), weight(rank, width, initial="zeros"))
    return x + weight(1, initial="ones") * branch + detour
