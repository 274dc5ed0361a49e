"""Ways to search beside one another where training is a formula: many seeds in minutes, on landscapes made at random.

    python tests/benchmarks/landscapes.py [--ways uct regularized local random guided] [--landscapes 200]
        [--generations 16] [--population 8] [--processes 2]

The logarithm of a recipe's final loss is a sum of normal effects, drawn anew for each landscape: of its components, of
its neighbours, of what its settings are, and of its depth. How much higher the loss still is early in training depends
on the components too, so that early leads mislead; every measurement has noise. Widths are about those of real searches
at `tiny`: a child's final loss differs from its parent's by some per cent, at the first rung by twice as much.

Prints Markdown: by how many per cent the loss of what a way found best, without noise, is below that of the best
published recipe, mean with its 95 % interval; and the difference to the first way, paired by landscape. Luck is great:
single searches are spread by 3 %. It says how searches move, not what real training would reward; for that see
`strategies.py`.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from random import Random

from candidates import new_search
from strategies import WAYS

from cognition.loader import load_library
from evaluators.jobs import Job, Outcome
from evolve.configuration import Configuration
from evolve.session import prepare
from evolve.variation import SEED
from genome.arrangement import Composition
from genome.recipe import Recipe
from runs.evidence.interval import Interval

COMPONENT, NEIGHBOURS, SETTING, DEPTH = 0.012, 0.014, 0.005, 0.01
"""Standard deviations of effects on the logarithm of the loss, and its slope by the distance from `BLOCKS`."""

BLOCKS = 4
SPEED = 0.042
"""Standard deviation of a component's effect on the loss at the first rung, besides; it wears off with training."""

NOISE = 0.003
LOSS = 1.7
"""Nats, of a recipe without any effect."""


class Landscape:
    """An executor whose losses follow from the recipe, the landscape's number and the job's key."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.kinds = {name: component.kind for name, component in load_library().items()}
        self.trained = cache(self._trained)

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        for job in jobs:
            final, speed = self.trained(job.recipe)
            parts = job.scale.parts
            early = sum(part > job.stop / job.scale.steps for part in parts) / (len(parts) - 1)
            noise = Random(job.key).gauss(0.0, NOISE * (1 + 4 * early**2))
            loss = LOSS * math.exp(final + early**2 * speed + early / 2 + noise)
            yield Outcome(job.key, "evaluated", loss=loss, accuracy=0.5, macro_accuracy=0.5)

    def _trained(self, recipe: str) -> tuple[float, float]:
        """Logarithm of the final loss by that of a recipe without effects, and of the loss at the first rung besides."""
        parsed = Recipe.from_json(recipe)
        made = Composition.of(parsed, self.kinds)
        final = DEPTH * abs(made.depth - BLOCKS)
        final += COMPONENT * sum(self._effect("component", name) for name in sorted(made.components))
        neighbours = [self._effect("neighbours", pair) for pair in sorted(made.pairs)]
        final += NEIGHBOURS * sum(neighbours) / math.sqrt(max(1, len(neighbours)))
        final += SETTING * sum(self._effect("setting", gene) for _, gene in parsed.genes() if gene.settings)
        return final, SPEED * sum(self._effect("speed", name) for name in sorted(made.components))

    def _effect(self, *what: object) -> float:
        return Random(f"{self.number}/{'/'.join(map(str, what))}").gauss(0.0, 1.0)


def gain(way: str, number: int, generations: int, population: int) -> float:
    """Per cent by which the champion's loss is below the best published recipe's, both without noise."""
    configuration = Configuration(
        generations=generations, population=population, task=("text",), seed=number, **WAYS[way]
    )
    landscape = Landscape(number)
    with (
        tempfile.TemporaryDirectory() as folder,
        new_search(prepare(configuration), landscape, Path(folder)) as own,
    ):
        own.run()
        trained = [i for i in own.history.individuals.values() if i.status == "evaluated"]
        published = [individual for individual in trained if individual.operator == SEED]
        champion, known = (max(some, key=lambda i: i.score).recipe.json_text for some in (trained, published))
    return 100 * (1 - math.exp(landscape.trained(champion)[0] - landscape.trained(known)[0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--landscapes", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first landscape")
    parser.add_argument("--generations", type=int, default=16)
    parser.add_argument("--population", type=int, default=8)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    numbers = range(arguments.first, arguments.first + arguments.landscapes)
    print("| way | loss below the best published, % | more than the first way |\n|---|---|---|")
    first: list[float] = []
    with ProcessPoolExecutor(arguments.processes, get_context("spawn")) as processes:
        for way in arguments.ways:
            fixed = repeat(way), numbers, repeat(arguments.generations), repeat(arguments.population)
            gains = list(processes.map(gain, *fixed))
            first = first or gains
            cells = [
                Interval.of(gains),
                Interval.of([own - other for own, other in zip(gains, first, strict=True)]),
            ]
            line = " | ".join(f"{own.mean:.2f} ± {own.margin:.2f}" for own in cells)
            print(f"| {way} | {line} |", flush=True)


if __name__ == "__main__":
    main()
