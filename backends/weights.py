"""Training state as one safetensors file: parameters, optimizer moments and step, written atomically."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from backends.initial import Parameters
from backends.protocol import BackendError
from genome.instance import Instance

_MOMENTS = "optimizer/"


def write_state(
    path: Path, parameters: Parameters, moments: dict[str, np.ndarray], step: int, notes: Mapping[str, str]
) -> None:
    """Write to a temporary file beside `path`, flush it to disk, and move it into place.

    `notes` are kept for `read_notes`.
    """
    from safetensors.numpy import save

    tensors = {f"{place}/{name}": array for place, arrays in parameters.items() for name, array in arrays.items()}
    tensors.update({_MOMENTS + name: array for name, array in moments.items()})
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(save(contiguous, {**notes, "step": str(step)}))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_state(path: Path, instance: Instance) -> tuple[Parameters, dict[str, np.ndarray], int]:
    """Parameters, optimizer moments and step.

    Raises BackendError where the file cannot be read or its arrays are not those of the instance.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            step = int((file.metadata() or {}).get("step", 0))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise BackendError(f"{path}: not a readable weight file: {error}") from None
    parameters: Parameters = {}
    for placed in instance.programs():
        for name, parameter in placed.program.parameters.items():
            array = arrays.pop(f"{placed.path}/{name}", None)
            if array is None or array.shape != parameter.shape:
                raise BackendError(f"{path}: holds no array {placed.path}/{name} of shape {parameter.shape}")
            parameters.setdefault(placed.path, {})[name] = array
    moments = {name.removeprefix(_MOMENTS): array for name, array in arrays.items()}
    return parameters, moments, step


def read_notes(path: Path) -> dict[str, str]:
    """What was noted with a training state, and its "step". Raises BackendError where the file cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise BackendError(f"{path}: not a readable weight file: {error}") from None
