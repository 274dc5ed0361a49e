"""What the steps of training take from the schedule, the same for every backend."""

from __future__ import annotations

import numpy as np

from genome.expressions import Scalar

DECAY_FRACTION = 0.2
"""Part of a "wsd" run that decays (2404.06395 decays in the last tenth to fifth)."""


def learning_rates(optimizer: dict[str, Scalar], steps: int) -> np.ndarray:
    """The learning rate of every step, float32 [steps]: linear warm-up, then down to `final` times the peak."""
    peak, final = float(optimizer["learning_rate"]), float(optimizer["final"])
    warmup = round(float(optimizer["warmup"]) * steps)
    step = np.arange(steps, dtype=np.float64)
    rise = (step + 1) / max(warmup, 1)
    progress = np.clip((step - warmup) / max(steps - warmup, 1), 0.0, 1.0)
    match optimizer["schedule"]:
        case "cosine":
            fall = final + (1 - final) * 0.5 * (1 + np.cos(np.pi * progress))
        case "linear":
            fall = 1 - (1 - final) * progress
        case "wsd":
            start = 1 - DECAY_FRACTION
            tail = np.clip((step / max(steps, 1) - start) / DECAY_FRACTION, 0.0, 1.0)
            fall = 1 - (1 - final) * tail
        case _:
            fall = np.ones(steps)
    return (peak * np.where(step < warmup, rise, fall)).astype(np.float32)


def step_sizes(optimizer: dict[str, Scalar], steps: int) -> np.ndarray:
    """The learning rate of every step and its weight in a running average, float32 [steps, 2].

    The weight is the part of the squared learning rates so far that the last one is, as in 2405.15682.
    """
    rates = learning_rates(optimizer, steps)
    squares = np.square(rates, dtype=np.float64)
    return np.stack([rates, squares / np.maximum(squares.cumsum(), 1e-30)], axis=1).astype(np.float32)
