"""What a worker is asked to do and what it answers, as frozen values that travel as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from backends.protocol import Program
from evaluators.scales import Rung, Scale
from evaluators.tasks.protocol import Split
from genome.component import Library
from genome.recipe import Recipe, component_of

Status = Literal["evaluated", "failed", "diverged", "timeout"]

COUNTS = ("parameters", "steps", "resident_bytes")
SECONDS = (
    *("step_seconds", "compile_seconds", "trace_seconds", "program_seconds"),
    *("train_seconds", "total_seconds", "idle_seconds"),
)
"""Fields of an outcome that are counts, and those that are times."""


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A task by name, profile of settings, and corpus (for text), which may keep no sealed split."""

    name: str
    profile: str
    data: str | None = None
    context: int | None = None
    sealed: bool = True


@dataclass(frozen=True, slots=True)
class Job:
    """Train one recipe on one task from step `start` to step `stop`, then score it on `split`.

    `components` holds the source of every component of the recipe. A job that starts later than 0 continues
    from the training state in the file `resumed`, which is made again where it is lost; it leaves its own in
    `checkpoint`, where one is named and the disk has room. `width` and
    `hidden` are the sizes at which the recipe meets the scale's budget (`evaluators.fitting`). `program` is how its
    steps are compiled, None as the backend does unless told otherwise. `examined` names a component that must pass the
    checks of every backend (`backends.conformance`) before anything is trained, "" for none.
    """

    key: str
    recipe: str
    components: dict[str, str]
    scale: Scale
    width: int
    hidden: int
    task: TaskSpec
    seed: int
    start: int
    stop: int
    split: Split = "validation"
    resumed: str | None = None
    checkpoint: str | None = None
    program: Program | None = None
    examined: str = ""

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for `from_json`."""
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> Job:
        """Inverse of `to_json`. Raises KeyError or TypeError where a field is missing or unknown."""
        given = data["scale"]
        rungs = tuple(Rung(**rung) for rung in given["rungs"])
        scale = Scale(**{**given, "widths": tuple(given["widths"]), "rungs": rungs})
        return Job(**{**data, "scale": scale, "task": TaskSpec(**data["task"])})


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A repair without which the recipe could not be trained: what was changed, from which value, and why."""

    name: str
    original: float
    value: float
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job. Scores are None unless the status is "evaluated"; seconds are wall-clock.

    `parameters` are those of the recipe, without what a task adds to read it out. `loss` is in nats per scored
    token, `accuracy` counts every target alike and `macro_accuracy` every class. `step_seconds` are those of a step
    after the first look, where there are such steps. `trace_seconds` are part of `compile_seconds`.
    `program` is how its steps were compiled, and `program_seconds` what that took during the training, or would have
    taken without a cache: what checks and scores use besides is no part of it. `idle_seconds` is how long the worker
    had waited for the job, `resident_bytes` the physical memory that it held after it, 0 outside a worker.
    """

    key: str
    status: Status
    reason: str = ""
    loss: float | None = None
    accuracy: float | None = None
    macro_accuracy: float | None = None
    parameters: int = 0
    steps: int = 0
    step_seconds: float = 0.0
    compile_seconds: float = 0.0
    trace_seconds: float = 0.0
    program_seconds: float = 0.0
    train_seconds: float = 0.0
    total_seconds: float = 0.0
    idle_seconds: float = 0.0
    program: Program | None = None
    resident_bytes: int = 0
    backend: str = ""
    device: str = ""
    adjustments: tuple[Adjustment, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for `from_json`."""
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> Outcome:
        """Inverse of `to_json`. Raises ValueError, KeyError or TypeError for anything else.

        A loss that is no finite number, a failure without a reason and a negative time are something else: nothing
        that a worker answers may be stored unless it makes sense.
        """
        if data["status"] not in get_args(Status):
            raise ValueError(f"unknown status {data['status']!r}")
        adjustments = tuple(Adjustment(**adjustment) for adjustment in data.get("adjustments", ()))
        outcome = Outcome(**{**data, "adjustments": adjustments})
        if fault := _fault(outcome):
            raise ValueError(fault)
        return outcome


def _fault(outcome: Outcome) -> str:
    """What of an outcome cannot be, or ""."""
    for name in ("key", "reason", "backend", "device"):
        value = getattr(outcome, name)
        if not isinstance(value, str) or value != value.encode(errors="replace").decode():
            return f"{name} is no text"
    for name in ("loss", "accuracy", "macro_accuracy"):
        value = getattr(outcome, name)
        if value is not None and not _finite(value):
            return f"{name} is {value!r}"
    for name in COUNTS:
        value = getattr(outcome, name)
        if not isinstance(value, int) or not 0 <= value < 2**63:
            return f"{name} is {value!r}"
    for name in SECONDS:
        value = getattr(outcome, name)
        if not _finite(value) or value < 0:
            return f"{name} is {value!r}"
    for change in outcome.adjustments:
        if not isinstance(change.name, str) or not isinstance(change.reason, str):
            return "an adjustment has no name or no reason"
        if not _finite(change.original) or not _finite(change.value):
            return f"the adjustment of {change.name} has no finite values"
    if (outcome.status == "evaluated") != (outcome.loss is not None):
        return f"{outcome.status} with a loss of {outcome.loss}"
    return "" if outcome.status == "evaluated" or outcome.reason else f"{outcome.status} without a reason"


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def component_sources(recipe: Recipe, library: Library) -> dict[str, str]:
    """Source of every component that the recipe names. Raises RecipeError for one that the library lacks."""
    return {gene.component: component_of(gene, library, path).source for path, gene in recipe.genes()}
