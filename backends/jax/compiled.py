"""The table of compiled units: forward, backward, loss, scores and update, each compiled once per content and shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jax.typing import ArrayLike

from backends.jax.executables import Executables, signature
from backends.jax.kernels.losses import cross_entropy
from backends.jax.layout import Layout, UnitParameters
from backends.jax.optimizers import point, update
from backends.jax.recomputation import is_worth_keeping
from backends.jax.units import Unit

Inputs = tuple[jax.Array, ...]
Shape = tuple[int, ...]


class Saved(NamedTuple):
    """What a unit's gradient needs: arrays that its forward pass made, and the arguments of that."""

    arrays: list[jax.Array]
    parameters_N: jax.Array
    inputs: Inputs


@dataclass(frozen=True)
class Pullback:
    """How a gradient function is put together: `sources` numbers those saved, the arguments, and `constants`.

    A forward pass that returned its arguments would copy them, all parameters at every step.
    """

    structure: Any
    sources: tuple[int, ...]
    constants: tuple[ArrayLike, ...]

    def restored(self, arrays: list[jax.Array], parameters: UnitParameters, inputs: Inputs) -> Callable[..., Any]:
        """The function from cotangents to gradients."""
        every = [*arrays, *jax.tree.leaves((parameters, inputs)), *self.constants]
        return jax.tree.unflatten(self.structure, [every[source] for source in self.sources])


@dataclass(eq=False)
class CompiledUnit:
    """Functions of one unit, compiled when first called with a shape of inputs.

    Parameters and their gradients are flat, float32; the unit computes in `dtype`.
    """

    unit: Unit
    dtype: jnp.dtype
    executables: Executables
    _made: dict[tuple[str, Shape], Callable[..., Any]] = field(default_factory=dict)
    _pullbacks: dict[Shape, Pullback] = field(default_factory=dict)

    def forward(self, parameters_N: jax.Array, inputs: Inputs) -> tuple[Any, Saved]:
        """(filled slots, penalty), and what `backward` needs besides the cotangents."""
        results, arrays = self._call("forward", inputs[0].shape, self._forward, parameters_N, inputs)
        return results, Saved(arrays, parameters_N, inputs)

    def backward(self, saved: Saved, cotangents: Inputs, squares: jax.Array) -> Any:
        """Gradients, cotangents of the streams among the inputs, and the sum of squares with these."""
        return self._call("backward", saved.inputs[0].shape, self._backward, *saved, cotangents, squares)

    def loss(self, parameters_N: jax.Array, inputs: Inputs, targets_BxT: ArrayLike) -> Any:
        """Loss, gradients, cotangents of the streams among the inputs, sum of squares; the last unit only."""
        return self._call("loss", inputs[0].shape, self._loss, parameters_N, inputs, targets_BxT)

    def values(self, parameters_N: jax.Array, inputs: Inputs) -> Inputs:
        """Filled slots, without what a gradient needs."""
        return self._call("values", inputs[0].shape, self._values, parameters_N, inputs)

    def score(
        self, parameters_N: jax.Array, inputs: Inputs, targets_BxT: ArrayLike
    ) -> tuple[jax.Array, jax.Array]:
        """Summed loss, and hits [B, T]; the last unit only."""
        return self._call("score", inputs[0].shape, self._score, parameters_N, inputs, targets_BxT)

    def _call(self, name: str, shape: Shape, function: Callable[..., Any], *arguments: Any) -> Any:
        executable = self._made.get((name, shape))
        if executable is None:
            content = f"{name} {self.unit.key} {self.dtype}"
            executable = self._made[name, shape] = self.executables.get(content, function, arguments)
        return executable(*arguments)

    def _apply(self, parameters_N: jax.Array, inputs: Inputs) -> tuple[Inputs, jax.Array]:
        parameters = self.unit.layout.split(parameters_N)
        return self.unit.apply(parameters, inputs, inputs[0].shape[1], self.dtype)

    def _forward(self, parameters_N: jax.Array, inputs: Inputs) -> tuple[Any, list[jax.Array]]:
        parameters = self.unit.layout.split(parameters_N)
        results, arrays, self._pullbacks[inputs[0].shape] = unit_forward(self.unit, self.dtype, parameters, inputs)
        return results, arrays

    def _backward(
        self,
        arrays: list[jax.Array],
        parameters_N: jax.Array,
        inputs: Inputs,
        cotangents: Inputs,
        squares: jax.Array,
    ) -> Any:
        shape = inputs[0].shape
        if shape not in self._pullbacks:  # the forward function came from disk: nothing was traced
            jax.eval_shape(self._forward, parameters_N, inputs)
        parameters = self.unit.layout.split(parameters_N)
        pullback = self._pullbacks[shape].restored(arrays, parameters, inputs)
        gradients, streams = pullback((cotangents, jnp.ones((), jnp.float32)))
        gradients_N = self.unit.layout.join(gradients)
        return gradients_N, streams, squares + jnp.sum(jnp.square(gradients_N))

    def _loss(self, parameters_N: jax.Array, inputs: Inputs, targets_BxT: ArrayLike) -> Any:
        def own(parameters: UnitParameters, streams: Inputs) -> jax.Array:
            return unit_loss(self.unit, self.dtype, parameters, self.unit.joined(inputs, streams), targets_BxT)

        parameters = self.unit.layout.split(parameters_N)
        value, (gradients, cotangents) = jax.value_and_grad(own, (0, 1))(parameters, self.unit.streams(inputs))
        gradients_N = self.unit.layout.join(gradients)
        return value, gradients_N, cotangents, jnp.sum(jnp.square(gradients_N))

    def _values(self, parameters_N: jax.Array, inputs: Inputs) -> Inputs:
        return self._apply(parameters_N, inputs)[0]

    def _score(
        self, parameters_N: jax.Array, inputs: Inputs, targets_BxT: ArrayLike
    ) -> tuple[jax.Array, jax.Array]:
        (logits_BxTxV,), _ = self._apply(parameters_N, inputs)
        targets = jnp.asarray(targets_BxT)
        losses_BxT, _ = cross_entropy(logits_BxTxV, targets)
        return losses_BxT.sum(), jnp.argmax(logits_BxTxV, axis=-1) == targets


