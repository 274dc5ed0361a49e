"""What a training run carries from step to step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax


@dataclass
class TrainingState:
    """Parameters (flat, see `backends.jax.layout`) and optimizer state by unit, and the number of steps taken."""

    parameters: list[jax.Array]
    optimizer: list[Any]
    step: int
