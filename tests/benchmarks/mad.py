"""Measure published architectures on the synthetic tasks in their tiny settings, at the smallest scale.

    python tests/benchmarks/mad.py [--architectures llama gated_deltanet] [--tasks recall copying] [--seeds 1]

Prints accuracy (micro, in %) by architecture and task, with what guessing reaches. In line with the published
benchmark (2403.17844), attention copies best, states that forget or correct recall soonest, all of them memorise,
and a stack of channel mixers alone stays at guessing everywhere.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean

from cognition.loader import load_architectures, load_library
from evaluators.executor import LocalExecutor, WorkerOptions
from evaluators.fitting import fit
from evaluators.jobs import Job, Outcome, TaskSpec, component_sources
from evaluators.scales import SCALES
from evaluators.tasks.registry import TINY
from genome.recipe import Block, Gene, Recipe

SCALE = SCALES["tiny"]
CHANNELS_ONLY = "channels only"


def recipes(names: Sequence[str]) -> dict[str, Recipe]:
    """Published recipes by name, and one of channel mixers alone."""
    known = load_architectures()
    chosen = {name: known[name].recipe for name in names}
    block = Block(branches=((Gene(component="rms_norm"), Gene(component="swiglu")),), repeat=4)
    llama = known["llama"].recipe
    chosen[CHANNELS_ONLY] = llama.model_copy(update={"blocks": (block,)})
    return chosen


def jobs(chosen: dict[str, Recipe], tasks: Sequence[str], seeds: int) -> Iterator[Job]:
    """Whole training runs of every recipe on every task with every seed, sized to the scale's budget."""
    library = load_library()
    vocabulary = max(TINY[task].vocabulary for task in tasks)
    for name, recipe in chosen.items():
        sizes = fit(recipe, library, SCALE, vocabulary).instance.sizes
        sources = component_sources(recipe, library)
        for task in tasks:
            spec = TaskSpec(task, "tiny")
            for seed in range(seeds):
                key = f"{name}/{task}/{seed}"
                yield Job(
                    key, recipe.json_text, sources, SCALE, sizes.width, sizes.hidden, spec, seed, 0, SCALE.steps
                )


@contextmanager
def local_workers(count: int, deadline_seconds: float = 600.0) -> Iterator[LocalExecutor]:
    """Workers that keep what they compile and print in a folder of their own, which goes with them."""
    with tempfile.TemporaryDirectory() as folder:
        options = WorkerOptions(cache=str(Path(folder, "compiled")), deadline_seconds=deadline_seconds)
        with LocalExecutor(count, options, Path(folder, "log")) as executor:
            yield executor


def cell(outcomes: Sequence[Outcome]) -> str:
    """Mean accuracy in %, or how the runs ended."""
    accuracies = [outcome.accuracy for outcome in outcomes if outcome.accuracy is not None]
    return f"{100 * fmean(accuracies):.0f}" if accuracies else outcomes[0].status


def main() -> None:
    """Train and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--architectures", nargs="+", default=["llama", "gated_deltanet", "griffin"])
    parser.add_argument("--tasks", nargs="+", choices=list(TINY), default=list(TINY))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    chosen = recipes(arguments.architectures)
    with local_workers(arguments.workers) as executor:
        listed = list(jobs(chosen, arguments.tasks, arguments.seeds))
        done = {outcome.key: outcome for outcome in executor.run(listed)}
    print(f"{'':20}", *(f"{task[:12]:>13}" for task in arguments.tasks))
    print(f"{'guessing':20}", *(f"{100 * TINY[task].chance_accuracy:13.0f}" for task in arguments.tasks))
    for name in chosen:
        cells = [cell([done[f"{name}/{task}/{s}"] for s in range(arguments.seeds)]) for task in arguments.tasks]
        print(f"{name:20}", *(f"{text:>13}" for text in cells))
    print(f"{sum(outcome.total_seconds for outcome in done.values()):.0f} s of work")


if __name__ == "__main__":
    main()
