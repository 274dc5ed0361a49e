"""Tasks tell apart what an architecture can do: attention recalls and copies, a stack of channel mixers cannot."""

from __future__ import annotations

import pytest

from evaluators.jobs import Outcome, TaskSpec
from evaluators.tasks.compression import Compression
from evaluators.tasks.in_context_recall import InContextRecall
from evaluators.tasks.protocol import Task
from evaluators.tasks.selective_copying import SelectiveCopying
from evaluators.training import Trainer
from genome.instance import instantiate
from genome.values import Sizes

RECALL = TaskSpec("recall", "smallest")
COPYING = TaskSpec("copying", "smallest")
COMPRESSION = TaskSpec("compression", "smallest")

TASKS: dict[TaskSpec, Task] = {
    RECALL: InContextRecall(vocabulary=8, context=16, training_examples=None, evaluation_examples=128),
    COPYING: SelectiveCopying(vocabulary=8, context=16, copy=4, training_examples=None, evaluation_examples=128),
    COMPRESSION: Compression(vocabulary=5, context=16, training_examples=None, evaluation_examples=128),
}


@pytest.fixture(scope="module")
def trainer(backend) -> Trainer:
    return Trainer(backend, TASKS)


@pytest.mark.parametrize("spec", [RECALL, COPYING], ids=lambda spec: spec.name)
def test_attention_solves_what_channel_mixers_cannot(trainer, make_recipe, make_job, spec):
    task = TASKS[spec]

    def accuracy(*components: str) -> float:
        recipe = make_recipe(*components, learning_rate=0.01)
        outcome = trainer.run(make_job(recipe, task=spec, steps=200))
        assert outcome.status == "evaluated", outcome.reason
        assert outcome.accuracy is not None
        return outcome.accuracy

    assert accuracy("convolved_attention", "swiglu") > 0.85
    assert accuracy("swiglu", "swiglu") < task.chance_accuracy + 0.15


def test_the_final_state_of_attention_holds_a_sequence(trainer, make_recipe, make_job, library):
    """Compression is read out by the task's own decoder, whose parameters are not the recipe's."""
    task = TASKS[COMPRESSION]
    free = 1 / task.context  # the closing token never varies

    def outcome(*components: str) -> Outcome:
        recipe = make_recipe(*components, learning_rate=0.01)
        return trainer.run(make_job(recipe, task=COMPRESSION, steps=600))

    with_attention, without = outcome("attention", "swiglu"), outcome("swiglu", "swiglu")
    assert with_attention.accuracy > 0.4
    assert with_attention.loss < 0.9 * (1 - free) * task.chance_loss
    assert without.loss > 0.97 * (1 - free) * task.chance_loss

    sizes = Sizes(width=32, hidden=64, vocabulary=task.vocabulary, context=task.context)
    own = instantiate(make_recipe("attention", "swiglu"), library, sizes)
    assert with_attention.parameters == own.cost.parameters
