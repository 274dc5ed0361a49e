"""Measuring recipes: jobs for every task and rung, each outcome committed as it arrives and never paid for twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from backends.protocol import Program
from evaluators.executor import Executor
from evaluators.fitting import fit
from evaluators.jobs import Adjustment, Job, Outcome, TaskSpec, component_sources
from evaluators.scales import Scale
from evaluators.tasks.protocol import Split
from genome.component import Library
from genome.instance import Instance
from genome.recipe import Recipe
from runs import records
from runs.contract import SearchStore
from runs.records import Evaluation, EvaluationStatus, Purpose


@dataclass(frozen=True, slots=True)
class Subject:
    """A recipe to measure, at the sizes that meet the scale's budget; `attempt` is None outside the search."""

    hash: str
    recipe: Recipe
    instance: Instance
    attempt: int | None = None

    @property
    def number(self) -> int:
        """Number of its attempt, which it has in a search."""
        assert self.attempt is not None
        return self.attempt


@dataclass(frozen=True, slots=True)
class Measured:
    """One subject trained with one seed on every task up to a rung; `reason` says which task failed and why."""

    subject: Subject
    seed: int
    status: EvaluationStatus
    reason: str
    losses: Mapping[str, float]
    seconds: float
    step_seconds: float

    @property
    def attempt(self) -> int:
        """Number of the subject's attempt."""
        return self.subject.number


@dataclass
class Clock:
    """Seconds that workers spent compiling, training and on anything else, since the last reset."""

    compile: float = 0.0
    train: float = 0.0
    other: float = 0.0

    def add(self, outcome: Outcome) -> None:
        self.compile += outcome.compile_seconds
        self.train += outcome.train_seconds
        self.other += max(0.0, outcome.total_seconds - outcome.compile_seconds - outcome.train_seconds)


