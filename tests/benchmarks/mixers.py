"""Train mixers on what the literature agrees about, and say which of its findings hold here.

    python tests/benchmarks/mixers.py [--mixers attention delta] [--tasks recall parity] [--seeds 1] [--part 1.0]

Every mixer stands in two blocks, each followed by a SwiGLU, all normalised before, at 100,000 parameters. Prints
accuracy in % (micro) by mixer and task with what guessing reaches, then one line for each finding: whether it holds,
with the numbers that decide. `--part` shortens every training, to try the command out; a finding about mixers or tasks
that were left out is not judged.

"recall" has 8 keys in 128 tokens, "many keys" 32 in 256, for fewer mixers. Parity counts the second half of 64 bits.
Where a name ends in "+ conv", a filter over four positions comes before the mixer; the delta rules, Mamba, Mamba-2 and
Griffin's recurrence have one inside.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from backends.selection import make_backend
from cognition.architectures.architecture import Gene, branch, gene, recipe, stack
from cognition.loader import load_library
from evaluators.fitting import fit
from evaluators.jobs import Job, TaskSpec, component_sources
from evaluators.scales import SCALES
from evaluators.tasks.in_context_recall import InContextRecall
from evaluators.tasks.memorization import Memorization
from evaluators.tasks.parity import Parity
from evaluators.tasks.selective_copying import SelectiveCopying
from evaluators.tasks.synthetic import SyntheticTask
from evaluators.training import Trainer
from genome.recipe import Block, Branch, Recipe

MARGIN = 0.05
"""By how much one accuracy has to exceed another to be called better."""

RATE = 0.003


MANY_KEYS = ("attention + conv", "linear + conv", "delta", "mamba2", "min gru", "rg-lru")
"""Mixers of the longest task: exact, and with states of a matrix, of many numbers per feature, and of one."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A task with how long it is trained, and by which mixers where not by all."""

    task: SyntheticTask
    steps: int
    batch: int
    mixers: tuple[str, ...] = ()


TASKS: Mapping[str, Setting] = {
    "recall": Setting(InContextRecall(vocabulary=16, context=128, training_examples=None), 600, 16),
    "many keys": Setting(InContextRecall(vocabulary=64, context=256, training_examples=None), 600, 8, MANY_KEYS),
    "copying": Setting(SelectiveCopying(context=64, copy=8, training_examples=None), 500, 16),
    "memorization": Setting(Memorization(vocabulary=64, context=32, training_examples=None), 300, 16),
    "parity": Setting(Parity(context=64), 600, 16),
}

MIXERS: Mapping[str, Branch] = {
    "attention": branch("attention"),
    "attention + conv": branch("canon", "attention"),
    "linear": branch("plain_linear_attention"),
    "linear + conv": branch("canon", "plain_linear_attention"),
    "retention": branch("retention"),
    "gla": branch("gated_linear_attention"),
    "gla + conv": branch("canon", "gated_linear_attention"),
    "delta": branch("delta_net"),
    "reflecting delta": branch("reflecting_delta_net"),
    "gated delta": branch("gated_delta_net"),
    "delta product": branch("delta_product"),
    "mamba": branch("selective_state_space"),
    "mamba2": branch("mamba2"),
    "min gru": branch("min_gru"),
    "rg-lru": branch("real_gated_recurrence"),
    "gate loop": branch("gate_loop"),
    "lstm": branch("long_short_term_memory"),
    "slstm": branch("scalar_lstm"),
    "hyena": branch("hyena"),
}
POSITIVE = ("gla", "gla + conv", "mamba", "mamba2", "min gru", "rg-lru")
"""Recurrences whose states shrink by factors between 0 and 1."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What sources agree on: on a task, each of `better` is ahead of each of `worse`, or one side has a bound.

    `at_least` is for the least of `better`, `at_most` for the greatest of `worse`.
    """

    claim: str
    sources: str
    task: str
    better: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()
    at_least: float = 0.0
    at_most: float = 1.0

    def judged(self, accuracies: Mapping[tuple[str, str], float]) -> str:
        """One line: holds, does not hold, or what it lacks."""
        lacks = [name for name in (*self.better, *self.worse) if (name, self.task) not in accuracies]
        if lacks:
            return f"not judged    {self.claim} ({self.sources}): {', '.join(lacks)} was not run on {self.task}"
        high, low = ({name: accuracies[name, self.task] for name in names} for names in (self.better, self.worse))
        holds = min(high.values(), default=1.0) >= self.at_least
        holds &= max(low.values(), default=0.0) <= self.at_most
        holds &= not (high and low) or min(high.values()) - max(low.values()) >= MARGIN
        told = " against ".join(_listed(side) for side in (high, low) if side)
        return f"{'holds' if holds else 'does not hold':14}{self.claim} ({self.sources}): {told}"


