"""Replicates one after the other, for devices that a single one keeps busy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from backends.batch import Batch
from backends.protocol import Model, State


def train_in_turn(
    models: Sequence[Model], states: Sequence[State], batches: Sequence[Iterable[Batch]]
) -> tuple[list[State], np.ndarray]:
    """Train every model on its own batches; returns the states and the losses, float32 [replicates, steps]."""
    runs = zip(models, states, batches, strict=True)
    trained = [model.train(state, own) for model, state, own in runs]
    return [state for state, _ in trained], np.stack([losses for _, losses in trained])