@dataclass
class Laboratory:
    """Everything that stays the same from one measurement to the next.

    `vocabulary` is the largest of the tasks: a recipe has one size for all of them. `program` is how training steps
    are compiled, None as the backend does unless told otherwise.
    """

    store: SearchStore
    executor: Executor
    library: Library
    scale: Scale
    tasks: Sequence[TaskSpec]
    vocabulary: int
    checkpoints: Path
    observe: Callable[[int, int], None] = lambda done, total: None
    clock: Clock = field(default_factory=Clock)
    program: Program | None = None

    def subject(
        self,
        recipe: Recipe,
        digest: str,
        attempt: int | None = None,
        *,
        hidden_step: int = 0,
        library: Library | None = None,
    ) -> Subject:
        """Size a recipe; `library` holds components that the laboratory's own may not have yet.

        Raises RecipeError where it has no instance at this scale.
        """
        fitted = fit(recipe, library or self.library, self.scale, self.vocabulary, hidden_step=hidden_step)
        return Subject(digest, recipe, fitted.instance, attempt)

    def measure(
        self,
        subjects: Sequence[Subject],
        seeds: Sequence[int],
        rung: int,
        *,
        purpose: Purpose = "search",
        split: Split = "validation",
    ) -> list[Measured]:
        """Train every subject with every seed up to the rung; what the store already holds is not trained again."""
        wanted = [(subject, seed) for subject in subjects for seed in seeds]
        stored = self._stored(wanted, rung, purpose, split)
        jobs = {
            job.key: (job, subject)
            for subject, seed in wanted
            for task in self.tasks
            if (subject.hash, seed, task.name) not in stored
            for job in (self._job(subject, seed, task, rung, purpose, split),)
        }
        total = len(jobs)
        self.observe(0, total)
        for done, outcome in enumerate(self.executor.run([job for job, _ in jobs.values()]), 1):
            job, subject = jobs[outcome.key]
            evaluation = _evaluation(job, subject, outcome, rung, purpose)
            self.store.record_evaluation(evaluation, [_adjustment(job, change) for change in outcome.adjustments])
            stored[subject.hash, job.seed, job.task.name] = evaluation
            self.clock.add(outcome)
            self.observe(done, total)
        return [self._measured(subject, seed, stored) for subject, seed in wanted]

    def job(self, key: str, subject: Subject, task: TaskSpec, seed: int, stop: int) -> Job:
        """A training run from its start to step `stop`, which leaves no state."""
        sizes = subject.instance.sizes
        return Job(
            key=key,
            recipe=subject.recipe.json_text,
            components=component_sources(subject.recipe, self.library),
            scale=self.scale,
            width=sizes.width,
            hidden=sizes.hidden,
            task=task,
            seed=seed,
            start=0,
            stop=stop,
            program=self.program,
        )

    def discard_checkpoints(self) -> None:
        """Remove the training states of candidates that will not go on, and what a killed worker left of one."""
        for path in self.checkpoints.glob("*.safetensors*"):
            path.unlink(missing_ok=True)

    def _stored(
        self, wanted: Iterable[tuple[Subject, int]], rung: int, purpose: Purpose, split: Split
    ) -> dict[tuple[str, int, str], Evaluation]:
        found = {}
        for subject, seed in wanted:
            for evaluation in self.store.evaluations(recipe=subject.hash, purpose=purpose, rung=rung, split=split):
                if evaluation.seed == seed:
                    found[subject.hash, seed, evaluation.task] = evaluation
        return found

    def _job(self, subject: Subject, seed: int, task: TaskSpec, rung: int, purpose: Purpose, split: Split) -> Job:
        run = f"{purpose}-{subject.hash}-{task.name}-{seed}"
        before = self.checkpoints / f"{run}-{rung - 1}.safetensors"
        # Whether a rung goes on from the one before is a matter of record: files may be lost.
        resumed = rung > 0 and bool(
            self.store.evaluations(
                recipe=subject.hash, purpose=purpose, task=task.name, seed=seed, rung=rung - 1, split=split
            )
        )
        key = f"{purpose}/{subject.hash}/{task.name}/{seed}/{rung}/{split}"
        return replace(
            self.job(key, subject, task, seed, self.scale.steps_at(rung)),
            start=self.scale.steps_at(rung - 1) if resumed else 0,
            split=split,
            resumed=str(before) if resumed else None,
            checkpoint=None
            if rung == self.scale.last_rung
            else str(self.checkpoints / f"{run}-{rung}.safetensors"),
        )

    def _measured(
        self, subject: Subject, seed: int, stored: Mapping[tuple[str, int, str], Evaluation]
    ) -> Measured:
        own = [stored[subject.hash, seed, task.name] for task in self.tasks]
        failed = next((evaluation for evaluation in own if evaluation.status != "evaluated"), None)
        seconds = sum(e.total_seconds or 0.0 for e in own)
        steps = sum(e.tokens for e in own) / (self.scale.batch * self.scale.context)
        step_seconds = sum(e.train_seconds or 0.0 for e in own) / max(1.0, steps)
        if failed is not None:
            reason = f"{failed.task}: {failed.reason}"
            return Measured(subject, seed, failed.status, reason, {}, seconds, step_seconds)
        losses = {evaluation.task: float(evaluation.loss or 0.0) for evaluation in own}
        return Measured(subject, seed, "evaluated", "", losses, seconds, step_seconds)


def _adjustment(job: Job, change: Adjustment) -> records.Adjustment:
    return records.Adjustment(f"{job.task.name}.{change.name}", change.original, change.value, change.reason)


def _evaluation(job: Job, subject: Subject, outcome: Outcome, rung: int, purpose: Purpose) -> Evaluation:
    return Evaluation(
        recipe=subject.hash,
        purpose=purpose,
        task=job.task.name,
        seed=job.seed,
        rung=rung,
        split=job.split,
        tokens=(outcome.steps or job.stop - job.start) * job.scale.batch * job.scale.context,
        status=outcome.status,
        attempt=subject.attempt,
        reason=outcome.reason,
        loss=outcome.loss,
        accuracy=outcome.accuracy,
        macro_accuracy=outcome.macro_accuracy,
        compile_seconds=outcome.compile_seconds,
        trace_seconds=outcome.trace_seconds,
        train_seconds=outcome.train_seconds,
        idle_seconds=outcome.idle_seconds,
        total_seconds=outcome.total_seconds,
        backend=outcome.backend,
        device=outcome.device,
    )
