"""The array functions that a framework gives to the operations all frameworks share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np

from backends.arrays import Array


@dataclass(frozen=True)
class Kernels(Generic[Array]):
    """Functions of arrays that come batch first and time second; names as in each framework's `kernels`.

    `rope` takes the number of the first position besides. The last group is for decoding: `take` picks places of the
    second axis, `write` puts one value [B, 1, ...] there, `softmax` is over the last axis.
    """

    broadcast_to: Callable[[Array, tuple[int, ...]], Array]
    concatenate: Callable[[list[Array], int], Array]
    rsqrt: Callable[[Array], Array]
    einsum: Callable[..., Array]
    shift: Callable[[Array, int], Array]
    causal_conv: Callable[[Array, Array], Array]
    long_conv: Callable[[Array, Array], Array]
    cumulative_sum: Callable[[Array], Array]
    linear_scan: Callable[[Array, Array], Array]
    lstm: Callable[..., Array]
    attend: Callable[..., Array]
    linear_attention: Callable[..., Array]
    delta_rule: Callable[..., Array]
    generalized_delta_rule: Callable[..., Array]
    rope: Callable[..., Array]
    top_k: Callable[[Array, int], Array]
    mixture_of_experts: Callable[[Array, Array, Array, Array, Array], Array]
    array: Callable[[np.ndarray], Array]
    zeros: Callable[[tuple[int, ...], Any], Array]
    arange: Callable[[int], Array]
    exp: Callable[[Array], Array]
    tanh: Callable[[Array], Array]
    sigmoid: Callable[[Array], Array]
    log_sigmoid: Callable[[Array], Array]
    maximum: Callable[[Array, Array], Array]
    softmax: Callable[[Array], Array]
    where: Callable[..., Array]
    take: Callable[[Array, Array], Array]
    write: Callable[[Array, Array, Array], Array]
