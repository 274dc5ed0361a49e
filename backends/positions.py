"""Where a position is, in numbers that no framework needs to compute."""

from __future__ import annotations

import math

import numpy as np


def rotary_frequencies(size: int, base: float) -> np.ndarray:
    """The angle per position of each pair of channels, base ** (-i / (K // 2)) (2104.09864): float32 [K // 2]."""
    half = size // 2
    return (base ** (-np.arange(half) / half)).astype(np.float32)


def sinusoid_table(time: int, features: int) -> np.ndarray:
    """The TxD table of sines (even channels) and cosines (odd channels) of 1706.03762, section 3.5, in float32."""
    position_T = np.arange(time)[:, None]
    rate_P = 10000.0 ** (-np.arange(0, features, 2) / features)
    table_TxD = np.stack([np.sin(position_T * rate_P), np.cos(position_T * rate_P)], axis=-1)
    return table_TxD.reshape(time, -1)[:, :features].astype(np.float32)


def alibi_slopes(heads: int) -> np.ndarray:
    """Penalty per position of distance, one for each head (2108.12409, section 3 and its released code).

    For a power of two, 2 ** (-8 i / heads) for i = 1 .. heads. For other counts, the slopes of the nearest power
    of two below, followed by every other slope of twice that power.
    """
    power = 2 ** math.floor(math.log2(heads))
    slopes_H = 2.0 ** (-8.0 * np.arange(1, power + 1) / power)
    between_H = 2.0 ** (-8.0 * np.arange(1, 2 * power + 1, 2) / (2 * power))
    return np.concatenate([slopes_H, between_H[: heads - power]]).astype(np.float32)
