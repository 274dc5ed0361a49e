"""A lowered recipe: stitched from compiled units (forward through all, then backward, then updates).

Its training steps may run as one whole-model program instead; everything else is stitched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from backends.batch import Batch
from backends.evaluation import tally
from backends.initial import Parameters, initial_parameters
from backends.jax.compiled import CompiledUnit, CompiledUnits
from backends.jax.decoder import DecodingProgram, JaxDecoder
from backends.jax.layout import UnitParameters
from backends.jax.moments import Places, moments_of, unit_places, with_moments
from backends.jax.optimizers import start
from backends.jax.scanned import WholeProgram
from backends.jax.state import TrainingState
from backends.jax.units import units
from backends.looks import Look, go_on, spans, watched
from backends.optimization import SCHEDULE_FREE, hyperparameters
from backends.plan import TOKENS, plan
from backends.protocol import Evaluation
from backends.schedule import step_sizes
from backends.weights import Moments, read_state, require_moments, write_state
from genome.instance import Instance

if TYPE_CHECKING:
    from backends.jax.network import Network


class JaxModel:
    """See `backends.protocol.Model`."""

    def __init__(
        self,
        instance: Instance,
        table: CompiledUnits,
        steps: int,
        dtype: jnp.dtype,
        whole: WholeProgram | None = None,
    ) -> None:
        """`whole` is the program of all training steps, None where they are stitched."""
        self.instance = instance
        calls = plan(instance)
        self.placed = units(calls)
        self.units: list[CompiledUnit] = [table.get(unit, dtype) for unit in self.placed]
        self.table = table
        self.updates: list[Callable[..., Any] | None] = [None] * len(self.placed)
        self.whole = whole
        self.decoding = DecodingProgram(calls, instance.sizes, dtype, table.executables)
        self.layouts = [unit.layout for unit in self.placed]
        self.rule = str(instance.optimizer["rule"])
        self.hyper = {
            name: jnp.asarray(number, jnp.float32) for name, number in hyperparameters(instance.optimizer).items()
        }
        self.step_sizes = step_sizes(instance.optimizer, steps)

    def start(self, seed: int) -> TrainingState:
        return self._state(initial_parameters(self.instance, seed))

    def train(
        self, state: TrainingState, batches: Iterable[Batch], look: Look = go_on
    ) -> tuple[TrainingState, np.ndarray]:
        looked = spans(batches, state.step)
        if self.whole is None:
            return state, watched((self._stitched(state, span) for span in looked), look)
        return state, watched(self.whole.train(state, looked, self.step_sizes, self.hyper), look)

    def gradients(self, state: TrainingState, batch: Batch) -> tuple[float, Parameters]:
        loss, gradients, _ = self._gradients(state.parameters, batch)
        return _total(loss), self._by_path(gradients)

    def evaluate(self, state: TrainingState, batches: Iterable[Batch]) -> Evaluation:
        scored = []
        for batch in batches:
            values = self._forward(state.parameters, batch.inputs_BxT)
            inputs = tuple(values[slot] for slot in self.placed[-1].takes)
            scored.append((batch, *self.units[-1].score(state.parameters[-1], inputs, batch.targets_BxT)))
        return tally(self.instance.sizes.vocabulary, scored)

    def logits(self, state: TrainingState, tokens_BxT: np.ndarray) -> np.ndarray:
        values = self._forward(state.parameters, tokens_BxT)
        inputs = tuple(values[slot] for slot in self.placed[-1].takes)
        return np.asarray(self.units[-1].values(state.parameters[-1], inputs)[0], np.float32)

    def decoder(self, state: TrainingState, batch: int) -> JaxDecoder:
        own = tuple(chain.from_iterable(self._split(state.parameters)))
        return JaxDecoder(self.decoding, jax.device_put(own), batch)

    def parameters(self, state: TrainingState) -> Parameters:
        return self._by_path(state.parameters)

    def network(self, state: TrainingState) -> Network:
        """The trained model as a Flax NNX module."""
        from backends.jax.network import Network  # loads Flax, which no worker needs

        return Network(self.instance, self.parameters(state))

    def save(self, state: TrainingState, path: Path, notes: Mapping[str, str] | None = None) -> None:
        write_state(path, self.parameters(state), self._moments(state), state.step, notes or {})

    def load(self, path: Path) -> TrainingState:
        parameters, moments, step = read_state(path, self.instance)
        state = self._state(parameters)
        require_moments(path, moments, self._moments(state), self.rule)
        for index, places in enumerate(self._places()):
            state.optimizer[index] = with_moments(state.optimizer[index], places, moments, step)
        state.step = step
        return state

    def _places(self) -> list[Places]:
        """Places of every unit's parameters."""
        return [unit_places(unit.paths, unit.layout) for unit in self.placed]

    def _moments(self, state: TrainingState) -> Moments:
        moments: Moments = {}
        for own, places in zip(state.optimizer, self._places(), strict=True):
            for moment, arrays in moments_of(own, places).items():
                moments.setdefault(moment, {}).update(arrays)
        return moments

    def _state(self, parameters: Parameters) -> TrainingState:
        flat = [unit.layout.filled([parameters.get(path, {}) for path in unit.paths]) for unit in self.placed]
        optimizer = [start(self.rule, layout) if layout.length else None for layout in self.layouts]
        return TrainingState(jax.device_put(flat), optimizer, 0)

    def _stitched(self, state: TrainingState, batches: Iterator[Batch]) -> np.ndarray:
        """A step per batch; returns the losses, float32 [steps]."""
        losses = []
        for batch in batches:
            loss, gradients, squares = self._gradients(self._points(state), batch)
            size = self.step_sizes[min(state.step, len(self.step_sizes) - 1)]
            for i, layout in enumerate(self.layouts):
                if layout.length:
                    own = state.parameters[i], state.optimizer[i], gradients[i], layout.decayed
                    arguments = *own, squares, size, self.hyper
                    update = self.updates[i]
                    if update is None:
                        update = self.updates[i] = self.table.update(self.rule, layout, arguments)
                    state.parameters[i], state.optimizer[i] = update(*arguments)
            state.step += 1
            losses.append(loss)
        return np.asarray([_total(loss) for loss in jax.device_get(losses)], np.float32)

    def _points(self, state: TrainingState) -> list[jax.Array]:
        """The parameters at which the rule takes its gradients."""
        if self.rule != SCHEDULE_FREE:
            return state.parameters
        return [
            self.table.point((own, moments, self.hyper)) if own.size else own
            for own, moments in zip(state.parameters, state.optimizer, strict=True)
        ]

    def _gradients(
        self, parameters: list[jax.Array], batch: Batch
    ) -> tuple[list[jax.Array], list[jax.Array], jax.Array]:
        """Terms of the loss (of the targets, and penalties), gradients by unit, and the sum of their squares."""
        values: dict[int, Any] = {TOKENS: batch.inputs_BxT}
        saved, penalties = [], []
        for unit, place, own in zip(self.units[:-1], self.placed, parameters, strict=False):
            inputs = tuple(values[slot] for slot in place.takes)
            (filled, penalty), kept = unit.forward(own, inputs)
            values.update(zip(place.fills, filled, strict=True))
            saved.append(kept)
            if place.penalised:
                penalties.append(penalty)
        inputs = tuple(values[slot] for slot in self.placed[-1].takes)
        loss, last, taken, squares = self.units[-1].loss(parameters[-1], inputs, batch.targets_BxT)
        gradients: list[jax.Array] = [last]
        cotangents: dict[int, jax.Array] = dict(
            zip(self.placed[-1].streams(self.placed[-1].takes), taken, strict=True)
        )
        for unit, place in zip(self.units[-2::-1], self.placed[-2::-1], strict=True):
            outer = tuple(cotangents.pop(slot) for slot in place.fills)
            own, taken, squares = unit.backward(saved.pop(), outer, squares)
            gradients.append(own)
            for slot, cotangent in zip(place.streams(place.takes), taken, strict=True):
                known = cotangents.get(slot)
                cotangents[slot] = cotangent if known is None else self.table.add(known, cotangent)
        return [loss, *penalties], gradients[::-1], squares

    def _forward(self, parameters: list[jax.Array], tokens_BxT: np.ndarray) -> dict[int, Any]:
        """Values of all slots but the scores."""
        values: dict[int, Any] = {TOKENS: tokens_BxT}
        for unit, place, own in zip(self.units[:-1], self.placed, parameters, strict=False):
            (filled, _), _ = unit.forward(own, tuple(values[slot] for slot in place.takes))
            values.update(zip(place.fills, filled, strict=True))
        return values

    def _split(self, flat: list[jax.Array]) -> list[UnitParameters]:
        """The arrays of every unit, copied to the host."""
        return [layout.split(np.array(own)) for layout, own in zip(self.layouts, flat, strict=True)]

    def _by_path(self, flat: list[jax.Array]) -> Parameters:
        split = zip(self.placed, self._split(flat), strict=True)
        return {path: own for unit, parts in split for path, own in zip(unit.paths, parts, strict=True) if own}


def _total(terms: list[jax.Array]) -> float:
    return float(np.sum(np.asarray(terms, np.float32)))
