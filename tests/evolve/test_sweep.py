"""Learning-rate sweeps: the best of a search get theirs tried, and `confirm --sweep` gives every recipe its best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log
from pathlib import Path

import pytest

from cognition.loader import load_architectures, load_library
from evaluators.jobs import Job, Outcome
from evolve.confirmation import confirm
from evolve.sweep import BEST, FACTORS, SWEEP, rate_edits
from evolve.yardstick import measure_yardstick
from genome.edits import apply
from genome.recipe import Recipe
from tests.evolve.landscape import searched

BEST_RATE = 0.016


def rate(recipe: Recipe) -> float:
    settings = {s.name: s.default for s in load_library()[recipe.training.component].settings}
    return float(recipe.training.settings.get("learning_rate", settings["learning_rate"]))


class RateMatters:
    """An executor whose losses are least at one learning rate."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        for job in jobs:
            loss = 1.0 + 0.1 * abs(log(rate(Recipe.from_json(job.recipe)) / BEST_RATE)) + 0.001 * job.seed
            yield Outcome(job.key, "evaluated", loss=loss, accuracy=0.5, macro_accuracy=0.5, steps=1)


@pytest.mark.parametrize("name", sorted(load_architectures()))
def test_variants_differ_in_the_rate_alone_and_stay_within_its_domain(name: str) -> None:
    library, recipe = load_library(), load_architectures()[name].recipe
    edits = rate_edits(recipe, library)
    assert edits
    for edit in edits:
        variant = apply(recipe, [edit], library).recipe
        assert variant.blocks == recipe.blocks
        assert rate(variant) / rate(recipe) in [pytest.approx(factor, rel=0.01) for factor in FACTORS]


@pytest.mark.parametrize("strategy", ["uct", "regularized", "local"])
def test_the_rates_of_the_best_are_tried_once_each(tmp_path: Path, strategy: str) -> None:
    search = searched(tmp_path, generations=12, strategy=strategy)
    store = search.laboratory.store
    sweeps = [attempt for attempt in store.attempts() if attempt.operator == SWEEP]
    parents = [attempt.parents[0] for attempt in sweeps]
    best = [attempt.id for attempt in store.best(BEST) if attempt.generation < 11]
    assert set(best) <= {*parents, *(a.id for a in store.best(BEST) if a.operator == SWEEP)}
    assert all(parents.count(parent) <= len(FACTORS) for parent in parents)
    assert all(store.attempt(parent).status == "evaluated" for parent in parents)


def test_random_search_learns_nothing_and_sweeps_nothing(tmp_path: Path) -> None:
    store = searched(tmp_path, generations=6, strategy="random").laboratory.store
    assert not [attempt for attempt in store.attempts() if attempt.operator == SWEEP]


def test_confirmation_with_a_sweep_trains_each_recipe_at_its_best_rate(tmp_path: Path) -> None:
    search = searched(tmp_path, generations=1)
    laboratory = search.laboratory
    laboratory.executor = RateMatters()
    named = {name: load_architectures()[name].recipe for name in ("llama", "mamba2")}
    yardstick = measure_yardstick(laboratory, search.tasks, 0)
    plain = {own.name: own for own in confirm(laboratory, named, yardstick, 0)}
    tuned = {own.name: own for own in confirm(laboratory, named, yardstick, 0, sweep=True)}
    for name, recipe in named.items():
        assert plain[name].learning_rate == rate(recipe)
        choices = [rate(recipe), *(float(edit.value) for edit in rate_edits(recipe, laboratory.library))]
        assert tuned[name].learning_rate == min(choices, key=lambda own: abs(log(own / BEST_RATE)))
        assert tuned[name].mean >= plain[name].mean
    splits = {evaluation.split for evaluation in laboratory.store.evaluations(purpose="sweep")}
    assert splits == {"validation"}
