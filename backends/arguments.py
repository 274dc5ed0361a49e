"""What kernels accept, the same in every framework. Each check raises ValueError for anything else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backends.arrays import broadcasts
from genome.operations.time import MOST_UPDATES


def check_attend(heads: int, groups: int, window: int | None) -> None:
    """Groups of heads that divide, and a window of one position or more."""
    if heads % groups:
        raise ValueError(f"attend: {heads} query heads are not a multiple of {groups} key heads")
    if window is not None and window < 1:
        raise ValueError(f"attend: window is {window}; it counts visible positions and must be at least 1")


def check_linear_attention(log_decay: tuple[int, ...], keys_BxTxHxK: tuple[int, ...]) -> None:
    """Shapes of a decay for each head or for each channel of the keys."""
    if len(log_decay) < 3 or not broadcasts(log_decay, keys_BxTxHxK[: len(log_decay)]):
        raise ValueError(f"linear_attention: log_decay {log_decay} does not broadcast to BxTxH or BxTxHxK")


def check_delta_rule(
    beta: tuple[int, ...],
    log_decay: tuple[int, ...] | None,
    queries_BxTxHxK: tuple[int, ...],
    keys_BxTxJxK: tuple[int, ...],
) -> None:
    """Shapes of a gate for each head of keys, of which there are some for every head of queries, and of a decay for
    each head or for each channel of the queries."""
    heads, updates = queries_BxTxHxK[2], keys_BxTxJxK[2]
    if updates % heads:
        raise ValueError(f"delta_rule: {updates} key heads are not a multiple of {heads} query heads")
    if updates > MOST_UPDATES * heads:
        raise ValueError(f"delta_rule: {updates // heads} updates per head and position; at most {MOST_UPDATES}")
    if not broadcasts(beta, keys_BxTxJxK[:3]):
        raise ValueError(f"delta_rule: beta {beta} does not broadcast to BxTxH {keys_BxTxJxK[:3]}")
    gated = log_decay is not None
    if gated and (len(log_decay) < 3 or not broadcasts(log_decay, queries_BxTxHxK[: len(log_decay)])):
        raise ValueError(f"delta_rule: log_decay {log_decay} does not broadcast to BxTxH or BxTxHxK")


def check_generalized_delta_rule(
    rate: tuple[int, ...], log_decay: tuple[int, ...], keys_BxTxHxK: tuple[int, ...]
) -> None:
    """Shapes of a rate and of a decay, each for every head or for every channel of the keys."""
    for name, gate in (("rate", rate), ("log_decay", log_decay)):
        if len(gate) < 3 or not broadcasts(gate, keys_BxTxHxK[: len(gate)]):
            raise ValueError(f"generalized_delta_rule: {name} {gate} does not broadcast to BxTxH or BxTxHxK")


def check_linear_scan(factors: tuple[int, ...], values: tuple[int, ...]) -> None:
    """Shapes of factors and of what they multiply."""
    if not broadcasts(factors, values):
        raise ValueError(f"linear_scan: a {factors} does not broadcast to x {values}; the ranks must be equal")


def check_lstm(gates: Sequence[tuple[int, ...]], weight: tuple[int, ...]) -> tuple[int, ...]:
    """Gates BxTxHxS, in which batch and time may be 1, and a matrix for each gate and head: returns BxTxHxS."""
    leading = np.broadcast_shapes(*(shape[:2] for shape in gates))
    full = (*leading, *gates[0][2:])
    if len(full) != 4 or any(shape[2:] != full[2:] for shape in gates) or weight != (4, *full[2:], full[-1]):
        raise ValueError(
            f"lstm: gates {', '.join(map(str, gates))} and weight {weight} are not BxTxHxS and 4xHxSxS"
        )
    return full


def check_shift(steps: int) -> None:
    """Steps back in time, or none."""
    if steps < 0:
        raise ValueError(f"shift: steps is {steps}; a causal shift is at least 0")


def check_top_k(count: int, size: int) -> None:
    """At least one entry to keep, at most all."""
    if not 1 <= count <= size:
        raise ValueError(f"top_k: count is {count}; it must be between 1 and the size of the axis, {size}")
