"""Time in chunks, and the way back."""

from __future__ import annotations

import mlx.core as mx


def chunked(x_BxTxHxK: mx.array, chunk: int) -> mx.array:
    """Cut time into chunks, zeros after the end: B x N x H x C x K, in float32."""
    time = x_BxTxHxK.shape[1]
    x = mx.pad(x_BxTxHxK.astype(mx.float32), [(0, 0), (0, -time % chunk), (0, 0), (0, 0)])
    return x.reshape(x.shape[0], -1, chunk, *x.shape[2:]).swapaxes(2, 3)


def unchunked(x_BxNxHxCxK: mx.array, time: int) -> mx.array:
    """The inverse of `chunked`, for the first `time` positions."""
    x = x_BxNxHxCxK.swapaxes(2, 3)
    return x.reshape(x.shape[0], -1, *x.shape[3:])[:, :time]
