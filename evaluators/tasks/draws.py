"""Random numbers by address, so that any example can be made alone, in any batch, at any time.

A sequential generator per example would be slow and one per batch would tie an example to the batch size. A
counter-based generator has neither fault: every number is a hash of (stream, example, label, counter). The
hash is the output function of SplitMix64 (Steele, Lea and Flood, 2014) along its own additive sequence.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from math import prod

import numpy as np

_INCREMENT = np.uint64(0x9E3779B97F4A7C15)


@lru_cache(maxsize=256)
def _word(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"))


def _scramble(words: np.ndarray) -> np.ndarray:
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


class Draws:
    """Independent random numbers for each of B examples of a named stream."""

    def __init__(self, stream: str, examples_B: np.ndarray) -> None:
        self._states_B = _scramble(_word(stream) + examples_B.astype(np.uint64) * _INCREMENT)

    def at(self, label: str, counters: np.ndarray) -> np.ndarray:
        """Uniform numbers in [0, 1) at these counters (B or 1, ...) >= 0: equal counters, equal numbers."""
        states_B = _scramble(self._states_B ^ _word(label))
        states = states_B.reshape(-1, *(1,) * (counters.ndim - 1))
        words = _scramble(states + (counters.astype(np.uint64) + np.uint64(1)) * _INCREMENT)
        return (words >> np.uint64(11)) * 2.0**-53

    def uniform(self, label: str, *shape: int) -> np.ndarray:
        """Uniform numbers in [0, 1), shape (B, *shape)."""
        return self.at(label, np.arange(prod(shape)).reshape(1, *shape))

    def integers(self, label: str, count: int, *shape: int) -> np.ndarray:
        """Integers below `count`, uniform and with replacement, shape (B, *shape)."""
        return (self.uniform(label, *shape) * count).astype(np.int64)


def distinct(uniform_XxM: np.ndarray, count: int) -> np.ndarray:
    """Turn uniform numbers (..., M) into M different integers below `count`, all arrangements alike."""
    chosen_XxM = np.empty(uniform_XxM.shape, np.int64)
    for column in range(uniform_XxM.shape[-1]):
        rank_X = (uniform_XxM[..., column] * (count - column)).astype(np.int64)
        # The integer of this rank among those not yet taken: one step up for each taken one at or below it.
        taken_XxM = np.sort(chosen_XxM[..., :column], axis=-1) - np.arange(column)
        chosen_XxM[..., column] = rank_X + (taken_XxM <= rank_X[..., None]).sum(-1)
    return chosen_XxM


def repeated(codes_BxP: np.ndarray) -> np.ndarray:
    """True where the same code stands earlier in its row, shape (B, P)."""
    order_BxP = np.argsort(codes_BxP, axis=1, kind="stable")
    sorted_BxP = np.take_along_axis(codes_BxP, order_BxP, axis=1)
    repeated_BxP = np.zeros(codes_BxP.shape, bool)
    np.put_along_axis(repeated_BxP, order_BxP[:, 1:], sorted_BxP[:, 1:] == sorted_BxP[:, :-1], axis=1)
    return repeated_BxP
