"""What tasks with a rule instead of a corpus have in common: numbered examples and the published grid.

One rule for randomness: an example is a function of (task name and settings, split, seed, example number),
where the seed counts for training only. Batch `index` of `size` starts at example `index * size`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import log
from typing import Any, ClassVar, Self

import numpy as np

from backends.batch import IGNORED, Batch
from evaluators.tasks.draws import Draws
from evaluators.tasks.protocol import Readout, Skill, Split, require_split, whole_split


@dataclass(frozen=True, kw_only=True)
class SyntheticTask(ABC):
    """A task whose examples follow a rule; defaults are the published baseline, here what most of MAD shares.

    With `training_examples` N, training goes through the same N examples again and again, in a new order each
    time; with None every training example is fresh.
    """

    name: ClassVar[str]
    skill: ClassVar[Skill]
    readout: ClassVar[Readout] = "causal"
    published_changes: ClassVar[tuple[Mapping[str, Any], ...]]

    vocabulary: int = 16
    context: int = 128
    training_examples: int | None = 12_800
    evaluation_examples: int = 1_280

    def __post_init__(self) -> None:
        self.require(self.training_examples is None or self.training_examples > 0, "training_examples > 0")
        self.require(self.evaluation_examples > 0, "evaluation_examples > 0")
        self.check()

    def require(self, condition: bool, accepted: str) -> None:
        """Raise ValueError that names the task, what it accepts and its settings unless `condition` holds."""
        if not condition:
            raise ValueError(f"task {self.name} needs {accepted}, got {self.identity}")

    @abstractmethod
    def check(self) -> None:
        """Raise ValueError where the settings leave the rule without examples."""

    @property
    @abstractmethod
    def answers(self) -> int:
        """Number of tokens that the rule allows as an answer."""

    @abstractmethod
    def examples(self, draws: Draws, train: bool) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets (B, T) of the examples that `draws` stands for."""

    @property
    def identity(self) -> str:
        return repr(self)

    @property
    def chance_loss(self) -> float:
        return log(self.answers)

    @property
    def chance_accuracy(self) -> float:
        return 1 / self.answers

    @classmethod
    def published_settings(cls) -> tuple[Self, ...]:
        """The published baseline, then each published change of it."""
        baseline = cls()
        return (baseline, *(replace(baseline, **change) for change in cls.published_changes))

    def batch(self, split: Split, seed: int, index: int, size: int) -> Batch:
        require_split(split)
        numbers_B = np.arange(index * size, (index + 1) * size)
        if split == "train":
            stream = f"{self.identity} train {seed}"
            if self.training_examples is not None:
                numbers_B = _shuffled(stream, self.training_examples, numbers_B)
            return self._batch(stream, numbers_B, train=True)
        return self._evaluation_rows(split, numbers_B % self.evaluation_examples)

    def evaluation_batches(self, split: Split, size: int) -> Iterator[Batch]:
        require_split(split)
        return whole_split(split, self.evaluation_examples, size, self._evaluation_rows)

    def _evaluation_rows(self, split: Split, numbers_B: np.ndarray) -> Batch:
        return self._batch(f"{self.identity} {split}", numbers_B, train=False)

    def _batch(self, stream: str, numbers_B: np.ndarray, train: bool) -> Batch:
        inputs_BxT, targets_BxT = self.examples(Draws(stream, numbers_B), train)
        return Batch(inputs_BxT.astype(np.int32), targets_BxT.astype(np.int32))


def one_at_a_time(**settings: tuple[Any, ...]) -> tuple[dict[str, Any], ...]:
    """Changes of one setting each: every value of the first, then of the next."""
    return tuple({setting: value} for setting, values in settings.items() for value in values)


def _shuffled(stream: str, count: int, numbers_B: np.ndarray) -> np.ndarray:
    """Example numbers below `count`: pass p over them uses the p-th random order."""
    passes_B, places_B = np.divmod(numbers_B, count)
    shuffled_B = np.empty_like(numbers_B)
    for number in np.unique(passes_B):
        chosen_B = passes_B == number
        shuffled_B[chosen_B] = _order(stream, count, int(number))[places_B[chosen_B]]
    return shuffled_B


@lru_cache(maxsize=4)
def _order(stream: str, count: int, number: int) -> np.ndarray:
    draws = Draws(f"{stream} order", np.array([number]))
    return np.argsort(draws.uniform("order", count)[0], kind="stable")


def next_tokens(tokens_BxT: np.ndarray, counted_BxT: np.ndarray | bool) -> np.ndarray:
    """Targets (B, T): each position's next token where that token counts, else `IGNORED`.

    The last token stays an input without a target, where published code drops it: nothing that counts can see
    it in a causal model, and sequences keep their round length.
    """
    targets_BxT = np.full_like(tokens_BxT, IGNORED)
    targets_BxT[:, :-1] = np.where(counted_BxT, tokens_BxT, IGNORED)[:, 1:]
    return targets_BxT
