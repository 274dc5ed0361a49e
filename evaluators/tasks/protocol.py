"""What every task offers: batches by random access, and fixed evaluation splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar, Literal, Protocol, get_args

import numpy as np

from backends.batch import IGNORED, Batch

Split = Literal["train", "validation", "sealed"]
Skill = Literal["recall", "copying", "compression", "memorisation", "state tracking", "text"]
Readout = Literal["causal", "last"]


class Task(Protocol):
    """A source of sequences with targets. Selection sees `validation`; `sealed` is for the final report."""

    name: ClassVar[str]
    """Name on the command line."""

    skill: ClassVar[Skill]
    """What a good score shows."""

    readout: ClassVar[Readout]
    """`causal`: position t's state predicts target t. `last`: the final state predicts all targets."""

    @property
    def identity(self) -> str:
        """One line that changes whenever the data would: part of the key under which a score is stored."""
        ...

    @property
    def vocabulary(self) -> int:
        """Number of token ids; every input and every counted target is below it."""
        ...

    @property
    def context(self) -> int:
        """Length T of every sequence."""
        ...

    @property
    def chance_loss(self) -> float:
        """Loss, in nats per scored token, of a uniform guess over the answers that the rule allows."""
        ...

    @property
    def chance_accuracy(self) -> float:
        """Accuracy, in [0, 1], of that guess."""
        ...

    def batch(self, split: Split, seed: int, index: int, size: int) -> Batch:
        """Batch `index` of `size` sequences: a function of the task and these arguments alone.

        Training batches differ by seed; evaluation splits ignore it and start over at their end.
        """
        ...

    def evaluation_batches(self, split: Split, size: int) -> Iterator[Batch]:
        """The whole evaluation split in order, always in batches of `size`.

        What the last batch lacks is filled with rows whose targets are all `IGNORED`.
        """
        ...


def require_split(split: str) -> None:
    """Raise ValueError unless `split` is one of the three."""
    if split not in get_args(Split):
        raise ValueError(f"unknown split {split!r}: choose from {', '.join(get_args(Split))}")


def whole_split(
    split: Split, count: int, size: int, rows: Callable[[Split, np.ndarray], Batch]
) -> Iterator[Batch]:
    """Read rows 0 to `count` - 1 of an evaluation split in batches of `size`, the last one filled up.

    Raises:
        ValueError: for the training split, which has no end.
    """
    if split == "train":
        raise ValueError("the training split is not for evaluation: choose from validation, sealed")
    for start in range(0, count, size):
        rows_B = np.arange(start, start + size)
        batch = rows(split, rows_B % count)
        targets_BxT = np.where((rows_B < count)[:, None], batch.targets_BxT, np.int32(IGNORED))
        yield Batch(batch.inputs_BxT, targets_BxT)
