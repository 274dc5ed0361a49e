"""The rules of training that every backend keeps: which numbers an update takes, and which arrays it treats how."""

from __future__ import annotations

from backends.arrays import Array
from genome.expressions import Scalar
from genome.operation import Parameter
from genome.typing import Program

HYPERPARAMETERS = ("weight_decay", "beta1", "beta2", "clip")
EPSILON = 1e-8
"""Added to what updates divide by, as in Optax."""

LEAST_SQUARED_NORM = 1e-12
"""Squared norm of all gradients below which clipping takes them for no longer than this."""

MUON_RMS = 0.2
"""Scale of Muon's updates to that of AdamW's, so that one learning rate serves both (2502.16982)."""


SCHEDULE_FREE = "schedule_free"
"""The rule whose gradients are taken elsewhere than at its parameters, which are an average of its path.

Its first moment is how far the end of the path is from the average.
"""


def hyperparameters(optimizer: dict[str, Scalar]) -> dict[str, float]:
    """The numbers of the training gene that an update takes as inputs."""
    return {name: float(optimizer[name]) for name in HYPERPARAMETERS}


def is_hidden_matrix(program: Program, parameter: Parameter) -> bool:
    """Whether Muon orthogonalises an array: matrices, without embedding and head."""
    return (
        len(parameter.shape) >= 2 and parameter.initial == "normal" and program.kind not in ("embedding", "head")
    )


def decays(shape: tuple[int, ...]) -> bool:
    """Whether weight decay acts on an array of this shape: on two axes or more, as in GPT-2."""
    return len(shape) >= 2


def match_rms(update: Array) -> Array:
    """Give an orthogonal update the size of AdamW's: `MUON_RMS` times the root of the longer side."""
    return update * MUON_RMS * max(update.shape[-2:]) ** 0.5
