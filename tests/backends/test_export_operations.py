"""Operations of exported modules against the plain reference: many chunks, odd lengths, extreme gates."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from backends.export.targets import TARGETS
from backends.jax.kernels import lstm, reference
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
OPENED = (normal(HEADS, KEY), normal(HEADS, KEY), RANDOM.normal(size=(4, HEADS, KEY, KEY)).astype(np.float32))

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


@pytest.mark.parametrize("size", [1, 50])
@pytest.mark.parametrize("exponential", [False, True])
@pytest.mark.parametrize("target", TARGETS)
def test_gates_that_read_the_last_result_agree_with_the_reference(
    target: str, exponential: bool, size: float
) -> None:
    operations, array = framework(target)
    arrays = (size * Q, size * K, *OPENED)
    function = partial(operations.lstm, exponential=exponential)
    got = (jax.jit(function) if target == "flax" else function)(*map(array, arrays))
    want = jax.jit(partial(reference.lstm, exponential=exponential))(*arrays)
    assert relative_error(np.asarray(got), np.asarray(want)) <= 1e-4


def test_an_lstm_and_its_gradients_are_those_of_torch() -> None:
    """Of a module of equal weights, whose rows are input, forget, cell and output gate."""
    torch = pytest.importorskip("torch", exc_type=ImportError)
    size = HEADS * KEY
    x, cotangent = Q.reshape(2, TIME, size), K.reshape(2, TIME, size)
    weights = RANDOM.normal(size=(2, 4, size, size)).astype(np.float32) * size**-0.5
    module: Any = torch.nn.LSTM(size, size, bias=False, batch_first=True)
    rows = [torch.tensor(own.transpose(0, 2, 1).reshape(-1, size)) for own in weights]
    module.load_state_dict(dict(zip(("weight_ih_l0", "weight_hh_l0"), rows, strict=True)))
    given = torch.tensor(x, requires_grad=True)
    wanted = module(given)[0]
    wanted.backward(torch.tensor(cotangent))

    def run(x: jax.Array, weights: jax.Array) -> jax.Array:
        i, f, z, o = jnp.einsum("btd,gde->gbte", x, weights[0])[:, :, :, None]
        return lstm.lstm(i, f, z, o, weights[1][:, None])[:, :, 0]

    got, pullback = jax.vjp(jax.jit(run), x, weights)
    dx, dweights = pullback(jnp.asarray(cotangent))
    assert relative_error(np.asarray(got), wanted.detach().numpy()) <= 1e-4
    assert relative_error(np.asarray(dx), given.grad.numpy()) <= 1e-4
    for got_rows, own in zip(dweights, (module.weight_ih_l0, module.weight_hh_l0), strict=True):
        want = own.grad.numpy().reshape(4, size, size).transpose(0, 2, 1)
        assert relative_error(np.asarray(got_rows), want) <= 1e-4
