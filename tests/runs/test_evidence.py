"""Evidence: planted effects are found in searches that are stored as searches are, whatever the order of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognition.loader import load_library
from genome.arrangement import Composition, Pair, pairs
from genome.edits import apply, edits_from_json, edits_to_json
from genome.edits.kinds import Edit, ReplaceGene, SetSetting
from genome.recipe import Block, Gene, Recipe, recipe_hash
from runs import records
from runs.evidence.cases import Case, cases
from runs.evidence.evidence import Evidence, evidence
from runs.evidence.findings import Change
from runs.evidence.gathering import gather
from runs.store import Store

LIBRARY = load_library()
KINDS = {name: component.kind for name, component in LIBRARY.items()}
BODIES = {"attention": 0.04, "hyena": 0.0, "swiglu": 0.03, "gelu_mlp": 0.01, "mamba2": 0.02, "canon": -0.02}
"""Components with the effect that each has by itself."""

PLANTED, LIFT, NOISE = Pair("hyena", "swiglu"), 0.05, 0.005


def stack(bodies: Sequence[str]) -> Recipe:
    norm = Gene(component="rms_norm")
    return Recipe(
        embedding=(Gene(component="token_embedding"),),
        blocks=tuple(Block(branches=((norm, Gene(component=name)),)) for name in bodies),
        head=(norm, Gene(component="linear_head")),
        training=Gene(component="adamw"),
    )


def score(recipe: Recipe, random: Random) -> float:
    """Effects of what is there, the lift of the planted pair, and noise."""
    own = {gene.component for _, gene in recipe.genes()}
    lift = LIFT if PLANTED in pairs(recipe, KINDS) else 0.0
    return 0.8 + sum(BODIES.get(name, 0.0) for name in own) + lift + random.gauss(0.0, NOISE)


def searched(directory: Path, seed: int, founders: int = 12, generations: int = 12) -> Store:
    """A search in which a component of a random earlier recipe is replaced again and again."""
    random = Random(seed)
    store = Store.create(directory, name="t", seed=seed, configuration={}, version="0", generations=generations)
    store.add_components([records.Component(c.name, c.hash, c.kind, c.source) for c in LIBRARY.values()])
    known: dict[int, Recipe] = {}
    hashes: set[str] = set()
    for generation in range(1, generations + 1):
        proposals: list[records.Proposal] = []
        recipes: list[Recipe] = []
        while len(proposals) < founders:
            parents: tuple[int, ...] = ()
            edits: tuple[records.Edit, ...] = ()
            if generation == 1:
                recipe = stack([random.choice(list(BODIES)) for _ in range(4)])
            else:
                parents = (random.choice(list(known)),)
                path = f"{random.randrange(4)}.0.1"
                edit = ReplaceGene(path=path, gene=Gene(component=random.choice(list(BODIES))))
                applied = apply(known[parents[0]], [edit], LIBRARY)
                recipe = applied.recipe
                edits = (records.Edit(edit.kind, edits_to_json([edit])[1:-1], applied.descriptions[0]),)
            digest = recipe_hash(recipe, LIBRARY)
            if digest in hashes:
                continue
            hashes.add(digest)
            row = records.Recipe(digest, recipe.json_text)
            proposals.append(records.Proposal("replace_other" if parents else "seed", row, parents, edits))
            recipes.append(recipe)
        numbers = store.propose(generation, proposals, None)
        known |= dict(zip(numbers, recipes, strict=True))
        settled = [
            records.Settlement(n, "evaluated", score=score(recipe, random), rung=0)
            if random.random() < 0.7
            else records.Settlement(n, "screened", score=5.0, rung=0)
            for n, recipe in zip(numbers, recipes, strict=True)
        ]
        store.finish_generation(generation, settled)
    return store


@pytest.fixture(scope="module", params=[0, 1, 2])
def store(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Store:
    return searched(tmp_path_factory.mktemp("search"), request.param)


def test_the_interval_of_a_planted_pair_covers_its_lift_and_the_reverse_has_none(store: Store) -> None:
    found = dict(gather(store).pairs)
    planted, reverse = found[PLANTED].interval, found[Pair("swiglu", "hyena")].interval
    assert planted.low <= LIFT <= planted.high
    assert planted.low > 0.02
    assert abs(reverse.mean) < 0.02
    assert found[PLANTED].strength == max(lift.strength for lift in found.values())
    # The planted pair is a configuration too, and the best of two steps.
    two = [steps for steps, _ in gather(store).configurations if len(steps) == 2]
    assert two[0] == ("hyena", "swiglu")


def test_scores_that_are_not_of_full_training_count_nothing(store: Store) -> None:
    """The screened have absurd scores here: one of them among the cases would show."""
    assert all(abs(lift.interval.mean) < 0.1 for _, lift in gather(store).pairs)


def test_findings_are_gains_over_the_parent_by_kind_what_and_place(store: Store) -> None:
    found = gather(store).findings
    assert all(own.interval.cases >= 3 for own in found)
    best = max((f for f in found if f.place == "anywhere"), key=lambda own: own.interval.mean)
    gains = []
    scores = {a.id: a.score or 0.0 for a in store.attempts() if a.status == "evaluated"}
    for attempt in store.attempts(status="evaluated"):
        edits = store.edits(attempt.id)
        if edits and attempt.parents[0] in scores:
            (edit,) = edits_from_json(f"[{edits[0].edit}]")
            parent = Recipe.from_json(store.recipe(str(store.attempt(attempt.parents[0]).recipe)).recipe)
            assert isinstance(edit, ReplaceGene)
            old = dict(parent.genes())[edit.path].component
            named = {f"replacing {old} by {edit.gene.component}"}
            named.add(f"replacing a {KINDS[edit.gene.component]} by {edit.gene.component}")
            if best.text in named:
                gains.append(scores[attempt.id] - scores[attempt.parents[0]])
    assert len(gains) == best.interval.cases
    assert best.interval.mean == pytest.approx(sum(gains) / len(gains))


def test_evidence_is_stored_whole_and_again_without_doubling(store: Store) -> None:
    found = gather(store)
    for _ in range(2):
        store.record_evidence(found)
        assert store.evidence == found
    with Store.read(store.directory) as archive:
        assert gather(archive) == found == archive.evidence


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 3))
def test_the_order_of_the_rows_changes_nothing(random: Random, seed: int) -> None:
    searched = rows(seed)
    assert searched.shuffled(random).evidence() == searched.evidence()


@dataclass(frozen=True)
class Rows:
    """A search's recipes, parents and scores by attempt, and its changes by one edit."""

    recipes: dict[int, Recipe]
    parents: dict[int, tuple[int, ...]]
    scores: dict[int, float]
    changes: list[Change]

    def shuffled(self, random: Random) -> Rows:
        order = random.sample(list(self.recipes), len(self.recipes))
        parents = {number: self.parents[number] for number in order}
        scores = {number: self.scores[number] for number in order if number in self.scores}
        return Rows(self.recipes, parents, scores, random.sample(self.changes, len(self.changes)))

    def evidence(self) -> Evidence:
        own = cases(self.parents, self.scores, lambda number: Composition.of(self.recipes[number], KINDS))
        return evidence(own, self.changes, KINDS)


