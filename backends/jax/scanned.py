"""Training by whole-model programs: one call takes all steps up to the next look.

Where a step's time is that of its dispatch, one program in place of one per unit and step pays for its compilation.
It computes what the stitched units compute, with another order of rounding.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from backends.batch import Batch
from backends.jax.compiled import Shape, unit_loss
from backends.jax.executables import Executables
from backends.jax.layout import UnitParameters
from backends.jax.optimizers import point, update
from backends.jax.state import TrainingState
from backends.jax.units import Unit, units
from backends.looks import LOOK_STEPS
from backends.optimization import SCHEDULE_FREE
from backends.plan import TOKENS, Call

KEPT_PROGRAMS = 16
"""Programs that a process keeps: each serves one recipe at one size, and few recipes come back."""

Hyperparameters = dict[str, jax.Array]
SpanArrays = tuple[jax.Array, jax.Array, jax.Array]
"""Learning rates [K], inputs and targets [K, B, T]."""


@dataclass(frozen=True, eq=False)
class Span:
    """The steps up to a look, on the device: learning rates [K], inputs and targets [K, B, T]; `count` are taken."""

    count: int
    sizes_Kx2: jax.Array
    inputs_KxBxT: jax.Array
    targets_KxBxT: jax.Array

    @property
    def arrays(self) -> SpanArrays:
        return self.sizes_Kx2, self.inputs_KxBxT, self.targets_KxBxT


@dataclass(frozen=True)
class WholeProgram:
    """The training steps of all units of a model in one function; it compiles once for each shape of batches."""

    calls: tuple[Call, ...]
    rule: str
    dtype: jnp.dtype
    executables: Executables
    _made: dict[tuple[int, Shape], Callable[..., Any]] = field(default_factory=dict, compare=False)

    def steps(
        self,
        parameters: list[jax.Array],
        optimizer: list[Any],
        arrays: SpanArrays,
        hyper: Hyperparameters,
        count: int,
    ) -> Any:
        """Take the steps of a span; returns parameters, optimizer state and losses [K].

        Parameters and optimizer state are used up. The count is traced: a span of any length runs the same
        program, so that a step's rounding does not depend on where a run was interrupted.
        """
        arguments = parameters, optimizer, arrays, hyper, count
        key = 0, arrays[1].shape
        if key not in self._made:
            content = f"steps {self.key}"
            self._made[key] = self.executables.get(content, self._steps, arguments, donated=(0, 1))
        return self._made[key](*arguments)

    def replicated(
        self,
        carried: list[tuple[list[jax.Array], list[Any]]],
        arrays: list[SpanArrays],
        hyper: list[Hyperparameters],
        count: int,
    ) -> Any:
        """Take the steps of a span for every replicate; returns a list of what `steps` returns.

        `carried` holds parameters and optimizer state of each, which are used up. The replicates are stacked and
        `steps` is vectorised over them.
        """

        def replicated(
            carried: list[Any], arrays: list[Any], hyper: list[Hyperparameters], count: jax.Array
        ) -> Any:
            (parameters, optimizer), own_arrays, own_hyper = (
                jax.tree.map(lambda *leaves: jnp.stack(leaves), *own) for own in (carried, arrays, hyper)
            )
            steps = jax.vmap(self._steps, in_axes=(0, 0, 0, 0, None))
            results = steps(parameters, optimizer, own_arrays, own_hyper, count)
            return [jax.tree.map(lambda leaf, i=i: leaf[i], results) for i in range(len(carried))]

        arguments = carried, arrays, hyper, count
        key = len(carried), arrays[0][1].shape
        if key not in self._made:
            content = f"replicated {self.key}"
            self._made[key] = self.executables.get(content, replicated, arguments, donated=(0,))
        return self._made[key](*arguments)

    def train(
        self,
        state: TrainingState,
        spans: Iterable[Iterable[Batch]],
        step_sizes: np.ndarray,
        hyper: Hyperparameters,
    ) -> Iterator[np.ndarray]:
        """Train span by span; yields the losses of each, float32 [steps].

        The batches of the next span are drawn and sent while the device works on the one before.
        """
        step = state.step
        following = iter(spans)
        staged = staged_span(next(following, ()), step_sizes, step)
        while staged is not None:
            state.parameters, state.optimizer, losses_K = self.steps(
                state.parameters, state.optimizer, staged.arrays, hyper, staged.count
            )
            count = staged.count
            state.step += count
            staged = staged_span(next(following, ()), step_sizes, state.step)
            yield np.asarray(losses_K)[:count]

    @cached_property
    def key(self) -> str:
        """Equal for programs that compute the same."""
        return f"{self._whole.key} {self.rule} {self.dtype}"

    @cached_property
    def _whole(self) -> Unit:
        return Unit(self.calls, (TOKENS,), (self.calls[-1].result,))

    def _steps(
        self,
        parameters: list[jax.Array],
        optimizer: list[Any],
        arrays: SpanArrays,
        hyper: Hyperparameters,
        count: jax.Array,
    ) -> tuple[list[jax.Array], list[Any], jax.Array]:
        layouts = [unit.layout for unit in units(self.calls)]
        sizes_Kx2, inputs_KxBxT, targets_KxBxT = arrays

        def loss(parameters: list[UnitParameters], i: jax.Array) -> jax.Array:
            own = tuple(chain.from_iterable(parameters))
            return unit_loss(self._whole, self.dtype, own, (inputs_KxBxT[i],), targets_KxBxT[i])

        def step(i: jax.Array, carried: tuple[Any, Any, jax.Array]) -> tuple[Any, Any, jax.Array]:
            parameters, optimizer, losses_K = carried
            at = parameters
            if self.rule == SCHEDULE_FREE:
                pairs = zip(parameters, optimizer, strict=True)
                at = [own if moments is None else point(own, moments, hyper) for own, moments in pairs]
            split = [layout.split(own) for layout, own in zip(layouts, at, strict=True)]
            value, trees = jax.value_and_grad(loss)(split, i)
            gradients = [layout.join(own) for layout, own in zip(layouts, trees, strict=True)]
            squares = sum((jnp.sum(jnp.square(own)) for own in gradients), jnp.zeros((), jnp.float32))
            updated = [
                update(self.rule, layout, *own, layout.decayed, squares, sizes_Kx2[i], hyper)
                if layout.length
                else own[:2]
                for layout, own in zip(layouts, zip(parameters, optimizer, gradients, strict=True), strict=True)
            ]
            after, moments = ([pair[part] for pair in updated] for part in (0, 1))
            return after, moments, losses_K.at[i].set(value)

        carried = parameters, optimizer, jnp.zeros(len(sizes_Kx2), jnp.float32)
        return jax.lax.fori_loop(0, count, step, carried)


@dataclass
class WholePrograms:
    """The whole-model programs used last, by content."""

    executables: Executables
    table: OrderedDict[str, WholeProgram] = field(default_factory=OrderedDict)

    def get(self, calls: tuple[Call, ...], rule: str, dtype: jnp.dtype) -> WholeProgram:
        """The program of these calls under an update rule and in a precision."""
        program = WholeProgram(calls, rule, dtype, self.executables)
        self.table.setdefault(program.key, program)
        self.table.move_to_end(program.key)
        if len(self.table) > KEPT_PROGRAMS:
            self.table.popitem(last=False)
        return self.table[program.key]


def staged_span(batches: Iterable[Batch], step_sizes: np.ndarray, step: int) -> Span | None:
    """A span on its way to the device, filled up to `LOOK_STEPS` steps; None where there is no batch.

    `step` is its first; steps past the schedule's end take its last row.
    """
    own = list(batches)
    if not own:
        return None
    last = len(step_sizes) - 1
    sizes_Kx2 = step_sizes[np.minimum(np.arange(step, step + LOOK_STEPS), last)]
    inputs, targets = (
        np.zeros((LOOK_STEPS, *own[0].inputs_BxT.shape), own[0].inputs_BxT.dtype) for _ in ("inputs", "targets")
    )
    for i, batch in enumerate(own):
        inputs[i], targets[i] = batch.inputs_BxT, batch.targets_BxT
    return Span(len(own), *jax.device_put((sizes_Kx2, inputs, targets)))
