"""How one training run goes, as its looks see it: the loss, and the time without compilation."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from backends.protocol import Backend, Compilation


@dataclass(frozen=True, slots=True)
class Mark:
    """Steps taken, the time, and what compilation has taken until then."""

    step: int
    time: float
    compilation: Compilation

    def seconds_since(self, earlier: Mark) -> float:
        """Wall-clock seconds without compilation."""
        return max(0.0, self.time - earlier.time - (self.compilation - earlier.compilation).total)


class Progress:
    """The looks at a run that begins now at a step."""

    def __init__(self, backend: Backend, step: int) -> None:
        self.backend = backend
        self.losses = np.zeros(0, np.float32)
        self.start = self.first = self.last = Mark(step, time.perf_counter(), backend.compilation)

    def look(self, losses: np.ndarray) -> None:
        """Take note of the losses [steps] since the last look."""
        self.losses = losses
        step = self.last.step + len(losses)
        self.last = Mark(step, time.perf_counter(), self.backend.compilation)
        if self.first is self.start:
            self.first = self.last

    @property
    def loss(self) -> float:
        """The loss of the last step."""
        return float(self.losses[-1])

    def diverged(self, limit: float) -> bool:
        """Whether a loss since the last look is not finite, or the last one is above the limit."""
        return not np.isfinite(self.losses).all() or bool((self.losses[-1:] > limit).any())

    @property
    def seconds(self) -> float:
        """Of training, without compilation."""
        return self.last.seconds_since(self.start)

    @property
    def step_seconds(self) -> float:
        """Of one step; the steps up to the first look count only where there are no others."""
        before = self.first if self.last.step > self.first.step else self.start
        return self.last.seconds_since(before) / max(1, self.last.step - before.step)

    @property
    def program_seconds(self) -> float:
        """What compilation took during the run, or would have taken without a cache."""
        spent = self.last.compilation - self.start.compilation
        return spent.total + spent.saved
