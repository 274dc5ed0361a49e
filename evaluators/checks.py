"""Checks of a lowered recipe that need no training: finite scores and gradients, and no parameter left out."""

from __future__ import annotations

import numpy as np

from backends.batch import Batch
from backends.protocol import Model, State


def fault(model: Model, state: State, batch: Batch) -> str:
    """Why the model cannot be trained from this state, or "" where it can."""
    loss, gradients = model.gradients(state, batch)
    if not np.isfinite(loss):
        return f"the loss of the first batch is {loss}"
    for path, arrays in gradients.items():
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                return f"the gradient of {path}.{name} is not finite"
    return ""


def without_gradient(model: Model, state: State, batch: Batch) -> list[str]:
    """Names of parameters whose gradient is zero throughout."""
    _, gradients = model.gradients(state, batch)
    return [
        f"{path}.{name}" for path, arrays in gradients.items() for name, array in arrays.items() if not array.any()
    ]
