"""An executor whose losses are a formula of the recipe, so that a search costs seconds, and searches over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from cognition.loader import load_library
from evaluators.jobs import Job, Outcome
from evolve.configuration import Configuration
from evolve.search import Search
from evolve.session import laboratory, prepare, search_store
from genome.recipe import Recipe

BRITTLE = frozenset({"dynamic_tanh", "adamw_linear", "adamw_wsd", "normalized_mean_merge"})
"""Components with which training diverges; edits bring them in, and the first generation has none of them."""


class Landscape:
    """An executor whose losses are a formula: convolutions, then attention, in few blocks lose least."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        for job in jobs:
            genes = [gene.component for _, gene in Recipe.from_json(job.recipe).genes()]
            good = sum("conv" in name or "attention" in name for name in genes)
            left = job.scale.steps / job.stop  # a loss that falls as training goes on
            loss = left * (1.5 - 0.1 * min(good, 8) + 0.01 * len(genes) + 0.001 * Random(job.key).random())
            if not BRITTLE.isdisjoint(genes):
                yield Outcome(job.key, "diverged", "the loss reached inf nats by step 50")
            else:
                yield Outcome(job.key, "evaluated", loss=loss, accuracy=0.5, macro_accuracy=0.5, steps=1)


def searched(directory: Path, **options: object) -> Search:
    """A finished search over the landscape."""
    configuration = Configuration.model_validate(
        {"generations": 6, "population": 8, "task": ("recall",), "scale": "micro", **options}
    )
    prepared = prepare(configuration)
    store = search_store(directory, prepared)
    library = dict(load_library())
    search = Search(configuration, laboratory(prepared, store, Landscape(), library), prepared.tasks, library)
    search.run()
    return search


def genealogy(search: Search) -> list[tuple]:
    """What proposals and training made of every attempt."""
    store = search.laboratory.store
    return [(a.operator, a.parents, a.recipe, a.status, a.score, a.reason) for a in store.attempts()]
