"""Initial parameters from a seed, the same for every backend."""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from genome.instance import Instance
from genome.operation import Parameter

Parameters = dict[str, dict[str, np.ndarray]]
"""Learned arrays: the path of a program, then the local name of the array."""


def initial_parameters(instance: Instance, seed: int) -> Parameters:
    """Draw every learned array in float32 from a generator of its own, seeded by (seed, full name)."""
    return {
        placed.path: {
            name: initial_array(parameter, seed, f"{placed.path}.{name}")
            for name, parameter in placed.program.parameters.items()
        }
        for placed in instance.programs()
        if placed.program.parameters
    }


def initial_array(parameter: Parameter, seed: int, name: str) -> np.ndarray:
    """One array; "normal" is cut off at three standard deviations."""
    if parameter.initial == "zeros":
        return np.zeros(parameter.shape, np.float32)
    if parameter.initial == "ones":
        return np.full(parameter.shape, parameter.scale, np.float32)
    entropy = int.from_bytes(sha256(name.encode()).digest()[:8], "little")
    generator = np.random.default_rng([seed, entropy])
    if parameter.initial == "uniform":
        return generator.uniform(-parameter.scale, parameter.scale, parameter.shape).astype(np.float32)
    draws = generator.standard_normal(parameter.shape, dtype=np.float32)
    return np.clip(draws, -3, 3) * np.float32(parameter.scale)
