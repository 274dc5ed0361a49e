"""Selective copying of MAD (2403.17844): repeat the content tokens in order and skip the blanks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from backends.batch import IGNORED
from evaluators.tasks.draws import Draws
from evaluators.tasks.synthetic import SyntheticTask, one_at_a_time


@dataclass(frozen=True, kw_only=True)
class SelectiveCopying(SyntheticTask):
    """`copy` content tokens with blanks strewn before them, the copy token, then `copy` blanks to answer at.

    The last token of the vocabulary asks for the copy and the one before it is the blank. Each blank stands
    before a content token drawn at random, so the last content token always touches the copy token.
    """

    name: ClassVar = "copying"
    skill: ClassVar = "copying"
    published_changes: ClassVar = one_at_a_time(
        vocabulary=(32, 64, 128),
        context=(512, 1_024),
        training_examples=(6_400, 3_200, 1_600, 800),
        copy=(32, 64, 96),
    )

    context: int = 256
    copy: int = 16

    def check(self) -> None:
        self.require(self.copy >= 1, "copy >= 1")
        self.require(self.vocabulary >= 4, "vocabulary >= 4")
        self.require(self.context > 2 * self.copy + 1, "context > 2 copy + 1")

    @property
    def answers(self) -> int:
        return self.vocabulary - 2

    def examples(self, draws: Draws, train: bool) -> tuple[np.ndarray, np.ndarray]:
        copy_token, blank_token = self.vocabulary - 1, self.vocabulary - 2
        blanks = self.context - 2 * self.copy - 1
        content_BxC = draws.integers("content", self.answers, self.copy)
        before_BxN = draws.integers("blank", self.copy, blanks)

        size = len(content_BxC)
        cells_BxN = before_BxN + self.copy * np.arange(size)[:, None]
        blanks_BxC = np.bincount(cells_BxN.ravel(), minlength=size * self.copy).reshape(size, self.copy)
        place_BxC = np.cumsum(blanks_BxC, axis=1) + np.arange(self.copy)

        inputs_BxT = np.full((size, self.context), blank_token)
        np.put_along_axis(inputs_BxT, place_BxC, content_BxC, axis=1)
        inputs_BxT[:, -self.copy - 1] = copy_token
        targets_BxT = np.full_like(inputs_BxT, IGNORED)
        targets_BxT[:, -self.copy :] = content_BxC
        return inputs_BxT, targets_BxT
