"""Operations of exported modules against the plain reference: many chunks, odd lengths, extreme gates."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import numpy as np
import pytest

from backends.export.targets import TARGETS
from backends.jax.kernels import reference
from tests.backends.exported import imported, relative_error

TIME, HEADS, KEY, VALUE = 130, 4, 6, 5
RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=(2, TIME, *shape)).astype(np.float32)


Q, K, V = normal(HEADS, KEY), normal(HEADS, KEY), normal(HEADS, VALUE)
UNIT = K / np.linalg.norm(K, axis=-1, keepdims=True)
SAME = np.broadcast_to(UNIT[:, :1], UNIT.shape)
KEYS, VALUES = normal(3 * HEADS, KEY), normal(3 * HEADS, VALUE)
UNITS = KEYS / np.linalg.norm(KEYS, axis=-1, keepdims=True)
BETAS = RANDOM.uniform(high=2, size=(2, TIME, 3 * HEADS)).astype(np.float32)
BETA = RANDOM.uniform(size=(2, TIME, HEADS)).astype(np.float32)
HEAD, CHANNEL = -np.abs(normal(HEADS)), -np.abs(normal(HEADS, KEY))
GATES = np.where(np.arange(TIME) % 3, -1e-6, -30.0).astype(np.float32)[None, :, None]
GATED = np.broadcast_to(GATES, HEAD.shape)
UNEVEN = np.where(np.arange(KEY) % 2, GATED[..., None], CHANNEL)
RATES = RANDOM.uniform(size=(2, TIME, HEADS, KEY)).astype(np.float32)
X = normal(3)

CASES: dict[str, tuple[str, tuple[np.ndarray, ...], dict[str, str]]] = {
    "linear": ("linear_attention", (Q, K, V), {}),
    "linear by head": ("linear_attention", (Q, K, V, HEAD), {"log_decay": "log_decay"}),
    "linear by channel": ("linear_attention", (Q, K, V, CHANNEL), {"log_decay": "log_decay"}),
    "linear, extreme gates": ("linear_attention", (Q, K, V, GATED), {"log_decay": "log_decay"}),
    "delta": ("delta_rule", (Q, UNIT, V, BETA), {}),
    "delta, decaying": ("delta_rule", (Q, UNIT, V, BETA, HEAD), {"log_decay": "log_decay"}),
    "delta, extreme gates": ("delta_rule", (Q, UNIT, V, BETA, GATED), {"log_decay": "log_decay"}),
    "delta by channel": ("delta_rule", (Q, UNIT, V, BETA, CHANNEL), {"log_decay": "log_decay"}),
    "delta by channel, extreme gates": ("delta_rule", (Q, UNIT, V, BETA, UNEVEN), {"log_decay": "log_decay"}),
    "delta, equal keys": ("delta_rule", (Q, SAME, V, np.full_like(BETA, 1.9)), {}),
    "delta, updated thrice": ("delta_rule", (Q, UNITS, VALUES, BETAS), {}),
    "delta, updated twice": (
        "delta_rule",
        (Q, *(x[:, :, : 2 * HEADS] for x in (UNITS, VALUES, BETAS)), GATED),
        {"log_decay": "log_decay"},
    ),
    "delta by channel, updated thrice": (
        "delta_rule",
        (Q, UNITS, VALUES, BETAS, UNEVEN),
        {"log_decay": "log_decay"},
    ),
    "generalized by head": (
        "generalized_delta_rule",
        (Q, K, V, UNIT, BETA, HEAD),
        {"log_decay": "log_decay"},
    ),
    "generalized by channel": (
        "generalized_delta_rule",
        (Q, K, V, UNIT, RATES, CHANNEL),
        {"log_decay": "log_decay"},
    ),
    "generalized, extreme gates": (
        "generalized_delta_rule",
        (Q, K, V, SAME, RATES, UNEVEN),
        {"log_decay": "log_decay"},
    ),
    "scan": ("linear_scan", (np.tanh(X), X[..., ::-1].copy()), {}),
    "causal convolution": ("causal_conv", (X, RANDOM.normal(size=(5, 3)).astype(np.float32)), {}),
    "long convolution": ("long_conv", (X, X[:, ::-1].copy()), {}),
}


@cache
def wanted(case: str) -> np.ndarray:
    operation, arrays, decay = CASES[case]
    named = dict(zip(decay.values(), arrays[-1:], strict=False))
    plain = arrays[: len(arrays) - len(named)]
    return np.asarray(jax.jit(getattr(reference, operation))(*plain, **named))


def framework(name: str) -> tuple[Any, Callable[[np.ndarray], Any]]:
    """A target's operations, and what makes its arrays."""
    module = {"torch": "torch", "mlx": "mlx.core", "flax": "jax.numpy"}[name]
    own = pytest.importorskip(module, exc_type=ImportError)
    make = {"torch": "tensor", "mlx": "array", "flax": "asarray"}[name]
    return imported(TARGETS[name].operations), getattr(own, make)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("target", TARGETS)
def test_an_operation_agrees_with_the_reference(target: str, case: str) -> None:
    operations, array = framework(target)
    operation, arrays, decay = CASES[case]
    given = [array(np.ascontiguousarray(a)) for a in arrays]
    named = dict(zip(decay, given[-1:], strict=False))
    plain = given[: len(given) - len(named)]
    function = getattr(operations, operation)
    got = (jax.jit(function) if target == "flax" else function)(*plain, **named)
    assert relative_error(np.asarray(got), wanted(case)) <= 1e-4
