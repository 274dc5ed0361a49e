"""The array functions that a framework gives to the operations all frameworks share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from backends.arrays import Array


@dataclass(frozen=True)
class Kernels(Generic[Array]):
    """Functions of arrays that come batch first and time second; names as in each framework's `kernels`."""

    broadcast_to: Callable[[Array, tuple[int, ...]], Array]
    concatenate: Callable[[list[Array], int], Array]
    rsqrt: Callable[[Array], Array]
    einsum: Callable[..., Array]
    shift: Callable[[Array, int], Array]
    causal_conv: Callable[[Array, Array], Array]
    long_conv: Callable[[Array, Array], Array]
    cumulative_sum: Callable[[Array], Array]
    linear_scan: Callable[[Array, Array], Array]
    attend: Callable[..., Array]
    linear_attention: Callable[..., Array]
    delta_rule: Callable[..., Array]
    rope: Callable[[Array, float], Array]
    top_k: Callable[[Array, int], Array]
    mixture_of_experts: Callable[[Array, Array, Array, Array, Array], Array]
