"""Accuracies from counts that add up over batches, seeds and machines."""

from __future__ import annotations

import numpy as np

from backends.batch import IGNORED


def class_counts(
    predictions_BxT: np.ndarray, targets_BxT: np.ndarray, vocabulary: int
) -> tuple[np.ndarray, np.ndarray]:
    """Right answers and targets of each token, both of shape (V,); `IGNORED` targets do not count."""
    counted_BxT = targets_BxT != IGNORED
    right_BxT = counted_BxT & (predictions_BxT == targets_BxT)
    correct_V = np.bincount(targets_BxT[right_BxT], minlength=vocabulary)
    total_V = np.bincount(targets_BxT[counted_BxT], minlength=vocabulary)
    return correct_V, total_V


def micro_accuracy(correct_V: np.ndarray, total_V: np.ndarray) -> float:
    """Share of targets answered rightly, in [0, 1].

    Raises:
        ValueError: where no target counts.
    """
    _require_targets(total_V)
    return float(correct_V.sum() / total_V.sum())


def macro_accuracy(correct_V: np.ndarray, total_V: np.ndarray) -> float:
    """Mean over the tokens that occur as targets of the share answered rightly, in [0, 1].

    MAD (2403.17844) reports this mean, but its library also counts a token that is only ever predicted, as
    zero.

    Raises:
        ValueError: where no target counts.
    """
    _require_targets(total_V)
    occurring_V = total_V > 0
    return float(np.mean(correct_V[occurring_V] / total_V[occurring_V]))


def _require_targets(total_V: np.ndarray) -> None:
    if not total_V.any():
        raise ValueError("accuracy is undefined: no target counts")