def rows(seed: int) -> Rows:
    random, found = Random(seed), Rows({}, {}, {}, [])
    for number in range(1, 40):
        if number < 8:
            recipe, parents = stack([random.choice(list(BODIES)) for _ in range(4)]), ()
        else:
            parent = random.choice(list(found.recipes))
            edit: Edit = ReplaceGene(
                path=f"{random.randrange(4)}.0.1", gene=Gene(component=random.choice(list(BODIES)))
            )
            recipe, parents = apply(found.recipes[parent], [edit], LIBRARY).recipe, (parent,)
            found.changes.append(Change(edit, found.recipes[parent], random.gauss(0.0, 1.0)))
        found.recipes[number], found.parents[number] = recipe, parents
        if number % 5:
            found.scores[number] = score(recipe, random)
    return found


def test_the_newest_cases_are_those_of_all_by_the_same_bases() -> None:
    """A base may be older than the cases that are looked at."""
    found = rows(1)
    compositions = {number: Composition.of(recipe, KINDS) for number, recipe in found.recipes.items()}
    whole = cases(found.parents, found.scores, compositions.__getitem__)
    assert whole[-9:] == cases(found.parents, found.scores, compositions.__getitem__, newest=9)


def test_a_setting_is_told_by_its_direction() -> None:
    parent = stack(["attention"])
    tuned = apply(parent, [SetSetting(path="training", setting="learning_rate", value=0.01)], LIBRARY).recipe
    raised = SetSetting(path="training", setting="learning_rate", value=0.02)
    found = evidence([], [Change(raised, tuned, gain) for gain in (0.1, 0.2, 0.3)], KINDS).findings
    assert str(found[0]) == "raising learning_rate of adamw: +0.2000 ± 0.2484, 3 cases"


def test_too_few_cases_tell_nothing() -> None:
    assert evidence([], [], KINDS) == Evidence()
    alike = Composition.of(stack(["attention", "swiglu"]), KINDS)
    for count in (1, 2):
        assert evidence([Case(alike, None, float(number)) for number in range(count)], [], KINDS) == Evidence()
