"""What a backend is: devices, and the lowering of an instance to a model that trains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from backends.batch import Batch
from backends.initial import Parameters
from backends.looks import Look, go_on
from genome.instance import Instance

Precision = Literal["float32", "bfloat16"]
Program = Literal["stitched", "whole"]
"""How training steps are compiled: component by component, or the whole model as one program."""

State = Any
"""Parameters, optimizer state and step of one training run; opaque outside its backend."""


class BackendError(ValueError):
    """A backend that is not installed, or sees no device it can use."""


@dataclass(frozen=True, slots=True)
class Device:
    """One device as the framework names it; memory in bytes, 0 where it is not known."""

    name: str
    kind: Literal["cpu", "gpu", "tpu"]
    memory: int


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Scores of a model over batches.

    `loss` is the mean cross-entropy in nats over targets that count; `correct_by_class` and `count_by_class`
    [vocabulary] count targets and hits of the most probable token.
    """

    loss: float
    correct_by_class: np.ndarray
    count_by_class: np.ndarray

    @property
    def accuracy(self) -> float:
        """Fraction of targets predicted, each target alike."""
        return float(self.correct_by_class.sum() / max(1, self.count_by_class.sum()))


@dataclass(frozen=True, slots=True)
class Compilation:
    """Seconds spent on making programs, `trace` of them on writing down what is to be compiled.

    `saved` are seconds that would have been spent besides, had no cache held programs that were compiled before.
    """

    total: float = 0.0
    trace: float = 0.0
    saved: float = 0.0

    def __sub__(self, earlier: Compilation) -> Compilation:
        return Compilation(self.total - earlier.total, self.trace - earlier.trace, self.saved - earlier.saved)

    def __add__(self, other: Compilation) -> Compilation:
        return Compilation(self.total + other.total, self.trace + other.trace, self.saved + other.saved)


class Decoder(Protocol):
    """Sequences that grow by one token at a time, side by side.

    What it keeps has the size that the cost model says (`Program.state` in genome/typing.py), however long they are.
    """

    position: int
    """Tokens of each sequence read so far."""

    @property
    def state_bytes(self) -> int:
        """Bytes kept per sequence."""
        ...

    def step(self, tokens_B: np.ndarray) -> np.ndarray:
        """Read one more token of each sequence: scores of the next one, float32 [B, vocabulary].

        They are those of `Model.logits` at that position of the tokens read so far. Raises ValueError for tokens
        that are not B known ones, and where the sequences are as long as the instance's context already.
        """
        ...


class Model(Protocol):
    """A lowered instance. Training state is passed in and returned; a passed state is used up."""

    instance: Instance

    def start(self, seed: int) -> State:
        """Initial parameters (`backends.initial`) and optimizer state."""
        ...

    def train(self, state: State, batches: Iterable[Batch], look: Look = go_on) -> tuple[State, np.ndarray]:
        """One optimizer step per batch, with a look at every multiple of `LOOK_STEPS` steps and at the end.

        Returns the losses, float32 [steps]. Ends after a look that returns False. Batches may be drawn ahead.
        """
        ...

    def gradients(self, state: State, batch: Batch) -> tuple[float, Parameters]:
        """Loss and its gradient by every parameter, without an update."""
        ...

    def evaluate(self, state: State, batches: Iterable[Batch]) -> Evaluation:
        """Score without training."""
        ...

    def logits(self, state: State, tokens_BxT: np.ndarray) -> np.ndarray:
        """Scores of the next token, float32 [B, T, vocabulary]."""
        ...

    def decoder(self, state: State, batch: int) -> Decoder:
        """Start `batch` empty sequences. It reads the state, which must not be trained on while it is in use."""
        ...

    def parameters(self, state: State) -> Parameters:
        """Learned arrays on the host."""
        ...

    def save(self, state: State, path: Path, notes: Mapping[str, str] | None = None) -> None:
        """Write parameters, optimizer state, step and notes as one safetensors file, atomically.

        The file is that of `backends.weights`: every backend reads it and goes on.
        """
        ...

    def load(self, path: Path) -> State:
        """Read what `save` of any backend wrote. Raises BackendError where the file is not of this model."""
        ...


class Backend(Protocol):
    """A framework on a machine. It keeps what it compiles, so that components compile once per process."""

    name: str
    programs: tuple[Program, ...]
    """Ways in which it can train, the one it takes unless told otherwise first."""

    def devices(self) -> Sequence[Device]:
        """Devices the framework sees, best first."""
        ...

    def lower(
        self, instance: Instance, *, steps: int, precision: Precision = "float32", program: Program | None = None
    ) -> Model:
        """Lower an instance for a training run of `steps` steps; None takes the first of `programs`.

        Programs differ in rounding; their states are interchangeable. Raises BackendError for a program that is
        not among them.
        """
        ...

    @property
    def compilation(self) -> Compilation:
        """What making programs has taken so far."""
        ...


def chosen_program(backend: Backend, program: Program | None) -> Program:
    """The program that a backend takes when asked for one. Raises BackendError where it does not offer it."""
    if program is None:
        return backend.programs[0]
    if program not in backend.programs:
        raise BackendError(f"{backend.name} has no {program} program; accepted: {', '.join(backend.programs)}")
    return program
