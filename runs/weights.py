"""Weights as safetensors files that are either whole or absent."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from runs.errors import StoreError

if TYPE_CHECKING:
    import numpy as np


def write_weights(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a flat mapping of arrays to `path`, replacing it atomically; missing folders are made.

    When this returns, the file survives a power cut: write it before the row that refers to it. Raises
    StoreError when it cannot be written; an earlier file at `path` is then untouched.
    """
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    target = Path(path)
    # safetensors writes a transposed view permuted, without an error.
    contiguous = {name: np.ascontiguousarray(array).reshape(np.shape(array)) for name, array in arrays.items()}
    partial = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        save_file(contiguous, partial)
        _flush(partial)
        os.replace(partial, target)
        _flush(target.parent)
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{target}: cannot be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)


def read_weights(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of a file from `write_weights`. Raises StoreError when it is missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{path}: cannot be read as weights: {error}") from error


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
