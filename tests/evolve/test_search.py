"""The search over a landscape that is known: a recipe's loss is a formula of it, so that thousands of attempts cost
seconds. Store, proposals, edits, strategies and credit are the real ones; training is tested elsewhere."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from evolve.credit import Credit, choose
from evolve.elites import elites
from evolve.search import Search
from evolve.variation import SEED
from genome.edits import apply, edits_from_json
from genome.recipe import Recipe, recipe_hash
from tests.evolve.landscape import genealogy, searched


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """A search of twelve generations."""
    return searched(tmp_path_factory.mktemp("finished"), generations=12)


@pytest.mark.parametrize("strategy", ["uct", "regularized", "local", "random"])
def test_a_seed_fixes_the_genealogy_of_every_strategy(tmp_path: Path, strategy: str) -> None:
    first = genealogy(searched(tmp_path / "a", strategy=strategy))
    assert first == genealogy(searched(tmp_path / "b", strategy=strategy))
    assert first != genealogy(searched(tmp_path / "c", strategy=strategy, seed=1))


@pytest.mark.parametrize("strategy", ["uct", "regularized", "local"])
def test_strategies_that_learn_find_better_recipes_than_the_seeds(tmp_path: Path, strategy: str) -> None:
    store = searched(tmp_path, strategy=strategy, generations=12).laboratory.store
    seeds = [a.score or 0.0 for a in store.attempts() if a.operator == SEED and a.status == "evaluated"]
    assert (store.best(1)[0].score or 0.0) > max(seeds)


def test_every_child_is_its_parents_plus_its_edits(finished: Search) -> None:
    store = finished.laboratory.store
    checked = 0
    for attempt in store.attempts():
        if attempt.recipe is None or not attempt.parents or attempt.status == "duplicate":
            continue
        parent = store.attempt(attempt.parents[0])
        recipe = Recipe.from_json(store.recipe(str(parent.recipe)).recipe)
        edits = edits_from_json("[" + ",".join(edit.edit for edit in store.edits(attempt.id)) + "]")
        applied = apply(recipe, edits, finished.library)
        known = {**finished.library, **{component.name: component for component in applied.components}}
        assert recipe_hash(applied.recipe, known) == attempt.recipe
        checked += 1
    assert checked > 40


def test_failures_are_rows_with_reasons_and_never_parents(finished: Search) -> None:
    store = finished.laboratory.store
    for attempt in store.attempts():
        assert (attempt.status in ("evaluated", "screened")) == (attempt.score is not None)
        if attempt.status not in ("evaluated", "screened"):
            assert attempt.reason
        for parent in attempt.parents:
            assert store.attempt(parent).status in ("evaluated", "screened")


def test_a_generations_statistics_count_what_became_of_its_attempts(finished: Search) -> None:
    store = finished.laboratory.store
    failed = 0
    for row in store.generations():
        statuses = [attempt.status for attempt in store.attempts(generation=row.generation)]
        assert row.statistics["failed"] == statuses.count("diverged")
        assert row.statistics["duplicate"] == statuses.count("duplicate")
        assert row.statistics["trained"] == len(statuses) - statuses.count("duplicate") - statuses.count(
            "rejected"
        )
        failed += row.statistics["failed"]
    assert failed


def test_published_recipes_are_never_stopped_early(finished: Search) -> None:
    seeds = [a for a in finished.laboratory.store.attempts() if a.operator == SEED]
    assert seeds
    assert {attempt.status for attempt in seeds} <= {"evaluated", "failed", "diverged", "timeout"}


def test_no_recipe_is_trained_twice(finished: Search) -> None:
    store = finished.laboratory.store
    trained = [a.recipe for a in store.attempts() if a.status not in ("duplicate", "rejected")]
    assert len(trained) == len(set(trained))


def test_several_objectives_keep_a_front_between_score_and_state(tmp_path: Path) -> None:
    search = searched(tmp_path, generations=10, objective=("score", "state_bytes"))
    front = [individual for individual in search.history.ranked if individual.status == "evaluated"][:8]
    best = max(search.history.ranked, key=lambda i: i.prospect.score)
    assert best in search.history.ranked[: len(front)]
    assert min(i.state_bytes for i in front) < best.state_bytes


def test_ranks_of_several_objectives_are_by_front_and_then_the_least_crowded(tmp_path: Path) -> None:
    ranked = searched(tmp_path, generations=8, objective=("score", "state_bytes", "flops")).history.ranked
    left = list(ranked)
    while left:
        front = [own for own in left if not any(other.fitness.dominates(own.fitness) for other in left)]
        assert {own.attempt for own in left[: len(front)]} == {own.attempt for own in front}
        distances = [own.fitness.crowding_dist for own in left[: len(front)]]
        assert distances == sorted(distances, reverse=True)
        assert distances[0] == float("inf")
        left = left[len(front) :]


def test_the_archive_holds_the_best_of_each_family(finished: Search) -> None:
    kept = elites(finished.history)
    assert len({family for family, _ in kept}) > 3
    for (family, _), elite in kept.items():
        assert elite.family == family
        rivals = [i for i in finished.history.ranked if i.family == family]
        assert all(
            i.prospect.score <= elite.prospect.score or (i.family, i.state_bytes) != (family, elite.state_bytes)
            for i in rivals
        )


def test_operators_that_improve_are_chosen_more_often() -> None:
    credit = {
        "good": Credit(50, 40, 4.0, 50.0),
        "bad": Credit(50, 1, 0.01, 50.0),
        "dear": Credit(50, 40, 4.0, 500.0),
    }
    random = Random(0)
    priors = dict.fromkeys(credit, 1.0)
    drawn = [choose(list(credit), priors, credit, random) for _ in range(2000)]
    assert drawn.count("good") > 2 * drawn.count("dear") > 2 * drawn.count("bad") > 0
