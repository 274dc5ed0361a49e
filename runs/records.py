"""The values a search stores and reads back.

Recipes, edits and components are opaque here: their canonical text and hash come from the language of
recipes. Scores are better when higher. A failure is a status with a reason, and has no score.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ProposalStatus = Literal["proposed", "rejected", "duplicate"]
SettledStatus = Literal["rejected", "failed", "diverged", "timeout", "screened", "evaluated"]
AttemptStatus = Literal[ProposalStatus, SettledStatus]
EvaluationStatus = Literal["evaluated", "failed", "diverged", "timeout"]
Purpose = Literal["search", "retest", "noise", "sweep", "confirm", "proxy"]
Origin = Literal["library", "derived", "proposed"]
RunStatus = Literal["running", "finished", "stopped"]


@dataclass(frozen=True)
class Recipe:
    """A recipe's canonical JSON text under its hash; `label` is for readers."""

    hash: str
    recipe: str
    label: str = ""


@dataclass(frozen=True)
class Component:
    """A component's source text. `first_attempt` is None for one that no attempt brought in."""

    name: str
    hash: str
    kind: str
    source: str
    origin: Origin = "library"
    arxiv: str | None = None
    first_attempt: int | None = None


@dataclass(frozen=True)
class Edit:
    """One edit of an attempt: its kind, canonical JSON text and a readable line."""

    kind: str
    edit: str
    description: str


@dataclass(frozen=True)
class Adjustment:
    """A repair an instantiation needed, such as heads that divide the width. Values are JSON values."""

    name: str
    original: Any
    value: Any
    reason: str


@dataclass(frozen=True)
class Proposal:
    """One attempt before it is evaluated.

    `calls` are the language-model calls that led to it, `expected` what the model predicts by skill: better, same
    or worse than the first parent.

    `recipe` may be None only for a rejected proposal (its edits did not apply). A duplicate carries the
    recipe it repeats; which attempt that was is looked up. `parents` are attempt numbers, in the order the
    operator used them.
    """

    operator: str
    recipe: Recipe | None
    parents: tuple[int, ...] = ()
    edits: tuple[Edit, ...] = ()
    status: ProposalStatus = "proposed"
    reason: str = ""
    components: tuple[Component, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    label: str = ""
    family: str | None = None
    parameters: int | None = None
    flops_per_token: int | None = None
    state_bytes: int | None = None
    calls: tuple[int, ...] = ()
    expected: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Settlement:
    """The outcome of one attempt; times are in seconds. A None keeps what is stored, except for the score."""

    attempt: int
    status: SettledStatus
    reason: str = ""
    score: float | None = None
    rung: int | None = None
    family: str | None = None
    parameters: int | None = None
    flops_per_token: int | None = None
    state_bytes: int | None = None
    step_seconds: float | None = None
    seconds: float | None = None
    adjustments: tuple[Adjustment, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """One stored attempt; attempts are numbered 1, 2, ... in the order of their proposal."""

    id: int
    generation: int
    operator: str
    status: AttemptStatus
    reason: str
    recipe: str | None
    duplicate_of: int | None
    label: str
    score: float | None
    rung: int | None
    family: str | None
    parameters: int | None
    flops_per_token: int | None
    state_bytes: int | None
    step_seconds: float | None
    created_at: str
    seconds: float | None
    parents: tuple[int, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """One training of one recipe: a measurement, or a failure with its reason and no loss.

    (purpose, recipe, task, seed, rung, split) names it: it is paid for once. `attempt` is None for a bare
    recipe, as in a measurement of the noise floor. `tokens` counts training tokens; times are in seconds.
    `trace_seconds` are part of `compile_seconds`; `idle_seconds`, before the job, are no part of `total_seconds`.
    """

    recipe: str
    purpose: Purpose
    task: str
    seed: int
    rung: int
    split: str
    tokens: int
    status: EvaluationStatus
    attempt: int | None = None
    reason: str = ""
    loss: float | None = None
    accuracy: float | None = None
    macro_accuracy: float | None = None
    compile_seconds: float | None = None
    train_seconds: float | None = None
    total_seconds: float | None = None
    trace_seconds: float | None = None
    idle_seconds: float | None = None
    backend: str = ""
    device: str = ""


@dataclass(frozen=True)
class OperatorCredit:
    """What one operator achieved in one generation or several: attempts, how many improved, summed gain, cost.

    `untrained` attempts were refused before training; they count only for language models.
    """

    operator: str
    attempts: int
    improved: int
    gain: float
    cost_flops: float
    untrained: int = 0

    def plus(self, other: OperatorCredit) -> OperatorCredit:
        """Both together, of the same operator."""
        return OperatorCredit(
            self.operator,
            self.attempts + other.attempts,
            self.improved + other.improved,
            self.gain + other.gain,
            self.cost_flops + other.cost_flops,
            self.untrained + other.untrained,
        )


@dataclass(frozen=True)
class Generation:
    """A finished generation; `best` and `median` are over its evaluated attempts, None where it has none."""

    generation: int
    best: float | None
    median: float | None
    statistics: Mapping[str, Any]
    finished_at: str


@dataclass(frozen=True)
class Event:
    """Something worth telling a reader of the search later."""

    id: int
    time: str
    kind: str
    message: str
    detail: Any


@dataclass(frozen=True)
class Run:
    """The search itself; `generations` is the target in total, `version` the software that created it."""

    name: str
    created_at: str
    seed: int
    configuration: Mapping[str, Any]
    version: str
    status: RunStatus
    generations: int
    random_state: Any


@dataclass(frozen=True, slots=True)
class Ancestry:
    """One attempt as the genealogy shows it: parents, edits as one line, gain over its best parent.

    Programs of imported runs are shown likewise; one without a score is unscored.
    """

    attempt: int
    generation: int
    operator: str
    parents: tuple[int, ...]
    edits: str
    status: AttemptStatus | Literal["unscored"]
    score: float | None
    gain: float | None


@dataclass(frozen=True)
class LineageStep:
    """One attempt on the way from a founder, the edits that made it and the gain over its best parent."""

    attempt: Attempt
    edits: tuple[Edit, ...]
    gain: float | None
