"""One batch of a sequence task, as host arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

IGNORED = -100
"""Target value of positions that are neither trained on nor scored."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Tokens and next-token targets of equal shape, int32; targets of `IGNORED` do not count."""

    inputs_BxT: np.ndarray
    targets_BxT: np.ndarray
