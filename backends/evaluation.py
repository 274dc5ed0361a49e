"""From scored batches to an evaluation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import SupportsFloat

import numpy as np
from numpy.typing import ArrayLike

from backends.batch import IGNORED, Batch
from backends.protocol import Evaluation


def tally(vocabulary: int, scored: Iterable[tuple[Batch, SupportsFloat, ArrayLike]]) -> Evaluation:
    """Add up batches, each with its summed loss in nats and the hits [B, T] of the most probable token."""
    correct, count = np.zeros(vocabulary, np.int64), np.zeros(vocabulary, np.int64)
    total = 0.0
    for batch, loss, hits_BxT in scored:
        counted_BxT = batch.targets_BxT != IGNORED
        total += float(loss)
        count += np.bincount(batch.targets_BxT[counted_BxT], minlength=vocabulary)
        correct += np.bincount(batch.targets_BxT[counted_BxT & np.asarray(hits_BxT)], minlength=vocabulary)
    return Evaluation(total / max(1, int(count.sum())), correct, count)
