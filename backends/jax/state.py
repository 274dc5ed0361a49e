"""What a training run carries from step to step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backends.jax.units import UnitParameters


@dataclass
class TrainingState:
    """Parameters and optimizer state by unit, and the number of steps taken."""

    parameters: list[UnitParameters]
    optimizer: list[Any]
    step: int
