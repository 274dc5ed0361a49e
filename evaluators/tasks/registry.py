"""Tasks by name, in their published settings or small enough for a laptop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

from evaluators.tasks.compression import Compression
from evaluators.tasks.corpus import read_corpus
from evaluators.tasks.fuzzy_recall import FuzzyRecall
from evaluators.tasks.in_context_recall import InContextRecall
from evaluators.tasks.memorization import Memorization
from evaluators.tasks.mqar import MQAR
from evaluators.tasks.noisy_recall import NoisyRecall
from evaluators.tasks.parity import Parity
from evaluators.tasks.protocol import Skill, Task
from evaluators.tasks.selective_copying import SelectiveCopying
from evaluators.tasks.synthetic import SyntheticTask
from evaluators.tasks.text import LanguageModelling

Profile = Literal["published", "tiny"]

MAD: tuple[type[SyntheticTask], ...] = (
    InContextRecall,
    NoisyRecall,
    FuzzyRecall,
    SelectiveCopying,
    Compression,
    Memorization,
)
"""The six tasks of MAD (2403.17844)."""

PUBLISHED: dict[str, SyntheticTask] = {task.name: task() for task in (*MAD, MQAR, Parity)}
"""The published baseline of each task with a rule, by name."""

TINY: dict[str, SyntheticTask] = {
    task.name: task
    for task in (
        InContextRecall(vocabulary=8, context=64, training_examples=None, evaluation_examples=256),
        NoisyRecall(
            vocabulary=16, noise_vocabulary=6, context=64, training_examples=None, evaluation_examples=256
        ),
        FuzzyRecall(vocabulary=12, context=64, training_examples=None, evaluation_examples=256, motif=2),
        SelectiveCopying(context=64, training_examples=None, evaluation_examples=256, copy=8),
        Compression(vocabulary=8, context=64, training_examples=None, evaluation_examples=256),
        Memorization(vocabulary=64, context=64, training_examples=None, evaluation_examples=256),
        MQAR(vocabulary=20, training_examples=None, evaluation_examples=256),
        Parity(context=64, evaluation_examples=256),
    )
}
"""Settings of one shape, context 64, for a few seconds of training, by name.

Measured with a two-layer Transformer of width 64, AdamW at 3e-3 and 500 steps of 32 sequences: recall, noisy
recall, memorization and MQAR reach accuracy 1.0 and copying 0.94, from a plateau that recall with 16 tokens and
MQAR with 32 had not left by then. Fuzzy recall and compression end well above chance and far from solved.
"""

SEALED_FRACTION = 0.05
"""Part of a text that only the final report sees."""

TASK_NAMES: tuple[str, ...] = (LanguageModelling.name, *PUBLISHED)

TASK_SKILLS: dict[str, Skill] = {
    LanguageModelling.name: LanguageModelling.skill,
    **{name: task.skill for name, task in PUBLISHED.items()},
}
"""What a good score in each task shows, by name."""


def make_task(
    name: str,
    profile: str,
    *,
    data: str | Path | None = None,
    context: int | None = None,
    sealed: bool = True,
) -> Task:
    """The task of this name.

    Args:
        name: one of `TASK_NAMES`.
        profile: `published`, the baseline of the source (text: nanoGPT's context of 256), or `tiny`.
        data: the corpus of `text` (see `corpus.read_corpus`); the other tasks make their own data.
        context: sequence length in place of the profile's.
        sealed: whether `text` keeps the last twentieth apart; otherwise all of the last tenth validates, as in
            nanoGPT.

    Raises:
        ValueError: an unknown name or profile, settings that the rule excludes, data for another task.
        CorpusError: a corpus that cannot be used.
    """
    if name not in TASK_NAMES:
        raise ValueError(f"unknown task {name!r}: choose from {', '.join(TASK_NAMES)}")
    if profile not in get_args(Profile):
        raise ValueError(f"unknown profile {profile!r}: choose from {', '.join(get_args(Profile))}")
    if name == LanguageModelling.name:
        corpus = read_corpus(data)
        length = context or (256 if profile == "published" else 64)
        windows = None if profile == "published" or not sealed else 256
        return LanguageModelling(
            corpus=corpus,
            context=length,
            sealed_fraction=SEALED_FRACTION if sealed else 0.0,
            evaluation_windows=windows,
        )
    if data is not None:
        raise ValueError(f"task {name} makes its own data: a corpus is for the task text")
    task = (PUBLISHED if profile == "published" else TINY)[name]
    return task if context is None else replace(task, context=context)
