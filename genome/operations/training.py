"""The operation of training components: which optimizer, with which schedule."""

from __future__ import annotations

from typing import Literal

from genome.errors import GenomeError
from genome.operation import Result, operation
from genome.values import Value


@operation(owns=True)
def optimizer(
    rule: Literal["adamw", "lion", "muon", "schedule_free"],
    learning_rate: float,
    schedule: Literal["constant", "cosine", "linear", "wsd"] = "cosine",
    warmup: float = 0.05,
    final: float = 0.1,
    weight_decay: float = 0.1,
    beta1: float = 0.9,
    beta2: float = 0.99,
    clip: float = 1.0,
) -> Result:
    """How to train: update rule, schedule (warm-up as a fraction of all steps), decoupled decay, clipping by norm.

    "adamw" is 1711.05101, "lion" 2302.06675, "muon" the orthogonalised momentum of Jordan et al. (2024) for
    matrices with AdamW for the rest, "schedule_free" AdamW whose parameters are an average of its path, of which
    `beta1` is the part in the point where gradients are taken (2405.15682), "wsd" the warm-up, stable, decay
    schedule of 2404.06395.
    """
    for name, value, low, high in (
        ("learning_rate", learning_rate, 0.0, 10.0),
        ("warmup", warmup, 0.0, 0.9),
        ("final", final, 0.0, 1.0),
        ("weight_decay", weight_decay, 0.0, 10.0),
        ("beta1", beta1, 0.0, 0.9999),
        ("beta2", beta2, 0.0, 0.99999),
        ("clip", clip, 1e-3, 1e3),
    ):
        if not low <= value <= high or (name == "learning_rate" and value == 0):
            raise GenomeError(f"optimizer: {name} is {value}; accepted: {low} to {high}")
    return Result(Value((), "parameter"))
