"""Ways to search beside one another, on the same seeds, tasks and budget.

    python tests/benchmarks/strategies.py [--ways uct regularized local random guided] [--tasks text copying]
        [--seeds 5] [--generations 8] [--population 8] [--scale tiny] [--keep DIR]

`guided` is `uct` with guidance; the others are without. All of a seed begin with the same published recipes and are
measured by the same yardstick; what several of them train alike is trained once. Their champions are trained again
on three fresh seeds and scored on the sealed split. Prints Markdown per task, means over seeds with 95 % intervals:
the best score on the way over training tokens, the confirmed score, and how much `uct` is ahead of each, paired by
seed. With `--keep`, searches that are there are read and not run again.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

from candidates import new_search

from evaluators.executor import Executor
from evaluators.jobs import Job, Outcome
from evolve.configuration import Configuration
from evolve.confirmation import confirm
from evolve.naming import recipe_of
from evolve.session import prepare, workers
from evolve.yardstick import measure_yardstick
from runs.archive import Archive
from runs.comparison.measures import compared
from runs.comparison.traces import Trace, read_trace
from runs.evidence.interval import Interval

WAYS: Mapping[str, Mapping[str, Any]] = {
    **{name: {"strategy": name, "guidance": "off"} for name in ("uct", "regularized", "local", "random")},
    "guided": {"strategy": "uct", "guidance": "on"},
}

PLACES = 5
"""At how many places of the budget the best score on the way is printed."""


class Remembering:
    """An executor that answers from memory what was trained before; a checkpoint that is missing is made again."""

    def __init__(self, executor: Executor, known: dict[str, Outcome]) -> None:
        self.executor, self.known = executor, known

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        yield from (self.known[job.key] for job in jobs if job.key in self.known)
        for outcome in self.executor.run([job for job in jobs if job.key not in self.known]):
            self.known[outcome.key] = outcome
            yield outcome


def search(configuration: Configuration, folder: Path, known: dict[str, Outcome]) -> None:
    """A search from beginning to end whose champion is then confirmed."""
    prepared = prepare(configuration)
    with (
        workers(prepared, folder / "logs") as executor,
        new_search(prepared, Remembering(executor, known), folder) as own,
    ):
        own.run()
        laboratory = own.laboratory
        (champion,) = laboratory.store.best()
        yardstick = measure_yardstick(laboratory, prepared.tasks, configuration.seed)
        confirm(laboratory, {"champion": recipe_of(laboratory.store, champion)}, yardstick, configuration.seed)
        laboratory.store.finish_run("finished")


def confirmed(directory: Path) -> float:
    """The score of a search's champion on the sealed split, mean over fresh seeds."""
    with Archive.at(directory) as archive:
        yardstick = archive.yardstick
        assert yardstick is not None
        losses: dict[int, dict[str, float]] = {}
        for row in archive.evaluations(purpose="confirm"):
            if row.loss is None:
                return float("-inf")
            losses.setdefault(row.seed, {})[row.task] = row.loss
        return fmean(yardstick.score(own) for own in losses.values())


def tables(found: Mapping[str, Sequence[Path]]) -> Iterator[str]:
    """Rows of one task: `found` maps each way to its searches, one per seed."""
    traces: dict[str, list[Trace]] = {way: [read_trace(path) for path in paths] for way, paths in found.items()}
    comparison = compared(traces, "tokens")
    curve = comparison.groups[0].curve
    shown = [round(place * (len(curve) - 1) / (PLACES - 1)) for place in range(PLACES)]
    heads = [*(f"{curve[own].at / 1e6:.2f}M tokens" for own in shown), "mean on the way", "confirmed"]
    yield "| way | " + " | ".join(heads) + " |"
    yield "|---|" + "---|" * len(heads)
    scores = {way: [confirmed(path) for path in paths] for way, paths in found.items()}
    for group in comparison.groups:
        cells = [f"{group.curve[own].best.value:.4f}" for own in shown[:-1]]
        cells += [_interval([run.best for run in group.runs]), _interval([run.area for run in group.runs])]
        yield f"| {group.name} | " + " | ".join([*cells, _interval(scores[group.name])]) + " |"
    yield f"\nnoise floor {comparison.noise:.4f}; ahead of the others at the same seed, in the end and confirmed:\n"
    first, *others = comparison.groups
    for other in others:
        pairs = list(zip((run.best for run in first.runs), (run.best for run in other.runs), strict=True))
        sealed = list(zip(scores[first.name], scores[other.name], strict=True))
        duel = next(own for own in comparison.duels if (own.one, own.other) == (first.name, other.name))
        yield (
            f"- {first.name} against {other.name}: {_interval([one - two for one, two in pairs], '+')}; "
            f"{_interval([one - two for one, two in sealed], '+')}; "
            f"{duel.wins} won, {duel.ties} tied, {duel.losses} lost"
        )


def _interval(values: Sequence[float], sign: str = "") -> str:
    if len(values) < 2:
        return f"{values[0]:{sign}.4f}"
    own = Interval.of(values)
    return f"{own.mean:{sign}.4f} ± {own.margin:.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--tasks", nargs="+", default=["text", "copying"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--generations", type=int, default=8)
    parser.add_argument("--population", type=int, default=8)
    parser.add_argument("--scale", default="tiny")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        found: dict[str, dict[str, list[Path]]] = {
            task: {way: [] for way in arguments.ways} for task in arguments.tasks
        }
        pairs: list[tuple[int, str]] = list(product(range(arguments.seeds), arguments.tasks))
        for seed, task in pairs:
            known: dict[str, Outcome] = {}
            for way in arguments.ways:
                directory = folder / f"{task.replace(',', '-')}-{way}-{seed}"
                if not directory.exists():
                    values = {
                        name: getattr(arguments, name)
                        for name in ("generations", "population", "scale", "workers")
                    }
                    unfinished = directory.with_name(f"{directory.name}.unfinished")
                    search(
                        Configuration(**values, **WAYS[way], task=tuple(task.split(",")), seed=seed),
                        unfinished,
                        known,
                    )
                    unfinished.rename(directory)
                    print(".", end="", flush=True)
                found[task][way].append(directory)
        for task, ways in found.items():
            print(f"\n\n{task}, {arguments.seeds} seeds:\n")
            for line in tables(ways):
                print(line)


if __name__ == "__main__":
    main()
