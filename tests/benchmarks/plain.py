"""Evaluations per hour beside the same trainer written plainly: recipes of a default search, on this CPU.

    python tests/benchmarks/plain.py [--recipes 32] [--workers 2] [--seed 0]

The recipes are the first that a default search proposes: published ones and their children, sized for `tiny`, on the
tasks `text` and `recall`. An evaluation is one recipe on both. Four sides are printed:

- plain: `plain_model` in the product's `Trainer`, in this process, one `jax.jit` of a whole training step per
  candidate and task (their vocabularies differ), with all threads that XLA takes. One run to the end gives both rungs:
  the time of the screen is that of the run without the steps after it, the checks and the final scoring included.
- cold: worker processes with an empty directory of compiled programs; each rung starts with its own, every run at
  step 0. Jobs come in generations, as in a search, which waits for the last of each.
- warm: the same jobs on new workers, with the directory that the cold side filled.

Times are wall-clock and include the start of a process, which is printed too, then shares of compile time in all
evaluations and in those after the first 16 recipes, then seconds of one evaluation. Last come relative differences of
losses: of the first training steps, and of the validation loss after all of them, where rounding has grown.
The machine should do nothing else. With 32 recipes on 2 cores it takes about 15 minutes; `--recipes 4` is a trial.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from candidates import jobs_of_search

from backends.looks import LOOK_STEPS
from evaluators.executor import LocalExecutor, WorkerOptions
from evaluators.jobs import Job, Outcome
from evaluators.readout import read_out
from evaluators.tasks.protocol import Task
from evolve.configuration import Configuration
from evolve.session import prepare
from genome.instance import instantiate
from genome.parser import parse_component
from genome.recipe import Recipe
from genome.values import Sizes

if TYPE_CHECKING:
    from evaluators.training import Trainer

POPULATION = 8
"""Recipes per generation, by default."""

SETTLED = 16
"""Candidates after which a cold search has compiled what its recipes have in common."""

FIRST_STEPS = 8
"""Training steps whose losses are compared one by one: rounding has not grown yet."""

RUNGS = {"screen": 0, "full": -1}
"""The first rung of a scale, and the whole training run."""


Candidate = tuple[Job, ...]
"""The jobs of one recipe, one per task, from the first step to the last."""


@dataclass
class Side:
    """Outcomes of every candidate at one rung; `start` and `seconds` (which contain it) are wall-clock."""

    start: float
    seconds: float = 0.0
    outcomes: list[list[Outcome]] = field(default_factory=list)

    @property
    def hourly(self) -> float:
        """Evaluations per hour."""
        return 3600 * len(self.outcomes) / self.seconds

    def compiling(self, first: int = 0) -> float:
        """Compile time over evaluation time, of the candidates from `first` on."""
        own = [outcome for candidate in self.outcomes[first:] for outcome in candidate]
        return sum(o.compile_seconds for o in own) / max(1e-9, sum(o.total_seconds for o in own))

    def seconds_per_evaluation(self) -> tuple[float, float, float]:
        """Seconds of one evaluation that compile, train and do anything else (check, score), in its process."""
        own = [outcome for candidate in self.outcomes for outcome in candidate]
        compiling = sum(o.compile_seconds for o in own) / len(self.outcomes)
        training = sum(o.train_seconds for o in own) / len(self.outcomes)
        return compiling, training, sum(o.total_seconds for o in own) / len(self.outcomes) - compiling - training


def draw(count: int, seed: int) -> list[Candidate]:
    """The first candidates that a search proposes, whose losses are random numbers here.

    Those without a schedule are left out: the plain trainer scores the parameters that it updates.
    """
    generations = -(-count // POPULATION) + 1  # one more: some proposals are duplicates or have no instance
    configuration = Configuration(generations=generations, population=POPULATION, seed=seed)
    candidates: dict[str, list[Job]] = {}
    for job in jobs_of_search(configuration):
        purpose, digest, *_ = job.key.split("/")
        if purpose == "search" and job.stop == job.scale.steps_at(0):
            whole = replace(job, key=f"{digest}/{job.task.name}", stop=job.scale.steps, checkpoint=None)
            candidates.setdefault(digest, []).append(whole)
    scheduled = [tuple(jobs) for jobs in candidates.values() if "schedule_free" not in jobs[0].recipe]
    return scheduled[:count]


def plain(candidates: Sequence[Candidate]) -> tuple[dict[str, Side], dict[str, list[float]]]:
    """The plain trainer at both rungs, and the first training losses of jobs that nothing went wrong with."""
    started = time.perf_counter()
    from plain_model import PlainBackend  # loads JAX: a part of what the start takes

    from evaluators.training import Trainer

    backend = PlainBackend()
    trainer = Trainer(backend)
    start = time.perf_counter() - started
    sides, losses = {rung: Side(start, start) for rung in RUNGS}, {}
    for number, candidate in enumerate(candidates, 1):
        runs = []
        for job in candidate:
            runs.append(at_both_rungs(trainer, job))
            if runs[-1][1].status == "evaluated" and not runs[-1][1].adjustments:
                losses[job.key] = backend.losses[:FIRST_STEPS]
        for side, own in zip(sides.values(), zip(*runs, strict=True), strict=True):
            side.outcomes.append(list(own))
            side.seconds += sum(outcome.total_seconds for outcome in own)
        print(f"plain: {number} of {len(candidates)} recipes, {sides['full'].seconds:.0f} s", flush=True)
    return sides, losses


def at_both_rungs(trainer: Trainer, job: Job) -> tuple[Outcome, Outcome]:
    """The outcome of a whole run, before it the same without the seconds of the steps after the screen.

    Those of a step are measured after the first look, when everything is compiled.
    """
    reached: dict[int, float] = {}
    outcome = trainer.run(job, lambda step, loss: reached.update({step: time.perf_counter()}))
    later = 0.0
    if job.stop in reached:
        steps = job.stop - job.scale.steps_at(RUNGS["screen"])
        later = (reached[job.stop] - reached[LOOK_STEPS]) * steps / (job.stop - LOOK_STEPS)
    total, training = outcome.total_seconds - later, max(0.0, outcome.train_seconds - later)
    return replace(outcome, total_seconds=total, train_seconds=training), outcome


def ours(candidates: Sequence[Candidate], rung: str, cache: Path, workers: int) -> Side:
    """The product: workers, and generations one after the other."""
    started = time.perf_counter()
    found: dict[str, Outcome] = {}
    start = 0.0
    with (
        tempfile.TemporaryDirectory() as logs,
        LocalExecutor(workers, WorkerOptions(backend="jax", cache=str(cache)), Path(logs)) as executor,
    ):
        executor.warm_up()
        for first in range(0, len(candidates), POPULATION):
            jobs = [
                replace(job, stop=job.scale.steps_at(RUNGS[rung]))
                for candidate in candidates[first : first + POPULATION]
                for job in candidate
            ]
            for outcome in executor.run(jobs):
                start = start or time.perf_counter() - started - outcome.total_seconds
                found[outcome.key] = outcome
        seconds = time.perf_counter() - started
    return Side(start, seconds, [[found[job.key] for job in candidate] for candidate in candidates])


def first_losses(jobs: Sequence[Job], tasks: Sequence[Task], cache: Path) -> dict[str, list[float]]:
    """Losses of the first training steps of the stitched programs, in this process."""
    from backends.jax.backend import JaxBackend

    backend = JaxBackend(cache)
    named = {task.name: task for task in tasks}
    losses = {}
    for job in jobs:
        task = named[job.task.name]
        library = {name: parse_component(source, {}) for name, source in job.components.items()}
        sizes = Sizes(job.width, job.hidden, task.vocabulary, task.context)
        instance = instantiate(Recipe.from_json(job.recipe), library, sizes, job.scale.depth)
        model = backend.lower(read_out(instance, task.readout), steps=job.scale.steps)
        batches = [task.batch("train", job.seed, i, job.scale.batch) for i in range(FIRST_STEPS)]
        losses[job.key] = model.train(model.start(job.seed), batches)[1].tolist()
    return losses


def report(rung: str, sides: dict[str, Side]) -> None:
    """Evaluations per hour, and where the time of an evaluation goes."""
    print(f"\n{rung:8}{'per hour':>10}{'times':>8}{'start, s':>10}{'compile':>10}{f'after {SETTLED}':>10}", end="")
    print(f"{'compile, s':>14}{'train, s':>10}{'other, s':>10}")
    for name, side in sides.items():
        after = f"{side.compiling(SETTLED):.1%}" if len(side.outcomes) > SETTLED else "-"
        print(f"{name:8}{side.hourly:10.0f}{side.hourly / sides['plain'].hourly:8.1f}{side.start:10.1f}", end="")
        print(f"{side.compiling():10.1%}{after:>10}", end="")
        print("{:14.2f}{:10.2f}{:10.2f}".format(*side.seconds_per_evaluation()), flush=True)


def compare(name: str, differences: Sequence[float]) -> None:
    """The spread of relative differences of losses."""
    values = np.asarray(differences)
    print(f"{name}: median {np.median(values):.0e}, largest {values.max():.0e}, ", end="")
    print(f"{int((values > 1e-4).sum())} of {len(values)} above 1e-4", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--recipes", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if min(arguments.recipes, arguments.workers) < 1:
        parser.error("--recipes and --workers are at least 1")
    candidates = draw(arguments.recipes, arguments.seed)
    there, plain_losses = plain(candidates)
    with tempfile.TemporaryDirectory() as folder:
        caches = {rung: Path(folder) / rung for rung in RUNGS}
        here = {}
        for rung in RUNGS:
            cold, warm = (ours(candidates, rung, caches[rung], arguments.workers) for _ in range(2))
            here[rung] = cold
            report(rung, {"plain": there[rung], "cold": cold, "warm": warm})
        tasks = prepare(Configuration(seed=arguments.seed)).tasks
        compared = [job for candidate in candidates for job in candidate if job.key in plain_losses]
        stitched = first_losses(compared, tasks, caches["full"])
    pairs = [
        pair
        for one, other in zip(there["full"].outcomes, here["full"].outcomes, strict=True)
        for pair in zip(one, other, strict=True)
    ]
    differing = [(one, other) for one, other in pairs if one.status != other.status]
    print(f"\nof {len(pairs)} jobs {len(differing)} ended differently; relative differences of losses:")
    first = [abs(np.asarray(stitched[key]) / np.asarray(own) - 1) for key, own in plain_losses.items()]
    compare("first training step", [own[0] for own in first])
    compare(f"first {FIRST_STEPS} training steps", [own.max() for own in first])
    both = [(one.loss, other.loss) for one, other in pairs if one.loss is not None and other.loss is not None]
    compare("validation after all steps", [abs(b / a - 1) for a, b in both])


if __name__ == "__main__":
    main()
