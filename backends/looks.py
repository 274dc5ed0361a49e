"""Looks at a training run: when they come, and who decides there whether it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

import numpy as np

from backends.batch import Batch

LOOK_STEPS = 32
"""Looks come at multiples of this many steps, and at the end."""

Look = Callable[[np.ndarray], bool]
"""Called with the losses since the last look, float32 [steps]; the training ends where it returns False."""


def go_on(losses: np.ndarray) -> bool:
    """A look that stops nothing."""
    return True


def spans(batches: Iterable[Batch], step: int) -> Iterator[Iterator[Batch]]:
    """The batches between one look and the next; looks lie at the same steps wherever a run starts.

    A batch is drawn when it is asked for, and the first of a span when the span is.
    """
    for _, span in groupby(enumerate(batches, step), lambda numbered: numbered[0] // LOOK_STEPS):
        yield (batch for _, batch in span)


def watched(trained: Iterator[np.ndarray], look: Look) -> np.ndarray:
    """Go through the losses of spans, with a look after each; returns all of them, float32 [steps]."""
    losses = [np.zeros(0, np.float32)]
    for own in trained:
        losses.append(own)
        if not look(own):
            break
    return np.concatenate(losses)
