"""Causal convolutions along time, one filter per channel."""

from __future__ import annotations

import mlx.core as mx

from backends.arguments import check_shift


def shift(x_BxTxD: mx.array, steps: int) -> mx.array:
    """y_t = x_{t - steps}, zeros before the first position; `steps` at least 0, any trailing shape."""
    check_shift(steps)
    if steps == 0:
        return x_BxTxD
    time = x_BxTxD.shape[1]
    if steps >= time:
        return mx.zeros_like(x_BxTxD)
    return mx.pad(x_BxTxD[:, : time - steps], [(0, 0), (steps, 0)] + [(0, 0)] * (x_BxTxD.ndim - 2))


def causal_conv(x_BxTxD: mx.array, weight_KxD: mx.array) -> mx.array:
    """y_t = sum over j of weight_j x_{t-j}: the first row of the weight meets the current position."""
    y_BxTxD = weight_KxD[0] * x_BxTxD
    for lag in range(1, min(weight_KxD.shape[0], x_BxTxD.shape[1])):
        y_BxTxD = y_BxTxD + weight_KxD[lag] * shift(x_BxTxD, lag)
    return y_BxTxD


def long_conv(x_BxTxD: mx.array, filter_BxTxD: mx.array) -> mx.array:
    """y_t = sum over s <= t of filter_s x_{t-s}, a filter as long as the context; either batch size may be 1.

    By fast Fourier transform in float32, padded to twice the length so that the end does not wrap to the start
    (as in Hyena, 2302.10866).
    """
    time = x_BxTxD.shape[1]
    x, taps = (mx.fft.rfft(a.astype(mx.float32), n=2 * time, axis=1) for a in (x_BxTxD, filter_BxTxD))
    return mx.fft.irfft(x * taps, n=2 * time, axis=1)[:, :time].astype(x_BxTxD.dtype)
