"""Score four architectures on MAD's tasks (2403.17844) at its baseline settings, beside what laboratories report.

    python tests/benchmarks/mad_published.py [--tasks recall copying] [--minutes 20] [--steps 900 500]

Models as in MAD: width 128, two blocks of a mixer and a SwiGLU of hidden size 352, each after an RMS norm. Scores
are accuracies averaged over classes, in %, on the 1,280 sequences of the validation split. With an accelerator the
training is the published one: 200 epochs in batches of 128, the best of three learning rates. On a CPU it is
shortened to what the machine does in `--minutes`, in small batches at one higher rate; `--steps` sets the steps of
each task instead. What was chosen is printed first.

Published scores are means over the baseline and the settings that change one thing of it, most of them harder, so
a whole training should reach them or more. What differs from MAD: the components are the library's (8 attention
heads of 16 for 16 of 8, no biases; GLA with keys of half the width; Mamba-2 2.75 times as wide inside, not twice;
initial matrices 1.7 times as large); AdamW warms up for one percent of the steps, clips at 2, and decays matrices
alone, at 0.1; float32; no stop at 99.9 %.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mad import local_workers
from mad_scores import PUBLISHED, TASKS, labs_range

from backends.selection import make_backend
from cognition.architectures.architecture import gene, recipe, stack
from cognition.loader import load_library
from evaluators.executor import SET, Executor
from evaluators.jobs import Job, Outcome, TaskSpec, component_sources
from evaluators.scales import SCALES
from evaluators.tasks.registry import PUBLISHED as PUBLISHED_TASKS
from genome.recipe import Recipe

WIDTH, HIDDEN = 128, 352
"""The hidden size is 8/3 of the width, rounded up to a multiple of 16."""

EPOCHS, BATCH, RATES = 200, 128, (1e-4, 5e-4, 1e-3)
"""The published training; its two weight decays are one here."""

SHORT_BATCH = {"recall": 8, "copying": 8, "memorization": 128}
SHORT_RATE = {"recall": 3e-3, "copying": 3e-3, "memorization": 1e-3}
"""Of a shortened training: memorization is small enough to stay as published."""

MIXERS = {
    "attention": gene("attention", heads=8),
    "gla": gene("gated_linear_attention", heads=8),
    "deltanet": gene("delta_net", heads=4),
    "mamba2": gene("mamba2", heads=4),
}

TIMED_STEPS = 8
DEADLINE_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Setting:
    """How a task is trained: sequences in a step, steps, and learning rates, of which the best counts."""

    batch: int
    steps: int
    rates: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one run of every architecture on a task: what comes once, and each step."""

    once: float
    step: float


