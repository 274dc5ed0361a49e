"""Noisy recall of MAD (2403.17844): in-context recall among tokens that mean nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluators.tasks.draws import Draws
from evaluators.tasks.in_context_recall import recall_examples
from evaluators.tasks.synthetic import SyntheticTask, one_at_a_time


@dataclass(frozen=True, kw_only=True)
class NoisyRecall(SyntheticTask):
    """In-context recall where pairs turn into two noise tokens with probability `noise_fraction`.

    The last `noise_vocabulary` tokens of the vocabulary are noise; keys and values share the rest.
    """

    name: ClassVar = "noisy_recall"
    skill: ClassVar = "recall"
    published_changes: ClassVar = one_at_a_time(
        vocabulary=(48, 80, 144),
        context=(256, 512, 1_024),
        training_examples=(6_400, 3_200, 1_600, 800),
        noise_fraction=(0.4, 0.6, 0.8),
    )

    vocabulary: int = 32
    noise_vocabulary: int = 16
    noise_fraction: float = 0.2

    def check(self) -> None:
        self.require(self.noise_vocabulary >= 1, "noise_vocabulary >= 1")
        self.require(self.vocabulary >= self.noise_vocabulary + 4, "vocabulary >= noise_vocabulary + 4")
        self.require(0 < self.noise_fraction < 1, "0 < noise_fraction < 1")
        self.require(self.context >= 4 and self.context % 2 == 0, "an even context >= 4")

    @property
    def answers(self) -> int:
        meaningful = self.vocabulary - self.noise_vocabulary
        return meaningful - meaningful // 2

    def examples(self, draws: Draws, train: bool) -> tuple[np.ndarray, np.ndarray]:
        meaningful = self.vocabulary - self.noise_vocabulary
        return recall_examples(draws, train, meaningful, self.context, self.noise_vocabulary, self.noise_fraction)
