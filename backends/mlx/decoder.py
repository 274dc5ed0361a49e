"""Decoding with a lowered recipe in MLX."""

from __future__ import annotations

import mlx.core as mx
import numpy as np

from backends.decoding import bytes_per_sequence, check_step
from backends.mlx.network import Arrays
from backends.mlx.operations import DECODING
from backends.plan import Call
from genome.values import Sizes


class MlxDecoder:
    """See `backends.protocol.Decoder`."""

    def __init__(
        self, calls: tuple[Call, ...], parameters: Arrays, sizes: Sizes, batch: int, dtype: mx.Dtype
    ) -> None:
        self.position = 0
        self.batch = batch
        self.calls = calls
        self.sizes = sizes
        self.dtype = dtype
        self.parameters = [parameters.get(call.path, {}) for call in calls]
        self.tables = DECODING.tables(calls, self.parameters, sizes.context)
        self.state = DECODING.start(calls, batch, dtype)

    @property
    def state_bytes(self) -> int:
        return bytes_per_sequence(self.state)

    def step(self, tokens_B: np.ndarray) -> np.ndarray:
        check_step(self.position, self.sizes, tokens_B, self.batch)
        position, tokens_Bx1 = mx.array(self.position, mx.int32), mx.array(np.array(tokens_B, np.int32)[:, None])
        logits_BxV, self.state = DECODING.step(
            self.calls, self.parameters, self.tables, self.state, position, tokens_Bx1, self.dtype
        )
        mx.eval(logits_BxV, self.state)
        self.position += 1
        return np.array(logits_BxV)
