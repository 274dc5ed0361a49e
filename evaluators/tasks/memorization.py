"""Memorization of MAD (2403.17844): learn a fixed table of keys and values in the weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from backends.batch import IGNORED
from evaluators.tasks.draws import Draws
from evaluators.tasks.synthetic import SyntheticTask, one_at_a_time

_MAP_SEED = 12345


@lru_cache(maxsize=16)
def key_values(vocabulary: int) -> np.ndarray:
    """The value of each key (K,): the same map for every split and seed, over all tokens but the last."""
    tokens = range(vocabulary - 1)
    keys, values = list(tokens[: len(tokens) // 2]), list(tokens[len(tokens) // 2 :])
    generator = np.random.default_rng(_MAP_SEED)
    generator.shuffle(keys)
    generator.shuffle(values)
    values_K = np.empty(len(keys), np.int64)
    values_K[keys] = values[: len(keys)]
    values_K.setflags(write=False)
    return values_K


@dataclass(frozen=True, kw_only=True)
class Memorization(SyntheticTask):
    """Keys, each followed by the last token of the vocabulary, at which its value is to be given."""

    name: ClassVar = "memorization"
    skill: ClassVar = "memorisation"
    published_changes: ClassVar = one_at_a_time(vocabulary=(512, 1_024, 2_048, 4_096, 8_192))

    vocabulary: int = 256
    context: int = 32
    training_examples: int | None = 256

    def check(self) -> None:
        self.require(self.vocabulary >= 5, "vocabulary >= 5")
        self.require(self.context >= 2 and self.context % 2 == 0, "an even context >= 2")

    @property
    def answers(self) -> int:
        return self.vocabulary - 1 - (self.vocabulary - 1) // 2

    def examples(self, draws: Draws, train: bool) -> tuple[np.ndarray, np.ndarray]:
        values_K = key_values(self.vocabulary)
        keys_BxP = draws.integers("key", len(values_K), self.context // 2)
        inputs_BxT = np.full((len(keys_BxP), self.context), self.vocabulary - 1)
        inputs_BxT[:, 0::2] = keys_BxP
        targets_BxT = np.full_like(inputs_BxT, IGNORED)
        targets_BxT[:, 1::2] = values_K[keys_BxP]
        return inputs_BxT, targets_BxT
