"""Language modelling: predict each next character or byte of a corpus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import log
from typing import ClassVar

import numpy as np

from backends.batch import IGNORED, Batch
from evaluators.tasks.corpus import Corpus, CorpusError
from evaluators.tasks.protocol import Readout, Skill, Split, require_split, whole_split

TRAIN_FRACTION = 0.9


@dataclass(frozen=True, eq=False, kw_only=True)
class LanguageModelling:
    """The first 90 % of a corpus trains; the rest validates, but for a last part that stays sealed.

    With `sealed_fraction` 0 the whole rest validates and nothing is sealed: nanoGPT's split, in which
    tinyshakespeare has 1,003,854 characters for training and 111,540 for validation.

    Training reads windows at random offsets. Evaluation reads fixed windows side by side that cover the
    split, or `evaluation_windows` of them spread evenly; what the last window lacks is not counted.
    """

    name: ClassVar[str] = "text"
    skill: ClassVar[Skill] = "text"
    readout: ClassVar[Readout] = "causal"

    corpus: Corpus
    context: int = 256
    sealed_fraction: float = 0.05
    evaluation_windows: int | None = None
    vocabulary_multiple: int = 1
    _streams: dict[str, np.ndarray] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.context < 1 or self.vocabulary_multiple < 1:
            raise ValueError("a text task needs context >= 1 and vocabulary_multiple >= 1")
        if self.evaluation_windows is not None and self.evaluation_windows < 1:
            raise ValueError("a text task needs evaluation_windows >= 1, or None for all")
        if not 0 <= self.sealed_fraction < 1 - TRAIN_FRACTION:
            raise ValueError(f"a text task needs 0 <= sealed_fraction < 0.1, got {self.sealed_fraction}")
        ids_N = self.corpus.ids_N
        train_end = int(len(ids_N) * TRAIN_FRACTION)
        validation_end = len(ids_N) - int(len(ids_N) * self.sealed_fraction)
        streams = {"train": ids_N[:train_end], "validation": ids_N[train_end:validation_end]}
        if self.sealed_fraction > 0:
            streams["sealed"] = ids_N[validation_end:]
        for split, stream_N in streams.items():
            if len(stream_N) <= self.context:
                raise CorpusError(
                    f"the corpus is too short: {len(ids_N):,} tokens leave {len(stream_N):,} for the "
                    f"{split} split, which needs more than the context of {self.context}"
                )
        object.__setattr__(self, "_streams", streams)

    @property
    def identity(self) -> str:
        return (
            f"LanguageModelling(corpus={self.corpus.digest}, context={self.context}, "
            f"sealed_fraction={self.sealed_fraction}, evaluation_windows={self.evaluation_windows}, "
            f"vocabulary_multiple={self.vocabulary_multiple})"
        )

    @property
    def vocabulary(self) -> int:
        return -(-self.corpus.vocabulary // self.vocabulary_multiple) * self.vocabulary_multiple

    @property
    def chance_loss(self) -> float:
        return log(self.corpus.vocabulary)

    @property
    def chance_accuracy(self) -> float:
        return 1 / self.corpus.vocabulary

    @property
    def split_sizes(self) -> dict[str, int]:
        """Number of tokens of each split."""
        return {split: len(stream_N) for split, stream_N in self._streams.items()}

    def batch(self, split: Split, seed: int, index: int, size: int) -> Batch:
        stream_N = self._stream(split)
        if split == "train":
            generator = np.random.default_rng((seed, index))
            starts_B = generator.integers(len(stream_N) - self.context, size=size)
            return self._windows(stream_N, starts_B)
        return self._evaluation_rows(split, np.arange(index * size, (index + 1) * size) % self._count(split))

    def evaluation_batches(self, split: Split, size: int) -> Iterator[Batch]:
        return whole_split(split, self._count(split), size, self._evaluation_rows)

    def _stream(self, split: Split) -> np.ndarray:
        require_split(split)
        if split not in self._streams:
            raise ValueError("the corpus has no sealed split: sealed_fraction is 0")
        return self._streams[split]

    def _covering(self, split: Split) -> int:
        return -(-(len(self._stream(split)) - 1) // self.context)

    def _count(self, split: Split) -> int:
        covering = self._covering(split)
        return covering if self.evaluation_windows is None else min(covering, self.evaluation_windows)

    def _evaluation_rows(self, split: Split, rows_B: np.ndarray) -> Batch:
        windows_B = rows_B * self._covering(split) // self._count(split)
        return self._windows(self._stream(split), windows_B * self.context)

    def _windows(self, stream_N: np.ndarray, starts_B: np.ndarray) -> Batch:
        places_BxT = starts_B[:, None] + np.arange(self.context + 1)
        tokens_BxT = stream_N[np.minimum(places_BxT, len(stream_N) - 1)].astype(np.int32)
        inside_BxT = places_BxT[:, 1:] < len(stream_N)
        return Batch(tokens_BxT[:, :-1], np.where(inside_BxT, tokens_BxT[:, 1:], np.int32(IGNORED)))
