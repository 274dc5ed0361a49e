"""Compression of MAD (2403.17844): hold a whole random sequence in the state of the last position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluators.tasks.draws import Draws
from evaluators.tasks.protocol import Readout
from evaluators.tasks.synthetic import SyntheticTask, one_at_a_time


@dataclass(frozen=True, kw_only=True)
class Compression(SyntheticTask):
    """Uniform tokens and a closing token; every input token is to be read back from the final state.

    The closing token, the last of the vocabulary, is a target as published though it never varies: one free
    answer per sequence, which the chance values leave out.
    """

    name: ClassVar = "compression"
    skill: ClassVar = "compression"
    readout: ClassVar[Readout] = "last"
    published_changes: ClassVar = one_at_a_time(
        vocabulary=(32, 64, 128),
        context=(64, 128, 256),
        training_examples=(6_400, 3_200, 1_600, 800),
    )

    context: int = 32

    def check(self) -> None:
        self.require(self.vocabulary >= 3, "vocabulary >= 3")
        self.require(self.context >= 2, "context >= 2")

    @property
    def answers(self) -> int:
        return self.vocabulary - 1

    def examples(self, draws: Draws, train: bool) -> tuple[np.ndarray, np.ndarray]:
        tokens_BxT = draws.integers("token", self.answers, self.context)
        tokens_BxT[:, -1] = self.vocabulary - 1
        return tokens_BxT, tokens_BxT
