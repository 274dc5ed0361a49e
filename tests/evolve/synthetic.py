"""A large search in seconds: recipes assembled from published ones, outcomes drawn, written through the store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

from cognition.loader import load_architectures, load_library
from evaluators.scores import Noise, Reference, Yardstick
from genome.recipe import Gene, Recipe
from runs.records import Component, Edit, Evaluation, OperatorCredit, Proposal, Settlement
from runs.records import Recipe as StoredRecipe
from runs.store import Store

OPERATORS = (
    "insert_gene",
    "remove_gene",
    "replace_mixer",
    "change_training",
    "crossover",
    "duplicate_block",
    "tune",
)
TASKS = ("text", "recall")
PER_GENERATION = 50


def written(directory: Path, attempts: int) -> None:
    """A finished search of so many attempts: a tenth fully trained, most stopped early, the rest without a score."""
    random = Random(7)
    configuration = {"task": list(TASKS), "strategy": "uct", "scale": "tiny", "seed": 0}
    generations = attempts // PER_GENERATION
    references = {task: Reference(4.0, 2.0) for task in TASKS}
    with Store.create(
        directory, name="synthetic", seed=0, configuration=configuration, version="0", generations=generations
    ) as store:
        store.record_yardstick(Yardstick("rwkv4", references, Noise(0.01, dict.fromkeys(TASKS, 0.01), 3)))
        store.add_components([Component(c.name, c.hash, c.kind, c.source) for c in load_library().values()])
        known: list[StoredRecipe] = []
        for generation in range(1, generations + 1):
            first = len(known) + 1
            proposals = [
                _proposal(random, number, first, known) for number in range(first, first + PER_GENERATION)
            ]
            known += [proposal.recipe for proposal in proposals if proposal.recipe is not None]
            numbers = store.propose(generation, proposals, None)
            settled = []
            for number, proposal in zip(numbers, proposals, strict=True):
                if proposal.status == "proposed":
                    settled.append(_outcome(random, store, number, proposal, generation))
            credit = [OperatorCredit(operator, 7, 1, 0.01 * random.random(), 1e12) for operator in OPERATORS]
            clock = {f"{kind}_seconds": random.random() for kind in ("compile", "train", "other", "wall")}
            store.finish_generation(generation, settled, credit, clock)
        store.finish_run()


def _proposal(random: Random, number: int, first: int, known: list[StoredRecipe]) -> Proposal:
    published = list(load_architectures().values())
    if first == 1:
        chosen = published[number % len(published)]
        rate = Gene(component="adamw", settings={"learning_rate": number / 1e4})
        recipe = chosen.recipe.model_copy(update={"training": rate})
        return _sized(random, Proposal("seed", _stored(recipe, number), label=chosen.name))
    parents = tuple(random.randint(max(1, first - 200), first - 1) for _ in range(random.choice((1, 1, 2))))
    edits = tuple(
        Edit(
            "set",
            "{}",
            f"set learning_rate {random.random():.4f} of adamw in training, change {k} of attempt {number}",
        )
        for k in range(random.choice((1, 1, 1, 2)))
    )
    if number % 20 == 19:
        return Proposal("tune", known[number // 2], parents, edits, "duplicate", "this recipe is known")
    blocks = tuple(block for own in random.sample(published, 3) for block in own.recipe.blocks[:2])
    rate = Gene(component="adamw", settings={"learning_rate": number / 1e5})
    recipe = published[0].recipe.model_copy(update={"blocks": blocks, "training": rate})
    operator, label = random.choice(OPERATORS), edits[0].description
    return _sized(random, Proposal(operator, _stored(recipe, number), parents, edits, label=label))


def _stored(recipe: Recipe, number: int) -> StoredRecipe:
    return StoredRecipe(f"{number:064}", recipe.json_text)


def _sized(random: Random, proposal: Proposal) -> Proposal:
    return replace(
        proposal,
        parameters=random.randint(95_000, 105_000),
        flops_per_token=random.randint(200_000, 250_000),
        state_bytes=64 * random.randint(1, 400),
    )


def _outcome(random: Random, store: Store, number: int, proposal: Proposal, generation: int) -> Settlement:
    kind = "seed" if proposal.operator == "seed" else random.choices(("full", "early", "bad"), (1, 8, 1))[0]
    if kind == "bad":
        status = random.choice(("diverged", "failed", "timeout"))
        return Settlement(number, status, f"text: the loss reached {random.random():.3f} by step {number}")
    score = 0.8 + 0.2 * random.random() + 0.2 * generation / 40
    if kind == "early":
        return Settlement(number, "screened", "not among the most promising", score - 0.3, 0)
    assert proposal.recipe is not None
    for task in TASKS:
        loss = 4.0 - 2.0 * score
        evaluation = Evaluation(
            proposal.recipe.hash,
            "search",
            task,
            0,
            1,
            "validation",
            131_072,
            "evaluated",
            number,
            loss=loss,
            accuracy=0.5,
        )
        store.record_evaluation(evaluation)
    return Settlement(number, "evaluated", "", score, 1, "attention+linear")
