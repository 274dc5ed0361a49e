"""How well the first rung of a search foretells the end: its stopped candidates, trained in full.

    python tests/benchmarks/promise.py --out searches/NAME

Prints Spearman's rank correlation of the final score with what is known after the first rung: the score at that
point, and the score expected from the parent's run, by which candidates are promoted.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from evaluators.executor import LocalExecutor, WorkerOptions
from evaluators.fitting import fit
from evaluators.jobs import Job, component_sources
from evaluators.scores import measure_references, recipe_score
from evolve.checks.measurement import read_setting, reference_losses
from evolve.configuration import Configuration
from evolve.measurement import FULL, SCREEN
from evolve.prospect import Losses, Prospect, expected, losses_by_rung, measured
from evolve.session import Prepared, cache_directory, prepare, stored_library
from evolve.yardstick import training_seed
from genome.recipe import Recipe
from runs.archive import Archive
from runs.store import Store


def jobs(archive: Archive, prepared: Prepared) -> list[Job]:
    """Full training runs of every candidate that has only the first rung."""
    library, vocabulary = stored_library(archive), max(task.vocabulary for task in prepared.tasks)
    seed, scale = training_seed(prepared.configuration.seed), prepared.scale
    listed = []
    for attempt in archive.attempts(status="screened"):
        recipe = Recipe.from_json(archive.recipe(str(attempt.recipe)).recipe)
        sizes = fit(recipe, library, scale, vocabulary).instance.sizes
        sources = component_sources(recipe, library)
        listed += [
            Job(
                f"{attempt.id}/{spec.name}",
                recipe.json_text,
                sources,
                scale,
                sizes.width,
                sizes.hidden,
                spec,
                seed,
                start=0,
                stop=scale.steps,
            )
            for spec in prepared.specs
        ]
    return listed


def spearman(left: Sequence[float], right: Sequence[float]) -> float:
    """Correlation of ranks."""
    one, other = (np.argsort(np.argsort(values)) for values in (left, right))
    return float(np.corrcoef(one, other)[0, 1])


def main() -> None:
    """Train what was stopped and print the correlations."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="directory of a finished search")
    archive = Store.read(parser.parse_args().out)
    prepared, setting = prepare(Configuration.of_search(archive.run.configuration)), read_setting(archive)
    losses = losses_by_rung(archive.evaluations(purpose="search"))
    references = measure_references(setting.chances, reference_losses(archive, setting)[0])
    options = WorkerOptions(prepared.backend, str(cache_directory()))
    with (
        TemporaryDirectory() as logs,
        LocalExecutor(prepared.configuration.workers, options, Path(logs)) as executor,
    ):
        for outcome in executor.run(jobs(archive, prepared)):
            attempt, _, task = outcome.key.partition("/")
            if outcome.loss is not None:
                losses.setdefault((int(attempt), FULL), {})[task] = outcome.loss
    known: dict[int, Prospect] = {}
    foretold: list[tuple[float, float, float]] = []
    for attempt in archive.attempts():
        screen: Losses = losses.get((attempt.id, SCREEN), {})
        full: Losses = losses.get((attempt.id, FULL), {})
        if len(screen) < len(references) or len(full) < len(references):
            continue
        known[attempt.id] = measured(screen, full, references)
        if attempt.parents and attempt.parents[0] in known:
            promise = expected(screen, known[attempt.parents[0]], references).score
            foretold.append((recipe_score(screen, references), promise, known[attempt.id].score))
    scores, promises, ends = zip(*foretold, strict=True)
    print(f"{len(foretold)} children, rank correlation with the score after full training:")
    print(f"score after the first {prepared.scale.screen:.0%}: {spearman(scores, ends):.2f}")
    print(f"expected from the parent's run: {spearman(promises, ends):.2f}")


if __name__ == "__main__":
    main()
