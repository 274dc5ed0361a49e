"""Fuzzy recall of MAD (2403.17844): keys and values are motifs of one to a few tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluators.tasks.draws import Draws, distinct, repeated
from evaluators.tasks.synthetic import SyntheticTask, next_tokens, one_at_a_time


@dataclass(frozen=True, kw_only=True)
class FuzzyRecall(SyntheticTask):
    """Pairs of motifs without repeats inside; the last pair repeats one shown at a random place.

    The last token of the vocabulary pads on the left; the smaller half of the rest makes keys, the other
    values. Lengths are uniform in 1 to `motif`, except that evaluation keys always have length `motif`.
    Training predicts every next token, evaluation counts all value tokens of keys shown before. Where the
    published code may pass over the place meant for the repeated pair, here the pair is always shown.
    """

    name: ClassVar = "fuzzy_recall"
    skill: ClassVar = "recall"
    published_changes: ClassVar = one_at_a_time(
        vocabulary=(32, 64, 128),
        context=(256, 512, 1_024),
        training_examples=(6_400, 3_200, 1_600, 800),
    )

    motif: int = 3

    def check(self) -> None:
        self.require(self.motif >= 1, "motif >= 1")
        self.require(self.vocabulary >= 2 * self.motif + 1, "vocabulary >= 2 motif + 1")
        self.require(self.context > 4 * self.motif, "context > 4 motif")

    @property
    def answers(self) -> int:
        return self.vocabulary - 1 - self._keys

    @property
    def _keys(self) -> int:
        return (self.vocabulary - 1) // 2

    def examples(self, draws: Draws, train: bool) -> tuple[np.ndarray, np.ndarray]:
        motif, context = self.motif, self.context
        # Column 0 is the probe, which also closes the sequence; the shortest pairs need the most columns.
        columns = 1 + -(-context // (2 if train else motif + 1))
        key_BxPxM = distinct(draws.uniform("key", columns, motif), self._keys)
        if train:
            key_length_BxP = 1 + draws.integers("key length", motif, columns)
        else:
            key_length_BxP = np.full(key_BxPxM.shape[:2], motif)
        within_M = np.arange(motif)
        digits_BxPxM = np.where(within_M < key_length_BxP[..., None], key_BxPxM + 1, 0)
        code_BxP = digits_BxPxM @ (self._keys + 1) ** within_M

        # A value is drawn at an address that depends on its key alone: the same at each use in a sequence.
        value_length_BxP = 1 + (draws.at("value length", code_BxP) * motif).astype(np.int64)
        value_uniform_BxPxM = draws.at("value", code_BxP[..., None] * motif + within_M)
        value_BxPxM = self._keys + distinct(value_uniform_BxPxM, self.answers)

        # Pairs are added while there is room for one more of the greatest length and for the probe.
        length_BxP = key_length_BxP + value_length_BxP
        room_Bx1 = context - length_BxP[:, :1] - 2 * motif
        start_BxP = np.cumsum(length_BxP[:, 1:], axis=1) - length_BxP[:, 1:]
        fitting_B = (start_BxP < room_Bx1).sum(1)
        place_B = 1 + (draws.uniform("place", 1)[:, 0] * fitting_B).astype(np.int64)
        source_BxP = np.broadcast_to(np.arange(1, columns), start_BxP.shape).copy()
        np.put_along_axis(source_BxP, place_B[:, None] - 1, 0, axis=1)
        length_BxP = np.take_along_axis(length_BxP, source_BxP, axis=1)
        used_BxP = np.cumsum(length_BxP, axis=1) - length_BxP < room_Bx1

        source_BxP = np.pad(source_BxP, ((0, 0), (0, 1)))
        used_BxP = np.pad(used_BxP, ((0, 0), (0, 1)), constant_values=True)
        return self._lay_out(
            np.take_along_axis(code_BxP, source_BxP, axis=1),
            np.take_along_axis(np.concatenate([key_BxPxM, value_BxPxM], axis=-1), source_BxP[..., None], axis=1),
            np.take_along_axis(key_length_BxP, source_BxP, axis=1),
            np.take_along_axis(value_length_BxP, source_BxP, axis=1),
            used_BxP,
            train,
        )

    def _lay_out(
        self,
        code_BxP: np.ndarray,
        motifs_BxPxM: np.ndarray,
        key_length_BxP: np.ndarray,
        value_length_BxP: np.ndarray,
        used_BxP: np.ndarray,
        train: bool,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Write the used pairs one after the other, ending at the right edge."""
        within_M = np.arange(self.motif)
        in_key_BxPxM = within_M < key_length_BxP[..., None]
        in_value_BxPxM = within_M < value_length_BxP[..., None]
        written_BxPxM = np.concatenate([in_key_BxPxM, in_value_BxPxM], axis=-1) & used_BxP[..., None]
        counted_BxPxM = np.zeros(written_BxPxM.shape, bool)
        counted_BxPxM[..., self.motif :] = repeated(code_BxP)[..., None]

        total_B = written_BxPxM.sum((1, 2))
        filled_BxT = np.arange(self.context) >= self.context - total_B[:, None]
        tokens_BxT = np.full(filled_BxT.shape, self.vocabulary - 1)
        tokens_BxT[filled_BxT] = motifs_BxPxM[written_BxPxM]
        if train:
            return tokens_BxT, next_tokens(tokens_BxT, True)
        counted_BxT = np.zeros(filled_BxT.shape, bool)
        counted_BxT[filled_BxT] = counted_BxPxM[written_BxPxM]
        return tokens_BxT, next_tokens(tokens_BxT, counted_BxT)
