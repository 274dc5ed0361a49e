"""What a search measures by: a published recipe trained on three seeds gives the references and the noise floor."""

from __future__ import annotations

from collections.abc import Sequence

from cognition.loader import load_architectures
from evaluators.scores import Yardstick
from evaluators.tasks.protocol import Task
from evolve.errors import SearchError
from evolve.measurement import Laboratory
from evolve.programs import settled_program
from genome.recipe import recipe_hash
from runs import records

REFERENCE = "rwkv4"
"""The published architecture whose score is 1 by definition: cheap, stable over seeds, strong at small scales."""

NOISE_OFFSETS = (1, 2, 3)
"""Offsets of the seeds that only the noise floor uses."""


RETEST_OFFSET = 21
"""Offset of the seed on which a search's best are trained again."""


def training_seed(seed: int) -> int:
    """The seed with which a search trains every candidate; other purposes use the hundred above it."""
    return 100 * seed


def measure_yardstick(laboratory: Laboratory, tasks: Sequence[Task], seed: int) -> Yardstick:
    """Train the reference recipe on three seeds, or read what the store holds of it; what it gives is stored.

    From here on the laboratory trains by the program that suits this recipe (`evolve.programs`).
    Raises SearchError where it cannot be trained: then nothing else can either.
    """
    recipe = load_architectures()[REFERENCE].recipe
    digest = recipe_hash(recipe, laboratory.library)
    laboratory.store.add_recipes([records.Recipe(digest, recipe.json_text, REFERENCE)])
    seeds = [training_seed(seed) + offset for offset in NOISE_OFFSETS]
    subject = laboratory.subject(recipe, digest)
    laboratory.program = settled_program(laboratory, subject, training_seed(seed))
    measured = laboratory.measure([subject], seeds, laboratory.scale.last_rung, purpose="noise")
    for own in measured:
        if own.status != "evaluated":
            raise SearchError(f"the reference recipe {REFERENCE} cannot be trained: {own.reason}")
    chances = {task.name: task.chance_loss for task in tasks}
    yardstick = Yardstick.measured(REFERENCE, chances, [own.losses for own in measured])
    laboratory.store.record_yardstick(yardstick)
    return yardstick
