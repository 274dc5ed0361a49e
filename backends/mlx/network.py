"""The whole model as functions of its parameters: scores, loss, and what an evaluation counts."""

from __future__ import annotations

import mlx.core as mx

from backends.lowering import run_calls
from backends.mlx.kernels.losses import cross_entropy
from backends.mlx.operations import TABLE
from backends.plan import TOKENS, Call

Arrays = dict[str, dict[str, mx.array]]
"""Arrays by the path of a program, then by local name, as `backends.initial.Parameters`."""


def forward(
    calls: tuple[Call, ...], parameters: Arrays, tokens_BxT: mx.array, dtype: mx.Dtype
) -> tuple[mx.array, mx.array]:
    """Scores of the next token, float32 [B, T, vocabulary], and the sum of penalties."""
    own = [parameters.get(call.path, {}) for call in calls]
    slots, length = {TOKENS: tokens_BxT}, tokens_BxT.shape[1]
    values, penalty = run_calls(TABLE, calls, own, slots, mx.zeros(()), length, dtype)
    return values[calls[-1].result].astype(mx.float32), penalty


def loss(
    calls: tuple[Call, ...], parameters: Arrays, inputs_BxT: mx.array, targets_BxT: mx.array, dtype: mx.Dtype
) -> mx.array:
    """Mean cross-entropy in nats over targets that count, plus penalties."""
    logits_BxTxV, penalty = forward(calls, parameters, inputs_BxT, dtype)
    losses_BxT, counts_BxT = cross_entropy(logits_BxTxV, targets_BxT)
    return losses_BxT.sum() / mx.maximum(counts_BxT.sum(), 1) + penalty


def score(
    calls: tuple[Call, ...], parameters: Arrays, inputs_BxT: mx.array, targets_BxT: mx.array, dtype: mx.Dtype
) -> tuple[mx.array, mx.array]:
    """Summed cross-entropy, and hits [B, T] of the most probable token."""
    logits_BxTxV, _ = forward(calls, parameters, inputs_BxT, dtype)
    losses_BxT, _ = cross_entropy(logits_BxTxV, targets_BxT)
    return losses_BxT.sum(), mx.argmax(logits_BxTxV, axis=-1) == targets_BxT
