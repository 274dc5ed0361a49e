"""What scores of the next token cost."""

from __future__ import annotations

import mlx.core as mx

from backends.batch import IGNORED


def cross_entropy(logits_BxTxV: mx.array, targets_BxT: mx.array) -> tuple[mx.array, mx.array]:
    """Loss in nats of every target, zero where it is `IGNORED`, and which targets count."""
    counts_BxT = targets_BxT != IGNORED
    known_BxT = mx.where(counts_BxT, targets_BxT, 0)
    chosen_BxT = mx.take_along_axis(logits_BxTxV, known_BxT[..., None], axis=-1)[..., 0]
    losses_BxT = mx.logsumexp(logits_BxTxV, axis=-1) - chosen_BxT
    return mx.where(counts_BxT, losses_BxT, 0.0), counts_BxT
