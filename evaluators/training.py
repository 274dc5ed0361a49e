"""Training one recipe on one task under a budget of steps, and scoring it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from backends.batch import Batch
from backends.conformance import component_faults
from backends.memory import training_bytes
from backends.protocol import Backend, BackendError, Model, State, chosen_program
from backends.weights import read_notes
from evaluators import checks
from evaluators.jobs import Adjustment, Job, Outcome, TaskSpec
from evaluators.progress import Progress
from evaluators.readout import read_out
from evaluators.scales import Scale
from evaluators.tasks.metrics import macro_accuracy, micro_accuracy
from evaluators.tasks.protocol import Task
from evaluators.tasks.registry import make_task
from genome.component import Component
from genome.errors import GenomeError
from genome.instance import Instance, instantiate
from genome.parser import parse_component
from genome.recipe import Recipe
from genome.values import Sizes

Watch = Callable[[int, float], None]
"""Called with the steps taken and the training loss, at every look."""

GENTLER = 3
"""What the learning rate of a diverged run is divided by for its one repetition."""


class Trainer:
    """Runs jobs on one backend. Tasks and parsed components are kept from job to job."""

    def __init__(
        self, backend: Backend, tasks: Mapping[TaskSpec, Task] | None = None, memory: int | None = None
    ) -> None:
        """`tasks` adds tasks that are not in the registry, under specifications of the caller's choice.

        `memory` is how many bytes a training run may need: 0 is no bound, None what the device says it has.
        """
        self.backend = backend
        self._tasks: dict[TaskSpec, Task] = dict(tasks or {})
        self._components: dict[str, Component] = {}
        self._device = backend.devices()[0]
        self._memory = self._device.memory if memory is None else memory

    def run(self, job: Job, watch: Watch = lambda step, loss: None) -> Outcome:
        """Train and score. A recipe at fault gives an outcome with status and reason, never an exception.

        A run from step 0 that diverges is repeated once with a third of its learning rate, which the outcome
        reports as an adjustment; a continuation keeps the rate with which its checkpoint was trained. A checkpoint
        that is gone, damaged or not the job's is trained again first, so that its loss costs time and changes no
        score; one that cannot be written for want of space is left out. Raises ValueError for a task that cannot
        be made.
        """
        started, compiled = time.perf_counter(), self.backend.compilation
        outcome = self._run(job, watch)
        compilation = self.backend.compilation - compiled
        return replace(
            outcome,
            compile_seconds=compilation.total,
            trace_seconds=compilation.trace,
            total_seconds=time.perf_counter() - started,
            program=chosen_program(self.backend, job.program),
            backend=self.backend.name,
            device=self._device.name,
        )

    def task(self, spec: TaskSpec) -> Task:
        """The task of a specification. Raises ValueError for one that cannot be made."""
        if spec not in self._tasks:
            self._tasks[spec] = make_task(
                spec.name, spec.profile, data=spec.data, context=spec.context, sealed=spec.sealed
            )
        return self._tasks[spec]

    def _run(self, job: Job, watch: Watch) -> Outcome:
        task = self.task(job.task)
        try:
            library = {name: self._component(source) for name, source in job.components.items()}
            sizes = Sizes(job.width, job.hidden, task.vocabulary, task.context)
            instance = instantiate(Recipe.from_json(job.recipe), library, sizes, job.scale.depth)
        except GenomeError as error:
            return Outcome(job.key, "failed", str(error))
        instance = read_out(instance, task.readout)
        lack = self._lack_of_memory(instance, job.scale)
        if lack:
            return Outcome(job.key, "failed", lack, parameters=instance.cost.parameters)
        if job.examined and (faults := component_faults(self.backend, library[job.examined])):
            return Outcome(job.key, "failed", "; ".join(faults[:3]), parameters=instance.cost.parameters)
        if not job.start:
            return self._from_start(job, task, instance, watch)
        with suppress(BackendError):
            return self._attempt(job, task, instance, _noted_adjustments(job), watch)
        lost = self._from_start(
            replace(job, start=0, stop=job.start, checkpoint=job.resumed), task, instance, watch
        )
        with suppress(BackendError):
            return self._attempt(job, task, instance, _noted_adjustments(job), watch)
        if lost.status != "evaluated":
            return lost
        return self._from_start(replace(job, start=0), task, instance, watch)

    def _from_start(self, job: Job, task: Task, instance: Instance, watch: Watch) -> Outcome:
        outcome = self._attempt(job, task, instance, (), watch)
        if outcome.status != "diverged":
            return outcome
        return self._attempt(job, task, instance, (_gentler(instance, outcome.reason),), watch)

    def _lack_of_memory(self, instance: Instance, scale: Scale) -> str:
        """Why the device cannot hold a training run, or "" where it can: known before anything compiles."""
        if not self._memory:
            return ""
        fused = self.backend.name == "jax" and self._device.kind == "gpu"
        needed = training_bytes(instance, scale.batch, scale.precision, fused=fused).total
        if needed <= self._memory:
            return ""
        return f"needs about {_gibibytes(needed)} to train, the device has {_gibibytes(self._memory)}"

    def _attempt(
        self, job: Job, task: Task, instance: Instance, adjustments: tuple[Adjustment, ...], watch: Watch
    ) -> Outcome:
        """One training run with the optimizer's options adjusted, scored."""
        known = Outcome(job.key, "evaluated", parameters=instance.cost.parameters, adjustments=adjustments)
        optimizer = {**instance.optimizer, **{change.name: change.value for change in adjustments}}
        adjusted = replace(instance, optimizer=optimizer)
        model = self.backend.lower(
            adjusted, steps=job.scale.steps, precision=job.scale.precision, program=job.program
        )
        if job.start:
            state = model.load(Path(job.resumed or ""))
        else:
            state = model.start(job.seed)
            reason = checks.fault(model, state, self._batch(job, task, 0))
            if reason:
                return replace(known, status="failed", reason=reason)
        return self._train(job, task, model, state, known, watch)

    def _train(self, job: Job, task: Task, model: Model, state: State, known: Outcome, watch: Watch) -> Outcome:
        limit = 4 * float(np.log(task.vocabulary))
        progress = Progress(self.backend, job.start)

        def look(losses: np.ndarray) -> bool:
            progress.look(losses)
            if progress.diverged(limit):
                return False
            watch(progress.last.step, progress.loss)
            return True

        state, _ = model.train(state, self._batches(job, task, job.start, job.stop), look)
        if progress.diverged(limit):
            reason = f"the loss reached {progress.loss:.3g} nats by step {progress.last.step}"
            return replace(known, status="diverged", reason=reason)
        unused = [] if job.start else checks.without_gradient(model, state, self._batch(job, task, job.stop))
        if unused:
            return replace(known, status="failed", reason=f"{', '.join(unused[:3])}: no gradient reaches it")
        scores = model.evaluate(state, task.evaluation_batches(job.split, job.scale.batch))
        if not np.isfinite(scores.loss):
            return replace(known, status="diverged", reason=f"the {job.split} loss is {scores.loss}")
        if job.checkpoint:
            adjustments = json.dumps([asdict(adjustment) for adjustment in known.adjustments])
            with suppress(OSError):  # a disk that is full is the search's fault, not the recipe's
                model.save(state, Path(job.checkpoint), {"adjustments": adjustments})
        return replace(
            known,
            loss=scores.loss,
            accuracy=micro_accuracy(scores.correct_by_class, scores.count_by_class),
            macro_accuracy=macro_accuracy(scores.correct_by_class, scores.count_by_class),
            steps=job.stop - job.start,
            program_seconds=progress.program_seconds,
            train_seconds=progress.seconds,
            step_seconds=progress.step_seconds,
        )

    def _component(self, source: str) -> Component:
        if source not in self._components:
            self._components[source] = parse_component(source, {})
        return self._components[source]

    def _batch(self, job: Job, task: Task, index: int) -> Batch:
        return task.batch("train", job.seed, index, job.scale.batch)

    def _batches(self, job: Job, task: Task, first: int, last: int) -> Iterator[Batch]:
        return (self._batch(job, task, index) for index in range(first, last))


def _gibibytes(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"


def _gentler(instance: Instance, reason: str) -> Adjustment:
    rate = float(instance.optimizer["learning_rate"])
    return Adjustment("learning_rate", rate, rate / GENTLER, reason)


def _noted_adjustments(job: Job) -> tuple[Adjustment, ...]:
    """Adjustments of the run that a job continues. Raises BackendError unless it ended where the job starts."""
    path = Path(job.resumed or "")
    notes = read_notes(path)
    if notes.get("step") != str(job.start):
        raise BackendError(f"{path}: holds step {notes.get('step')}, not the step {job.start} that the job needs")
    return tuple(Adjustment(**adjustment) for adjustment in json.loads(notes["adjustments"]))
