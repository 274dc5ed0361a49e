"""Learning-rate sweeps: whether a recipe is good or only its learning rate was, asked of the best."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from evolve.history import History, Individual
from genome.component import Library
from genome.edits.kinds import SetSetting
from genome.recipe import Recipe

FACTORS = (0.5, 2.0)
"""What a learning rate is multiplied by, one variant each."""

RATE = "learning_rate"
SWEEP = "sweep"
"""Name of the operator."""

BEST = 3
"""The rates of so many of the best recipes are swept; whoever takes such a place later is swept then."""


def rate_edits(recipe: Recipe, library: Library) -> list[SetSetting]:
    """One edit for every factor that keeps the learning rate within what the training component accepts."""
    gene = recipe.training
    setting = next((s for s in library[gene.component].settings if s.name == RATE), None)
    if setting is None:
        return []
    rates = [float(f"{float(gene.settings.get(RATE, setting.default)) * factor:.3g}") for factor in FACTORS]
    return [
        SetSetting(path="training", setting=RATE, value=rate) for rate in rates if setting.domain.contains(rate)
    ]


def due(history: History) -> Iterator[tuple[Individual, SetSetting]]:
    """Sweeps of the best fully trained recipes that were not proposed yet, the best recipe's first."""
    swept = {own.parents[0] for own in history.individuals.values() if own.operator == SWEEP}
    finished = (individual for individual in history.ranked if individual.status == "evaluated")
    for individual in islice(finished, BEST):
        if individual.attempt not in swept:
            for edit in rate_edits(individual.recipe, history.library):
                yield individual, edit