def _listed(accuracies: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {100 * value:.1f} %" for name, value in accuracies.items())


FINDINGS = (
    Finding(
        "the delta rule recalls more keys than linear attention behind a filter",
        "2406.06484",
        "many keys",
        better=("delta",),
        worse=("linear + conv",),
    ),
    Finding(
        "a short filter helps linear attention recall",
        "2402.18668, 2405.21060",
        "recall",
        better=("linear + conv",),
        worse=("linear",),
    ),
    Finding(
        "a short filter helps gated linear attention recall",
        "2402.18668, 2405.21060",
        "recall",
        better=("gla + conv",),
        worse=("gla",),
    ),
    Finding(
        "attention recalls many keys where one number of state per feature cannot",
        "2312.04927, 2402.01032",
        "many keys",
        better=("attention + conv",),
        worse=("min gru", "rg-lru"),
        at_least=0.9,
    ),
    Finding(
        "attention copies more than states of one number per feature",
        "2402.01032",
        "copying",
        better=("attention",),
        worse=("min gru", "rg-lru"),
    ),
    Finding(
        "states that shrink by positive factors fail parity", "2411.12537", "parity", worse=POSITIVE, at_most=0.6
    ),
    Finding(
        "reflections of the state help the delta rule with parity",
        "2411.12537, 2502.10297",
        "parity",
        better=("reflecting delta", "delta product"),
        worse=("delta",),
    ),
    Finding(
        "a table of facts is learned whatever the mixer",
        "2403.17844",
        "memorization",
        better=("attention", "linear", "gla", "mamba", "min gru", "hyena"),
        at_least=0.9,
    ),
)


def mixer_recipe(mixer: Branch) -> Recipe:
    """Two blocks of the mixer, each followed by channels."""
    mixing = Block(branches=(branch("rms_norm", *mixer),))
    (channels,) = stack("rms_norm", "swiglu")
    training: Gene = gene("adamw", learning_rate=RATE, warmup=0.05, beta2=0.99)
    return recipe(mixing, channels, mixing, channels, training=training)


def jobs(mixers: Sequence[str], tasks: Sequence[str], seeds: int, part: float) -> Iterator[tuple[str, str, Job]]:
    """Every training run with the names of its mixer and task."""
    library = load_library()
    for task in tasks:
        setting = TASKS[task]
        steps = max(2, round(part * setting.steps))
        tokens = steps * setting.batch * setting.task.context
        scale = replace(
            SCALES["tiny"], name="mixers", context=setting.task.context, batch=setting.batch, tokens=tokens
        )
        for mixer in (name for name in mixers if not setting.mixers or name in setting.mixers):
            made = mixer_recipe(MIXERS[mixer])
            sizes = fit(made, library, scale, setting.task.vocabulary).instance.sizes
            sources = component_sources(made, library)
            for seed in range(seeds):
                key = f"{mixer}/{task}/{seed}"
                spec = TaskSpec(task, "mixers")
                size = (sizes.width, sizes.hidden)
                yield mixer, task, Job(key, made.json_text, sources, scale, *size, spec, seed, 0, steps)


def main() -> None:
    """Train, print the table, judge the findings."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mixers", nargs="+", choices=list(MIXERS), default=list(MIXERS))
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--part", type=float, default=1.0, help="part of each training's steps")
    arguments = parser.parse_args()
    trainer = Trainer(
        make_backend("jax"), {TaskSpec(name, "mixers"): setting.task for name, setting in TASKS.items()}
    )
    started = time.perf_counter()
    runs: dict[tuple[str, str], list[float]] = {}
    for mixer, task, job in jobs(arguments.mixers, arguments.tasks, arguments.seeds, arguments.part):
        outcome = trainer.run(job)
        ended = outcome.reason or outcome.status
        if outcome.accuracy is not None:
            runs.setdefault((mixer, task), []).append(outcome.accuracy)
            ended = f"{100 * outcome.accuracy:.1f}"
        print(f"{job.key}: {ended}, {outcome.total_seconds:.0f} s", flush=True)
    accuracies = {key: fmean(values) for key, values in runs.items()}
    print(f"\n{'':20}", *(f"{task:>13}" for task in arguments.tasks))
    print(f"{'guessing':20}", *(f"{100 * TASKS[task].task.chance_accuracy:13.1f}" for task in arguments.tasks))
    for mixer in arguments.mixers:
        row = (accuracies.get((mixer, task)) for task in arguments.tasks)
        print(f"{mixer:20}", *(f"{'-' if value is None else f'{100 * value:.1f}':>13}" for value in row))
    print(*("", *(finding.judged(accuracies) for finding in FINDINGS)), sep="\n")
    print(f"{(time.perf_counter() - started) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
