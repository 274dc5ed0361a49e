# pyright: reportInvalidTypeForm=false
"""Training: which optimizer, with which schedule."""

from __future__ import annotations

from genome.language import (
    choice,
    log_range,
    optimizer,
    published,
    training,
)


@published("1711.05101", 2017, "Decoupled Weight Decay Regularization", answers="stability")
def adamw(
    learning_rate: log_range(0.0001, 0.03) = 0.008,
    warmup: choice(0.01, 0.02, 0.05, 0.1, 0.2) = 0.05,
    final: choice(0.0, 0.01, 0.1) = 0.1,
    weight_decay: choice(0.0, 0.01, 0.1, 0.3) = 0.1,
    beta2: choice(0.95, 0.98, 0.99, 0.999) = 0.99,
    clip_norm: choice(0.5, 1.0, 2.0) = 1.0,
) -> training:
    """Steps scaled per parameter, decay kept apart from the gradient, and a cosine from warm-up to the end."""
    return optimizer(
        "adamw",
        learning_rate,
        schedule="cosine",
        warmup=warmup,
        final=final,
        weight_decay=weight_decay,
        beta1=0.9,
        beta2=beta2,
        clip=clip_norm,
    )


@published(
    "2404.06395",
    2024,
    "MiniCPM: Unveiling the Potential of Small Language Models with Scalable Training Strategies",
    answers="cost",
    builds_on="adamw",
    replaces="adamw",
)
def adamw_wsd(
    learning_rate: log_range(0.0001, 0.03) = 0.008,
    warmup: choice(0.01, 0.02, 0.05, 0.1, 0.2) = 0.05,
    weight_decay: choice(0.0, 0.01, 0.1, 0.3) = 0.1,
    beta2: choice(0.95, 0.98, 0.99, 0.999) = 0.99,
) -> training:
    """Hold the rate high for most of training and let it fall at the end, where much of the loss is gained."""
    return optimizer(
        "adamw",
        learning_rate,
        schedule="wsd",
        warmup=warmup,
        final=0.0,
        weight_decay=weight_decay,
        beta2=beta2,
    )


@published(
    "2302.06675",
    2023,
    "Symbolic Discovery of Optimization Algorithms",
    answers="cost",
    builds_on="adamw",
    replaces="adamw",
)
def lion(
    learning_rate: log_range(0.00003, 0.01) = 0.002,
    warmup: choice(0.01, 0.02, 0.05, 0.1, 0.2) = 0.05,
    weight_decay: choice(0.0, 0.1, 0.3, 1.0) = 0.3,
    beta2: choice(0.98, 0.99, 0.999) = 0.99,
) -> training:
    """Step by the sign of a momentum, one number of state per parameter."""
    return optimizer(
        "lion", learning_rate, schedule="cosine", warmup=warmup, weight_decay=weight_decay, beta2=beta2
    )


@published(
    "",
    2024,
    "Muon: An optimizer for hidden layers in neural networks",
    answers="cost",
    builds_on="adamw",
    replaces="adamw",
)
def muon(
    learning_rate: log_range(0.001, 0.1) = 0.02,
    warmup: choice(0.01, 0.02, 0.05, 0.1, 0.2) = 0.05,
    final: choice(0.0, 0.01, 0.1) = 0.0,
    weight_decay: choice(0.0, 0.01, 0.1) = 0.1,
    momentum: choice(0.9, 0.95) = 0.95,
) -> training:
    """Orthogonalise the momentum of each matrix, so that rare directions learn as fast as common ones."""
    return optimizer(
        "muon",
        learning_rate,
        schedule="linear",
        warmup=warmup,
        final=final,
        weight_decay=weight_decay,
        beta1=momentum,
    )


@published(
    "2502.15938",
    2025,
    "Straight to Zero: Why Linearly Decaying the Learning Rate to Zero Works Best for LLMs",
    answers="cost",
    builds_on="adamw",
    replaces="adamw",
)
def adamw_linear(
    learning_rate: log_range(0.0001, 0.03) = 0.008,
    warmup: choice(0.01, 0.02, 0.05, 0.1, 0.2) = 0.05,
    weight_decay: choice(0.0, 0.01, 0.1, 0.3) = 0.1,
    beta2: choice(0.95, 0.98, 0.99, 0.999) = 0.99,
) -> training:
    """Fall in a straight line to nothing: later steps average more noise away than a rate that stays above zero."""
    return optimizer(
        "adamw",
        learning_rate,
        schedule="linear",
        warmup=warmup,
        final=0.0,
        weight_decay=weight_decay,
        beta2=beta2,
    )


@published(
    "2502.16982",
    2025,
    "Muon is Scalable for LLM Training",
    answers="cost",
    builds_on=("muon", "adamw"),
    replaces="muon",
)
def muon_cosine(
    learning_rate: log_range(0.001, 0.1) = 0.02,
    warmup: choice(0.01, 0.02, 0.05, 0.1, 0.2) = 0.05,
    final: choice(0.0, 0.01, 0.1) = 0.1,
    weight_decay: choice(0.01, 0.1, 0.3) = 0.1,
) -> training:
    """Orthogonalised momentum holds in long training once weights decay, on the schedule that AdamW has."""
    return optimizer(
        "muon",
        learning_rate,
        schedule="cosine",
        warmup=warmup,
        final=final,
        weight_decay=weight_decay,
        beta1=0.95,
    )


@published(
    "2405.15682",
    2024,
    "The Road Less Scheduled",
    answers="cost",
    builds_on="adamw",
    replaces="adamw",
)
def schedule_free_adamw(
    learning_rate: log_range(0.0001, 0.03) = 0.008,
    warmup: choice(0.01, 0.02, 0.05, 0.1, 0.2) = 0.05,
    weight_decay: choice(0.0, 0.01, 0.1, 0.3) = 0.1,
    momentum: choice(0.9, 0.95, 0.98) = 0.9,
    beta2: choice(0.95, 0.98, 0.99, 0.999) = 0.99,
) -> training:
    """Average the path instead of lowering the rate: good at any moment, and no end has to be known."""
    return optimizer(
        "schedule_free",
        learning_rate,
        schedule="constant",
        warmup=warmup,
        weight_decay=weight_decay,
        beta1=momentum,
        beta2=beta2,
    )
