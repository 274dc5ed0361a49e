"""The table of compiled units: forward, backward, loss, scores and update, each compiled once per process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp

from backends.batch import IGNORED
from backends.jax.optimizers import update
from backends.jax.units import Unit, UnitParameters
from backends.plan import TOKENS

FAST_COMPILATION: dict[str, bool | int] = {
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
    "xla_backend_optimization_level": 1,
}
"""Emit loops as LLVM code directly, without MLIR in between, all of a program as one module, optimised once."""


@dataclass(frozen=True)
class CompiledUnit:
    """Jitted functions of one unit; each compiles when first called with a shape.

    Parameters and optimizer state are float32; the unit computes in `dtype`.
    """

    unit: Unit
    dtype: jnp.dtype

    def _apply(
        self, parameters: UnitParameters, inputs: tuple[jax.Array, ...]
    ) -> tuple[tuple[jax.Array, ...], jax.Array]:
        return self.unit.apply(parameters, inputs, inputs[0].shape[1], self.dtype)

    @cached_property
    def forward(self) -> Callable[..., Any]:
        """(parameters, inputs) -> (filled slots, penalty), pullback."""

        def forward(parameters: UnitParameters, inputs: tuple[jax.Array, ...]) -> Any:
            if self.unit.takes == (TOKENS,):
                return jax.vjp(lambda p: self._apply(p, inputs), parameters)
            return jax.vjp(self._apply, parameters, inputs)

        return compiled(forward)

    @cached_property
    def backward(self) -> Callable[..., Any]:
        """(pullback, cotangents, sum of squares) -> gradients, input cotangents, sum of squares with these."""

        def backward(pullback: Any, cotangents: tuple[jax.Array, ...], squares: jax.Array) -> Any:
            gradients, *inputs = pullback((cotangents, jnp.ones((), jnp.float32)))
            return gradients, inputs[0] if inputs else (), squares + square_norm(gradients)

        return compiled(backward)

    @cached_property
    def loss(self) -> Callable[..., Any]:
        """(parameters, inputs, targets) -> loss, gradients, input cotangents, sum of squares; last unit only."""

        def loss(parameters: UnitParameters, inputs: tuple[jax.Array, ...], targets_BxT: jax.Array) -> Any:
            own = partial(unit_loss, self.unit, self.dtype)
            value, (gradients, cotangents) = jax.value_and_grad(own, (0, 1))(parameters, inputs, targets_BxT)
            return value, gradients, cotangents, square_norm(gradients)

        return compiled(loss)

    @cached_property
    def values(self) -> Callable[..., tuple[jax.Array, ...]]:
        """(parameters, inputs) -> filled slots, without what a gradient needs."""
        return compiled(lambda parameters, inputs: self._apply(parameters, inputs)[0])

    @cached_property
    def score(self) -> Callable[..., tuple[jax.Array, jax.Array]]:
        """(parameters, inputs, targets) -> summed loss, hits [B, T]; the last unit only."""

        def score(
            parameters: UnitParameters, inputs: tuple[jax.Array, ...], targets_BxT: jax.Array
        ) -> tuple[jax.Array, jax.Array]:
            (logits_BxTxV,), _ = self._apply(parameters, inputs)
            losses_BxT, _ = cross_entropy(logits_BxTxV, targets_BxT)
            return losses_BxT.sum(), jnp.argmax(logits_BxTxV, axis=-1) == targets_BxT

        return compiled(score)


@dataclass
class CompiledUnits:
    """Compiled units by content, kept for the life of the process."""

    table: dict[tuple[str, str], CompiledUnit] = field(default_factory=dict)

    def get(self, unit: Unit, dtype: jnp.dtype) -> CompiledUnit:
        """The compiled unit of this content and precision."""
        key = (unit.key, str(dtype))
        if key not in self.table:
            self.table[key] = CompiledUnit(unit, dtype)
        return self.table[key]

    @cached_property
    def update(self) -> Callable[..., Any]:
        """`optimizers.update`, compiled once for units whose parameters agree in names and shapes.

        Parameters and optimizer state are used up.
        """
        return compiled(update, static_argnums=(0, 1), donate_argnums=(2, 3))


def compiled(function: Callable[..., Any], **settings: Any) -> Callable[..., Any]:
    """`jax.jit` with this project's options of compilation."""
    return jax.jit(function, compiler_options=_compiler_options(), **settings)


@cache
def _compiler_options() -> dict[str, bool | int]:
    """Of the options that halve compile time on a CPU at equal run time, those that this XLA knows."""
    if jax.default_backend() != "cpu":
        return {}
    known: dict[str, bool | int] = {}
    for name, value in FAST_COMPILATION.items():
        with suppress(jax.errors.JaxRuntimeError):
            jax.jit(lambda: 0, compiler_options={name: value}).lower().compile()
            known[name] = value
    return known


def unit_loss(
    unit: Unit,
    dtype: jnp.dtype,
    parameters: UnitParameters,
    inputs: tuple[jax.Array, ...],
    targets_BxT: jax.Array,
) -> jax.Array:
    """Mean cross-entropy in nats of the targets that count, plus penalties, of a unit that ends in scores."""
    (logits_BxTxV,), penalty = unit.apply(parameters, inputs, inputs[0].shape[1], dtype)
    losses_BxT, counts_BxT = cross_entropy(logits_BxTxV, targets_BxT)
    return losses_BxT.sum() / jnp.maximum(counts_BxT.sum(), 1) + penalty


def cross_entropy(logits_BxTxV: jax.Array, targets_BxT: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Loss in nats of every target, zero where it is `IGNORED`, and which targets count; in float32."""
    logits = logits_BxTxV.astype(jnp.float32)
    counts_BxT = targets_BxT != IGNORED
    chosen = jax.nn.one_hot(targets_BxT, logits.shape[-1], dtype=jnp.float32)
    losses_BxT = jax.nn.logsumexp(logits, axis=-1) - (logits * chosen).sum(axis=-1)
    return jnp.where(counts_BxT, losses_BxT, 0.0), counts_BxT


def square_norm(gradients: Any) -> jax.Array:
    """Sum of squares of every array, float32."""
    return sum((jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(gradients)), jnp.zeros((), jnp.float32))
