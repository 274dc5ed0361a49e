"""Tasks tell apart what an architecture can do: attention recalls and copies, a stack of channel mixers cannot."""

from __future__ import annotations

import numpy as np
import pytest

from evaluators.jobs import TaskSpec
from evaluators.readout import read_out
from evaluators.tasks.compression import Compression
from evaluators.tasks.in_context_recall import InContextRecall
from evaluators.tasks.selective_copying import SelectiveCopying
from evaluators.tasks.synthetic import SyntheticTask
from evaluators.training import Trainer
from genome.errors import LanguageError
from genome.instance import instantiate
from genome.parser import parse_component
from genome.values import Sizes

RECALL = TaskSpec("recall", "smallest")
COPYING = TaskSpec("copying", "smallest")
COMPRESSION = TaskSpec("compression", "smallest")

TASKS: dict[TaskSpec, SyntheticTask] = {
    RECALL: InContextRecall(vocabulary=8, context=16, training_examples=None, evaluation_examples=128),
    COPYING: SelectiveCopying(vocabulary=8, context=16, copy=4, training_examples=None, evaluation_examples=128),
    COMPRESSION: Compression(vocabulary=5, context=16, training_examples=None, evaluation_examples=128),
}


@pytest.fixture(scope="module")
def trainer(backend) -> Trainer:
    return Trainer(backend, TASKS)


@pytest.mark.parametrize("spec", [RECALL, COPYING], ids=lambda spec: spec.name)
def test_attention_solves_what_channel_mixers_cannot(trainer, make_recipe, make_job, spec):
    def accuracy(*components: str) -> float:
        recipe = make_recipe(*components, learning_rate=0.01)
        outcome = trainer.run(make_job(recipe, task=spec, steps=200))
        assert outcome.status == "evaluated", outcome.reason
        return outcome.accuracy

    assert accuracy("convolved_attention", "swiglu") > 0.85
    assert accuracy("swiglu", "swiglu") < TASKS[spec].chance_accuracy + 0.15


def test_the_final_state_of_attention_holds_a_sequence(trainer, make_recipe, make_job, library):
    """Compression is read out by the task's own decoder, whose parameters are not the recipe's."""
    task = TASKS[COMPRESSION]
    free = 1 / task.context  # the closing token never varies
    guessing = (1 - free) * task.chance_loss
    attention, channels = (
        trainer.run(make_job(make_recipe(*components, learning_rate=0.01), task=COMPRESSION, steps=600))
        for components in (("attention", "swiglu"), ("swiglu", "swiglu"))
    )
    assert attention.accuracy > free + (1 - free) * task.chance_accuracy + 0.1
    assert attention.loss < 0.9 * guessing
    assert channels.loss > 0.97 * guessing

    own = instantiate(make_recipe("attention", "swiglu"), library, sizes(task.vocabulary))
    assert attention.parameters == own.cost.parameters


def sizes(vocabulary: int) -> Sizes:
    return Sizes(width=32, hidden=64, vocabulary=vocabulary, context=16)


@pytest.mark.parametrize("mixer", ["attention", "swiglu"])
def test_a_read_out_of_the_last_state_sees_nothing_else(backend, make_recipe, library, mixer):
    """Every score changes with the last token, and with an earlier one only where the recipe carried it along."""
    instance = instantiate(make_recipe(mixer), library, sizes(5))
    assert read_out(instance, "causal") is instance
    model = backend.lower(read_out(instance, "last"), steps=1)
    state = model.start(0)
    tokens_BxT = np.tile(np.arange(16, dtype=np.int32) % 5, (32, 1))

    def changed(position: int) -> np.ndarray:
        other_BxT = tokens_BxT.copy()
        other_BxT[:, position] = (other_BxT[:, position] + 1) % 5
        return (model.logits(state, tokens_BxT) != model.logits(state, other_BxT)).any(axis=-1)[0]

    assert changed(-1).all()
    assert changed(3).all() if mixer == "attention" else not changed(3).any()


def test_components_cannot_read_the_last_state():
    with pytest.raises(LanguageError, match="'last_position' is not an operation"):
        parse_component("def peek(x) -> mixer:\n    return last_position(x)\n", {})
