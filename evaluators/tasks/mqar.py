"""Multi-query associative recall of Zoology (2312.04927): several keys asked after all pairs were shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from backends.batch import IGNORED
from evaluators.tasks.draws import Draws, distinct
from evaluators.tasks.synthetic import SyntheticTask


@dataclass(frozen=True, kw_only=True)
class MQAR(SyntheticTask):
    """`pairs` key-value pairs, then each key once more; the target at that place is its value.

    Keys are 1 to V/2 - 1 and values V/2 to V - 1, each at most once in a sequence. Questions stand in even
    slots after the pairs, drawn without replacement with weight i ** (`power` - 1) for the i-th slot, so near
    ones are likelier. All else is token 0, or with `random_fillers` a token drawn from the whole vocabulary.
    """

    name: ClassVar = "mqar"
    skill: ClassVar = "recall"
    published_changes: ClassVar = ({"context": 128, "pairs": 8}, {"context": 256, "pairs": 16})

    vocabulary: int = 8_192
    context: int = 64
    training_examples: int | None = 100_000
    evaluation_examples: int = 3_000
    pairs: int = 4
    power: float = 0.01
    random_fillers: bool = False

    def check(self) -> None:
        self.require(self.pairs >= 1, "pairs >= 1")
        self.require(self.vocabulary % 2 == 0, "an even vocabulary")
        self.require(self.vocabulary // 2 > self.pairs, "vocabulary / 2 > pairs")
        self.require(self.context % 2 == 0 and self.context >= 4 * self.pairs, "an even context >= 4 pairs")

    @property
    def answers(self) -> int:
        return self.vocabulary // 2

    def examples(self, draws: Draws, train: bool) -> tuple[np.ndarray, np.ndarray]:
        pairs, half = self.pairs, self.vocabulary // 2
        keys_BxK = 1 + distinct(draws.uniform("key", pairs), half - 1)
        values_BxK = half + distinct(draws.uniform("value", pairs), half)

        # The order of arrival of exponential clocks is a weighted draw without replacement.
        slots = self.context // 2 - pairs
        weights_S = np.arange(1, slots + 1) ** (self.power - 1)
        arrivals_BxS = -np.log1p(-draws.uniform("slot", slots)) / weights_S
        slots_BxK = np.argsort(arrivals_BxS, axis=1, kind="stable")[:, :pairs]
        places_BxK = 2 * (pairs + slots_BxK)

        if self.random_fillers:
            inputs_BxT = draws.integers("filler", self.vocabulary, self.context)
        else:
            inputs_BxT = np.zeros((len(keys_BxK), self.context), np.int64)
        inputs_BxT[:, 0 : 2 * pairs : 2] = keys_BxK
        inputs_BxT[:, 1 : 2 * pairs : 2] = values_BxK
        np.put_along_axis(inputs_BxT, places_BxK, keys_BxK, axis=1)
        targets_BxT = np.full_like(inputs_BxT, IGNORED)
        np.put_along_axis(targets_BxT, places_BxK, values_BxK, axis=1)
        return inputs_BxT, targets_BxT