@dataclass
class CompiledUnits:
    """Compiled units by content, kept for the life of the process."""

    executables: Executables
    table: dict[tuple[str, str], CompiledUnit] = field(default_factory=dict)
    _updates: dict[tuple[str, str], Callable[..., Any]] = field(default_factory=dict)
    _sums: dict[tuple[Shape, Any], Callable[..., Any]] = field(default_factory=dict)

    def get(self, unit: Unit, dtype: jnp.dtype) -> CompiledUnit:
        """The compiled unit of this content and precision."""
        key = (unit.key, str(dtype))
        if key not in self.table:
            self.table[key] = CompiledUnit(unit, dtype, self.executables)
        return self.table[key]

    def update(self, rule: str, layout: Layout, arguments: tuple[Any, ...]) -> Callable[..., Any]:
        """`optimizers.update` for units of one length, of one layout under Muon.

        Parameters and optimizer state are used up where that saves a device's memory. On a CPU it would take three
        times as long: XLA does not vectorise a loop over many arrays that may be the one it writes.
        """
        content = f"update {rule} {layout if rule == 'muon' else ''}"
        key = content, signature(arguments)
        if key not in self._updates:
            own, donated = partial(update, rule, layout), () if jax.default_backend() == "cpu" else (0, 1)
            self._updates[key] = self.executables.get(content, own, arguments, donated)
        return self._updates[key]

    def point(self, arguments: tuple[Any, ...]) -> jax.Array:
        """`optimizers.point` of a unit."""
        key = "point", signature(arguments)
        if key not in self._updates:
            self._updates[key] = self.executables.get("point", point, arguments)
        return self._updates[key](*arguments)

    def add(self, left: jax.Array, right: jax.Array) -> jax.Array:
        """The sum of two cotangents of one slot."""
        key = left.shape, left.dtype
        if key not in self._sums:
            self._sums[key] = self.executables.get("add", jnp.add, (left, right))
        return self._sums[key](left, right)


def unit_forward(
    unit: Unit, dtype: jnp.dtype, parameters: UnitParameters, inputs: Inputs
) -> tuple[Any, list[jax.Array], Pullback]:
    """(filled slots, penalty) of a unit, the arrays to save for its gradient, and how that is put together."""

    @partial(jax.checkpoint, policy=is_worth_keeping, prevent_cse=False)
    def apply(parameters: UnitParameters, inputs: Inputs) -> Any:
        return unit.apply(parameters, inputs, inputs[0].shape[1], dtype)

    results, pullback = jax.vjp(lambda p, x: apply(p, unit.joined(inputs, x)), parameters, unit.streams(inputs))
    leaves, structure = jax.tree.flatten(pullback)
    given = jax.tree.leaves((parameters, inputs))
    known = {id(array) for array in given}
    others = {id(leaf): leaf for leaf in leaves if id(leaf) not in known}.values()
    made: list[Any] = [leaf for leaf in others if isinstance(leaf, Tracer)]
    constants = [leaf for leaf in others if not isinstance(leaf, Tracer)]
    places = {id(array): i for i, array in enumerate((*made, *given, *constants))}
    return results, made, Pullback(structure, tuple(places[id(leaf)] for leaf in leaves), tuple(constants))


def unit_loss(
    unit: Unit, dtype: jnp.dtype, parameters: UnitParameters, inputs: Inputs, targets_BxT: ArrayLike
) -> jax.Array:
    """Mean cross-entropy in nats of the targets that count, plus penalties, of a unit that ends in scores."""
    (logits_BxTxV,), penalty = unit.apply(parameters, inputs, inputs[0].shape[1], dtype)
    losses_BxT, counts_BxT = cross_entropy(logits_BxTxV, jnp.asarray(targets_BxT))
    return losses_BxT.sum() / jnp.maximum(counts_BxT.sum(), 1) + penalty
