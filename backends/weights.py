"""Training state as one safetensors file: parameters, optimizer moments and step, written atomically.

The file is the same for every backend. A parameter is `PATH/NAME`, its moments are `optimizer/first/PATH/NAME` and
`optimizer/second/PATH/NAME` of the same shape: the running averages of its gradient and of the gradient's square, before
any correction of their bias, where its rule keeps them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backends.initial import Parameters
from backends.protocol import BackendError
from genome.instance import Instance

_MOMENTS = "optimizer/"

MOMENTS = ("first", "second")

Moments = dict[str, Parameters]
"""Running averages, "first" of gradients and "second" of their squares, of the parameters that need them."""

_Named = Mapping[str, Mapping[str, Mapping[str, Any]]]


def write_state(path: Path, parameters: Parameters, moments: Moments, step: int, notes: Mapping[str, str]) -> None:
    """Write to a temporary file beside `path`, flush it to disk, and move it into place.

    `notes` are kept for `read_notes`. Raises OSError where there is no room, and leaves nothing behind.
    """
    from safetensors.numpy import save

    tensors = {f"{place}/{name}": array for place, name, array in _arrays(parameters)}
    for moment, held in moments.items():
        tensors.update({f"{_MOMENTS}{moment}/{place}/{name}": array for place, name, array in _arrays(held)})
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(save(contiguous, {**notes, "step": str(step)}))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_state(path: Path, instance: Instance) -> tuple[Parameters, Moments, int]:
    """Parameters, optimizer moments and step.

    Raises BackendError where the file cannot be read, or holds other arrays than those of the instance and moments
    of these.
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
    return parameters, _moments(path, arrays, parameters), step


def require_moments(path: Path, moments: Moments, needed: _Named, rule: str) -> None:
    """Raises BackendError unless the moments read from a file are of those parameters that the rule keeps them of.

    `needed` has the values of a moment by parameter, as `Moments`, of any framework.
    """
    found, wanted = _names(moments), _names(needed)
    if other := sorted(wanted - found or found - wanted):
        which = "lacks" if wanted - found else "holds, without use,"
        raise BackendError(
            f"{path}: holds an optimizer state that is not of {rule}: it {which} {_MOMENTS}{other[0]}"
        )


def _names(moments: _Named) -> set[str]:
    return {f"{moment}/{place}/{name}" for moment, held in moments.items() for place, name, _ in _arrays(held)}


def _arrays(arrays: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, Any]]:
    return ((place, name, array) for place, own in arrays.items() for name, array in own.items())


def _moments(path: Path, arrays: Mapping[str, np.ndarray], parameters: Parameters) -> Moments:
    """What a file holds besides parameters, as their moments."""
    moments: Moments = {}
    for full_name, array in arrays.items():
        moment, _, rest = full_name.removeprefix(_MOMENTS).partition("/")
        place, _, name = rest.rpartition("/")
        own = parameters.get(place, {}).get(name)
        if not full_name.startswith(_MOMENTS) or moment not in MOMENTS or own is None or own.shape != array.shape:
            raise BackendError(
                f"{path}: holds {full_name} of shape {array.shape}, which is no parameter of this model and no first or"
                " second moment of one; a file of an older version cannot be continued"
            )
        moments.setdefault(moment, {}).setdefault(place, {})[name] = array
    return moments


def read_notes(path: Path) -> dict[str, str]:
    """What was noted with a training state, and its "step". Raises BackendError where the file cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise BackendError(f"{path}: not a readable weight file: {error}") from None
