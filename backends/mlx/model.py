"""A lowered recipe that trains: one compiled function per step, and one per scored batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np

from backends.batch import Batch
from backends.evaluation import tally
from backends.initial import Parameters, initial_parameters
from backends.looks import Look, go_on, spans, watched
from backends.mlx.decoder import MlxDecoder
from backends.mlx.network import Arrays, forward, loss, score
from backends.mlx.optimizers import Hyper, Moments, hidden_matrices, point, start, update
from backends.optimization import SCHEDULE_FREE, hyperparameters
from backends.plan import plan
from backends.protocol import Evaluation
from backends.schedule import step_sizes
from backends.weights import read_state, require_moments, write_state
from genome.instance import Instance

Compile = Callable[[Callable[..., Any]], Callable[..., Any]]


@dataclass
class TrainingState:
    """Parameters, moments of the optimizer, and the number of steps taken."""

    parameters: Arrays
    moments: Moments
    step: int


class MlxModel:
    """See `backends.protocol.Model`."""

    def __init__(self, instance: Instance, steps: int, dtype: mx.Dtype, compile: Compile) -> None:
        """`compile` makes a function of arrays a compiled one."""
        self.instance = instance
        self.calls = plan(instance)
        self.dtype = dtype
        self.hidden = hidden_matrices(instance)
        self.rule = str(instance.optimizer["rule"])
        self.hyper = {name: mx.array(number) for name, number in hyperparameters(instance.optimizer).items()}
        self.step_sizes = step_sizes(instance.optimizer, steps)
        self._step = compile(self._train_step)
        self._score = compile(lambda parameters, x, y: score(self.calls, parameters, x, y, dtype))

    def start(self, seed: int) -> TrainingState:
        return self._state(initial_parameters(self.instance, seed))

    def train(
        self, state: TrainingState, batches: Iterable[Batch], look: Look = go_on
    ) -> tuple[TrainingState, np.ndarray]:
        return state, watched((self._span(state, span) for span in spans(batches, state.step)), look)

    def gradients(self, state: TrainingState, batch: Batch) -> tuple[float, Parameters]:
        value, gradients = self._gradients(state.parameters, *_on_device(batch))
        return float(np.array(value)), _on_host(gradients)

    def evaluate(self, state: TrainingState, batches: Iterable[Batch]) -> Evaluation:
        scored = ((batch, *self._score(state.parameters, *_on_device(batch))) for batch in batches)
        return tally(
            self.instance.sizes.vocabulary, ((batch, loss.item(), np.array(hits)) for batch, loss, hits in scored)
        )

    def logits(self, state: TrainingState, tokens_BxT: np.ndarray) -> np.ndarray:
        return np.array(forward(self.calls, state.parameters, _array(tokens_BxT), self.dtype)[0])

    def decoder(self, state: TrainingState, batch: int) -> MlxDecoder:
        return MlxDecoder(self.calls, state.parameters, self.instance.sizes, batch, self.dtype)

    def parameters(self, state: TrainingState) -> Parameters:
        return _on_host(state.parameters)

    def save(self, state: TrainingState, path: Path, notes: Mapping[str, str] | None = None) -> None:
        moments = {moment: _on_host(arrays) for moment, arrays in state.moments.items()}
        write_state(path, self.parameters(state), moments, state.step, notes or {})

    def load(self, path: Path) -> TrainingState:
        parameters, moments, step = read_state(path, self.instance)
        state = self._state(parameters)
        require_moments(path, moments, state.moments, self.rule)
        for moment, held in state.moments.items():
            for place, own in held.items():
                own.update({name: mx.array(moments[moment][place][name]) for name in own})
        state.step = step
        return state

    def _state(self, parameters: Parameters) -> TrainingState:
        placed = {path: {name: mx.array(array) for name, array in own.items()} for path, own in parameters.items()}
        return TrainingState(placed, start(self.rule, self.hidden, placed), 0)

    def _span(self, state: TrainingState, batches: Iterator[Batch]) -> np.ndarray:
        """A step per batch; returns the losses, float32 [steps]."""
        losses = []
        for batch in batches:
            size = self.step_sizes[min(state.step, len(self.step_sizes) - 1)]
            state.step += 1
            value, state.parameters, state.moments = self._step(
                state.parameters,
                state.moments,
                mx.array(float(state.step)),
                mx.array(size),
                self.hyper,
                *_on_device(batch),
            )
            mx.async_eval(value, state.parameters, state.moments)
            losses.append(value)
        return np.asarray([value.item() for value in losses], np.float32)

    def _gradients(
        self, parameters: Arrays, inputs_BxT: mx.array, targets_BxT: mx.array
    ) -> tuple[mx.array, Arrays]:
        differentiated = mx.value_and_grad(lambda p: loss(self.calls, p, inputs_BxT, targets_BxT, self.dtype))
        return differentiated(parameters)

    def _train_step(
        self,
        parameters: Arrays,
        moments: Moments,
        step: mx.array,
        size: mx.array,
        hyper: Hyper,
        inputs_BxT: mx.array,
        targets_BxT: mx.array,
    ) -> tuple[mx.array, Arrays, Moments]:
        at = point(parameters, moments, hyper) if self.rule == SCHEDULE_FREE else parameters
        value, gradients = self._gradients(at, inputs_BxT, targets_BxT)
        return value, *update(self.rule, self.hidden, parameters, moments, gradients, step, size, hyper)


def _on_device(batch: Batch) -> tuple[mx.array, mx.array]:
    return _array(batch.inputs_BxT), _array(batch.targets_BxT)


def _array(host: np.ndarray) -> mx.array:
    """MLX refuses views that run backwards, even along an axis of size one; a copy never does."""
    return mx.array(host.copy())


def _on_host(arrays: Arrays) -> Parameters:
    return {path: {name: np.array(array) for name, array in own.items()} for path, own in arrays.items() if own}
