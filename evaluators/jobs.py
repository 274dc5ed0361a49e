"""What a worker is asked to do and what it answers, as frozen values that travel as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from backends.protocol import Program
from evaluators.scales import Rung, Scale
from evaluators.tasks.protocol import Split
from genome.component import Library
from genome.recipe import Recipe, component_of

Status = Literal["evaluated", "failed", "diverged", "timeout"]


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
    from the training state in the file `resumed`; it leaves its own in `checkpoint`, where one is named. `width` and
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
        """Inverse of `to_json`. Raises ValueError, KeyError or TypeError for anything else."""
        if data["status"] not in get_args(Status):
            raise ValueError(f"unknown status {data['status']!r}")
        adjustments = tuple(Adjustment(**adjustment) for adjustment in data.get("adjustments", ()))
        return Outcome(**{**data, "adjustments": adjustments})


def component_sources(recipe: Recipe, library: Library) -> dict[str, str]:
    """Source of every component that the recipe names. Raises RecipeError for one that the library lacks."""
    return {gene.component: component_of(gene, library, path).source for path, gene in recipe.genes()}
