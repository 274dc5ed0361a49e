"""State tracking by counting: the sum of all tokens so far, modulo the vocabulary; of bits, their parity.

No state that only forgets can keep it: one number per feature that shrinks by a positive factor drifts to a mean, while
the answer turns with every token. Negative or complex factors, or a reflection of the state, count exactly
(2411.12537).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from backends.batch import IGNORED
from evaluators.tasks.draws import Draws
from evaluators.tasks.synthetic import SyntheticTask, one_at_a_time


@dataclass(frozen=True, kw_only=True)
class Parity(SyntheticTask):
    """Uniform tokens; the target of each is the sum of it and all before it, modulo the vocabulary.

    Training asks for every sum, which leads from short ones to long ones; evaluation counts those of the second half
    alone, which no look at the last few tokens gives away.
    """

    name: ClassVar = "parity"
    skill: ClassVar = "state tracking"
    published_changes: ClassVar = one_at_a_time(vocabulary=(3, 5), context=(64, 128, 256))

    vocabulary: int = 2
    context: int = 40
    training_examples: int | None = None

    def check(self) -> None:
        self.require(self.vocabulary >= 2, "vocabulary >= 2")
        self.require(self.context >= 2, "context >= 2")

    @property
    def answers(self) -> int:
        return self.vocabulary

    def examples(self, draws: Draws, train: bool) -> tuple[np.ndarray, np.ndarray]:
        tokens_BxT = draws.integers("token", self.vocabulary, self.context)
        sums_BxT = np.cumsum(tokens_BxT, axis=1) % self.vocabulary
        if not train:
            sums_BxT[:, : self.context // 2] = IGNORED
        return tokens_BxT, sums_BxT
