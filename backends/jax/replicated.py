"""Training runs that share a whole-model program, side by side: other seeds, batches, learning rates, numbers.

Searches train each seed by itself. Side by side pays where a run leaves the device idle and is long enough to repay
the compilation of one more program; runs of the scales up to `small` are too short for that, larger ones keep an
accelerator busy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from backends.batch import Batch
from backends.jax.model import JaxModel
from backends.jax.scanned import Span, staged_span
from backends.jax.state import TrainingState
from backends.looks import spans
from backends.protocol import BackendError


def train_side_by_side(
    models: Sequence[JaxModel], states: Sequence[TrainingState], batches: Sequence[Iterable[Batch]]
) -> np.ndarray:
    """Train every model on its own batches, all in one vectorised program; states are used up and go on.

    Returns the losses, float32 [replicates, steps]. A replicate that diverges does not disturb the others. Raises
    BackendError unless all models have the same program, and all runs the same steps.
    """
    program = models[0].whole
    if program is None or any(model.whole is not program for model in models):
        raise BackendError("replicates need models lowered to the same whole-model program")
    if len({state.step for state in states}) > 1:
        raise BackendError(f"replicates start at different steps: {sorted({state.step for state in states})}")
    hyper = [model.hyper for model in models]
    looked = [spans(own, state.step) for own, state in zip(batches, states, strict=True)]

    def trained() -> Iterator[np.ndarray]:
        staged = _staged(models, looked, states[0].step)
        while staged:
            count = staged[0].count
            carried = [(state.parameters, state.optimizer) for state in states]
            results = program.replicated(carried, [span.arrays for span in staged], hyper, count)
            for state, (parameters, optimizer, _) in zip(states, results, strict=True):
                state.parameters, state.optimizer = parameters, optimizer
                state.step += count
            staged = _staged(models, looked, states[0].step)
            yield np.stack([np.asarray(losses_K)[:count] for *_, losses_K in results], axis=1)

    return np.concatenate([np.zeros((0, len(models)), np.float32), *trained()]).T


def _staged(models: Sequence[JaxModel], looked: Sequence[Iterator[Iterator[Batch]]], step: int) -> list[Span]:
    """The next span of every replicate on the device, of equal lengths; nothing where all have ended."""
    staged = [
        staged_span(next(own, ()), model.step_sizes, step) for model, own in zip(models, looked, strict=True)
    ]
    counts = [0 if span is None else span.count for span in staged]
    if len(set(counts)) > 1:
        raise BackendError(f"replicates have different numbers of batches: {counts} from step {step}")
    return [span for span in staged if span is not None]
