"""Shapes that broadcast, and the way back."""

from __future__ import annotations

import mlx.core as mx


def sum_to(x: mx.array, shape: tuple[int, ...]) -> mx.array:
    """Sum over the axes along which an array of `shape` was broadcast to the shape of `x`."""
    axes = [axis for axis, (have, want) in enumerate(zip(x.shape, shape, strict=True)) if have != want]
    return x.sum(axes, keepdims=True) if axes else x


def broadcasts(shape: tuple[int, ...], full: tuple[int, ...]) -> bool:
    """Whether every axis of `shape` has size 1 or that of the same axis of `full`."""
    return len(shape) == len(full) and all(have in (1, want) for have, want in zip(shape, full, strict=True))


def chunked(x_BxTxHxK: mx.array, chunk: int) -> mx.array:
    """Cut time into chunks, zeros after the end: B x N x H x C x K, in float32."""
    time = x_BxTxHxK.shape[1]
    x = mx.pad(x_BxTxHxK.astype(mx.float32), [(0, 0), (0, -time % chunk), (0, 0), (0, 0)])
    return x.reshape(x.shape[0], -1, chunk, *x.shape[2:]).swapaxes(2, 3)


def unchunked(x_BxNxHxCxK: mx.array, time: int) -> mx.array:
    """The inverse of `chunked`, for the first `time` positions."""
    x = x_BxNxHxCxK.swapaxes(2, 3)
    return x.reshape(x.shape[0], -1, *x.shape[3:])[:, :time]
