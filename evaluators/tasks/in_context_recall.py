"""In-context recall of MAD (2403.17844): what value did this key have earlier in the sequence?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluators.tasks.draws import Draws, repeated
from evaluators.tasks.synthetic import SyntheticTask, next_tokens, one_at_a_time


@dataclass(frozen=True, kw_only=True)
class InContextRecall(SyntheticTask):
    """Key-value pairs; keys are the first half of the vocabulary and values the second.

    A key keeps its value throughout a sequence, and the last pair repeats a key already shown. Training
    predicts every next token; evaluation counts the values of keys shown before, nothing else.
    """

    name: ClassVar = "recall"
    skill: ClassVar = "recall"
    published_changes: ClassVar = one_at_a_time(
        vocabulary=(32, 64, 128),
        context=(256, 512, 1_024),
        training_examples=(6_400, 3_200, 1_600, 800),
    )

    def check(self) -> None:
        self.require(self.vocabulary >= 4, "vocabulary >= 4")
        self.require(self.context >= 4 and self.context % 2 == 0, "an even context >= 4")

    @property
    def answers(self) -> int:
        return self.vocabulary - self.vocabulary // 2

    def examples(self, draws: Draws, train: bool) -> tuple[np.ndarray, np.ndarray]:
        return recall_examples(draws, train, self.vocabulary, self.context)


def recall_examples(
    draws: Draws,
    train: bool,
    vocabulary: int,
    context: int,
    noise_vocabulary: int = 0,
    noise_fraction: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets (B, T) of recall with keys and values below `vocabulary` and noise tokens above it.

    Each pair but the last, and but one that is protected, becomes two noise tokens with probability
    `noise_fraction`. The protected pair is never the last, so that there is always a key to repeat.
    """
    keys, pairs = vocabulary // 2, context // 2
    keys_BxP = draws.integers("key", keys, pairs)
    noise_BxP = draws.uniform("noise", pairs) < noise_fraction
    noise_BxP &= np.arange(pairs) != draws.integers("protected", pairs - 1, 1)
    noise_BxP[:, -1] = False

    shown_BxK = np.zeros((len(keys_BxP), keys), bool)
    row_BxP, pair_BxP = np.nonzero(~noise_BxP[:, :-1])
    shown_BxK[row_BxP, keys_BxP[row_BxP, pair_BxP]] = True
    keys_BxP[:, -1] = np.argmax(shown_BxK * (draws.uniform("probe", keys) + 1), axis=1)

    values_BxK = keys + draws.integers("value", vocabulary - keys, keys)
    tokens_BxPx2 = np.stack([keys_BxP, np.take_along_axis(values_BxK, keys_BxP, axis=1)], axis=-1)
    if noise_fraction > 0:
        noise_BxPx2 = vocabulary + draws.integers("noise token", noise_vocabulary, pairs, 2)
        tokens_BxPx2 = np.where(noise_BxP[..., None], noise_BxPx2, tokens_BxPx2)
    tokens_BxT = tokens_BxPx2.reshape(-1, context)
    if train:
        return tokens_BxT, next_tokens(tokens_BxT, True)
    counted_BxT = np.zeros(tokens_BxT.shape, bool)
    counted_BxT[:, 1::2] = repeated(np.where(noise_BxP, -1, keys_BxP)) & ~noise_BxP
    return tokens_BxT, next_tokens(tokens_BxT, counted_BxT)