def published_setting(task: str) -> Setting:
    """The whole published training of a task."""
    return Setting(BATCH, published_sequences(task) // BATCH, RATES)


def published_sequences(task: str) -> int:
    """Sequences of the published training, counted at each pass."""
    return EPOCHS * (PUBLISHED_TASKS[task].training_examples or 0)


def shortened(task: str, steps: int) -> Setting:
    """So many steps of the shortened training."""
    return Setting(SHORT_BATCH[task], steps, (SHORT_RATE[task],))


def mad_recipe(architecture: str, rate: float) -> Recipe:
    """MAD's model around a mixer of the library, with the nearest training that the library has."""
    layers = stack("rms_norm", MIXERS[architecture], "swiglu", MIXERS[architecture], "swiglu")
    training = gene("adamw", learning_rate=rate, warmup=0.01, final=0.0, beta2=0.999, clip_norm=2.0)
    return recipe(*layers, training=training)


def jobs(settings: Mapping[str, Setting], seed: int) -> Iterator[Job]:
    """One training run of each architecture on each task at each learning rate."""
    library = load_library()
    for task, setting in settings.items():
        context = PUBLISHED_TASKS[task].context
        tokens = setting.steps * setting.batch * context
        scale = replace(SCALES["tiny"], name="mad", context=context, batch=setting.batch, tokens=tokens, depth=1)
        for architecture in MIXERS:
            for rate in setting.rates:
                chosen = mad_recipe(architecture, rate)
                yield Job(
                    f"{architecture}/{task}/{rate:g}",
                    chosen.json_text,
                    component_sources(chosen, library),
                    scale,
                    WIDTH,
                    HIDDEN,
                    TaskSpec(task, "published"),
                    seed,
                    0,
                    setting.steps,
                )


def measured_costs(executor: Executor, tasks: Sequence[str], seed: int) -> dict[str, Cost]:
    """What each task costs, from a few steps of every run. Raises ValueError where one cannot be trained."""
    outcomes = list(executor.run(list(jobs({task: shortened(task, TIMED_STEPS) for task in tasks}, seed))))
    for outcome in outcomes:
        if outcome.status != "evaluated":
            raise ValueError(f"{outcome.key}: {outcome.status}: {outcome.reason}")
    costs = {}
    for task in tasks:
        own = [outcome for outcome in outcomes if outcome.key.split("/")[1] == task]
        once = sum(outcome.total_seconds - outcome.train_seconds for outcome in own)
        costs[task] = Cost(once, sum(outcome.step_seconds for outcome in own))
    return costs


def affordable(costs: Mapping[str, Cost], seconds: float) -> dict[str, int]:
    """Steps of each task in so many seconds of work: equal time, and what one does not need goes to the others.

    Raises ValueError where a task would have no step.
    """
    limits = {task: published_sequences(task) // SHORT_BATCH[task] for task in costs}
    whole = {task: cost.once + limits[task] * cost.step for task, cost in costs.items()}
    steps = {}
    for left, task in zip(range(len(costs), 0, -1), sorted(costs, key=whole.__getitem__), strict=True):
        cost = costs[task]
        steps[task] = min(limits[task], int((seconds / left - cost.once) / cost.step))
        if steps[task] < 1:
            raise ValueError(f"no step of {task} fits into the time left after timing: give more --minutes")
        seconds -= cost.once + steps[task] * cost.step
    return steps


def describe(task: str, setting: Setting) -> str:
    """The setting of a task in one line."""
    share = setting.steps * setting.batch / published_sequences(task)
    rates = " or ".join(f"{rate:g}" for rate in setting.rates)
    return (
        f"{task}: {setting.steps} steps of {setting.batch} sequences, {100 * share:.3g} % of the published "
        f"training, learning rate {rates}"
    )


def verdict(score: float, low: float, high: float) -> str:
    """Where a score lies beside the laboratories'."""
    if score < low:
        return f"below by {low - score:.1f}"
    return f"above by {score - high:.1f}" if score > high else "inside"


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """A line for each architecture and task: our score, each source's, and whether ours lies within theirs."""
    sources = list(dict.fromkeys(row.source for rows in PUBLISHED.values() for row in rows))
    yield f"{'':12}{'':14}{'guess':>7}{'here':>7}" + "".join(f"{source:>16}" for source in sources)
    for architecture, rows in PUBLISHED.items():
        reported = {row.source: row.scores for row in rows}
        for column, task in enumerate(TASKS):
            own = [outcome for outcome in outcomes if outcome.key.startswith(f"{architecture}/{task}/")]
            if not own:
                continue
            scores = [100 * outcome.macro_accuracy for outcome in own if outcome.macro_accuracy is not None]
            here, judged = (
                (f"{max(scores):.1f}", verdict(max(scores), *labs_range(architecture, task)))
                if scores
                else ("-", f"{own[0].status}: {own[0].reason}")
            )
            theirs = (f"{reported[source][column]:.1f}" if source in reported else "" for source in sources)
            guess = 100 * PUBLISHED_TASKS[task].chance_accuracy
            line = f"{architecture:12}{task:14}{guess:7.1f}{here:>7}" + "".join(f"{text:>16}" for text in theirs)
            yield f"{line}  {judged}"


def main() -> None:
    """Choose the setting, train, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--minutes", type=float, default=20.0, help="time for all runs, on a CPU")
    parser.add_argument("--steps", type=int, nargs="+", help="of each task, in place of --minutes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    tasks, steps = arguments.tasks, arguments.steps
    if steps and (len(steps) != len(tasks) or min(steps) < 1):
        parser.error(f"--steps needs a positive number for each of {', '.join(tasks)}")
    os.environ.update(SET)  # so that looking at the devices does not reserve a GPU's memory
    on_cpu = make_backend("jax").devices()[0].kind == "cpu"
    started = time.perf_counter()
    with local_workers(arguments.workers, DEADLINE_SECONDS) as executor:
        if not on_cpu:
            settings = {task: published_setting(task) for task in tasks}
        elif steps:
            settings = {task: shortened(task, count) for task, count in zip(tasks, steps, strict=True)}
        else:
            try:
                costs = measured_costs(executor, tasks, arguments.seed)
                left = 60 * arguments.minutes - (time.perf_counter() - started)
                chosen = affordable(costs, left * arguments.workers)
            except ValueError as error:
                parser.error(str(error))
            settings = {task: shortened(task, chosen[task]) for task in tasks}
        for task, setting in settings.items():
            print(describe(task, setting), flush=True)
        outcomes = []
        for outcome in executor.run(list(jobs(settings, arguments.seed))):
            outcomes.append(outcome)
            accuracy = outcome.macro_accuracy
            ended = outcome.reason or outcome.status if accuracy is None else f"{100 * accuracy:.1f}"
            print(f"{outcome.key}: {ended}, {outcome.total_seconds:.0f} s", flush=True)
    print(*table(outcomes), sep="\n")
    print(f"{(time.perf_counter() - started) / 60:.0f} minutes")


if __name__ == "__main__":
    main()
