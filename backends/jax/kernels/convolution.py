"""Causal convolutions along time, one filter per channel."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from backends.arguments import check_shift


def shift(x_BxTxD: jax.Array, steps: int) -> jax.Array:
    """y_t = x_{t - steps}, zeros before the first position; `steps` at least 0, any trailing shape."""
    check_shift(steps)
    if steps == 0:
        return x_BxTxD
    kept = max(x_BxTxD.shape[1] - steps, 0)
    padding = [(0, 0), (x_BxTxD.shape[1] - kept, 0)] + [(0, 0)] * (x_BxTxD.ndim - 2)
    return jnp.pad(x_BxTxD[:, :kept], padding)


def causal_conv(x_BxTxD: jax.Array, weight_KxD: jax.Array) -> jax.Array:
    """y_t = sum over j of weight_j x_{t-j}: the first row of the weight meets the current position."""
    y_BxTxD = weight_KxD[0] * x_BxTxD
    for lag in range(1, weight_KxD.shape[0]):
        y_BxTxD += weight_KxD[lag] * shift(x_BxTxD, lag)
    return y_BxTxD


def long_conv(x_BxTxD: jax.Array, filter_BxTxD: jax.Array) -> jax.Array:
    """y_t = sum over s <= t of filter_s x_{t-s}, a filter as long as the context; either batch size may be 1.

    By fast Fourier transform in float32, padded to twice the length so that the end does not wrap to the start
    (as in Hyena, 2302.10866).
    """
    time = x_BxTxD.shape[1]
    x_BxDxF, filter_BxDxF = _spectrum(x_BxTxD), _spectrum(filter_BxTxD)
    y_BxDxT = jnp.fft.irfft(x_BxDxF * filter_BxDxF, n=2 * time)[..., :time]
    return jnp.swapaxes(y_BxDxT, 1, 2).astype(x_BxTxD.dtype)


def _spectrum(x_BxTxD: jax.Array) -> jax.Array:
    """Put together from its real and imaginary part: what is complex cannot be kept for the gradient."""
    spectrum = jnp.fft.rfft(jnp.swapaxes(x_BxTxD, 1, 2).astype(jnp.float32), n=2 * x_BxTxD.shape[1])
    return jax.lax.complex(spectrum.real, spectrum.imag)
