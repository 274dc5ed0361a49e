"""A training run: rungs continue exactly, faults become statuses with reasons, divergence is repaired once."""

from __future__ import annotations

import json
import resource
import signal
from dataclasses import replace
from itertools import pairwise

import pytest

from backends.weights import read_notes
from evaluators.jobs import Outcome
from evaluators.training import Trainer


@pytest.fixture(scope="module")
def trainer(backend) -> Trainer:
    return Trainer(backend)


def scores(outcome: Outcome) -> tuple[str, float | None, float | None, float | None]:
    return outcome.status, outcome.loss, outcome.accuracy, outcome.macro_accuracy


def test_training_learns_and_is_deterministic(trainer, backend, make_recipe, make_job):
    job = make_job(make_recipe("attention", "swiglu"))
    first = trainer.run(job)
    assert first.status == "evaluated", first.reason
    assert first.loss < 0.8 * trainer.task(job.task).chance_loss
    assert 0 < first.accuracy < 1
    assert 0 < first.train_seconds <= first.total_seconds
    assert first.backend == "jax"
    assert first.adjustments == ()
    assert scores(trainer.run(job)) == scores(first)
    assert scores(Trainer(backend).run(job)) == scores(first)
    assert scores(trainer.run(replace(job, seed=1))) != scores(first)


@pytest.mark.parametrize("rungs", [(13, 40), (1, 2, 40)])
def test_rungs_equal_an_unbroken_run(trainer, make_recipe, make_job, tmp_path, rungs):
    job = make_job(make_recipe("attention", "swiglu"))
    whole = trainer.run(job)
    for start, stop in pairwise((0, *rungs)):
        before, after = (str(tmp_path / f"{step}.safetensors") for step in (start, stop))
        outcome = trainer.run(replace(job, start=start, stop=stop, resumed=before, checkpoint=after))
        assert outcome.status == "evaluated", outcome.reason
        assert (scores(outcome) == scores(whole)) == (stop == 40)
    assert {path.name for path in tmp_path.iterdir()} == {f"{step}.safetensors" for step in rungs}


def test_a_run_that_fails_leaves_no_checkpoint(trainer, make_unstable_recipe, make_job, tmp_path):
    job = make_job(make_unstable_recipe(learning_rate=10.0), checkpoint=str(tmp_path / "state.safetensors"))
    assert trainer.run(job).status == "diverged"
    assert list(tmp_path.iterdir()) == []


def earlier(checkpoint):
    """A state of the right recipe at another step."""


def another(checkpoint):
    """A state of another recipe."""


def truncated(checkpoint):
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])


def deleted(checkpoint):
    checkpoint.unlink()


@pytest.mark.parametrize("harm", [earlier, another, truncated, deleted])
def test_a_lost_checkpoint_costs_time_and_changes_no_score(trainer, make_recipe, make_job, tmp_path, harm):
    checkpoint = tmp_path / "state.safetensors"
    job = make_job(make_recipe("swiglu"), start=10, resumed=str(checkpoint))
    first = replace(job, start=0, stop=10, checkpoint=str(checkpoint))
    trainer.run(first)
    unbroken = trainer.run(job)
    if harm is earlier:
        trainer.run(replace(first, stop=5))
    if harm is another:
        other = make_job(make_recipe("swiglu", "swiglu"))
        trainer.run(replace(first, recipe=other.recipe, components=other.components))
    harm(checkpoint)
    again = trainer.run(job)
    assert (again.status, again.loss, again.accuracy, again.steps) == (
        "evaluated",
        unbroken.loss,
        unbroken.accuracy,
        30,
    )
    assert read_notes(checkpoint)["step"] == "10"


def test_a_recipe_that_diverges_before_a_lost_checkpoint_keeps_its_repair(
    trainer, make_unstable_recipe, make_job, tmp_path
):
    checkpoint = tmp_path / "state.safetensors"
    job = make_job(make_unstable_recipe(learning_rate=0.3), start=30, resumed=str(checkpoint))
    trainer.run(replace(job, start=0, stop=30, checkpoint=str(checkpoint)))
    unbroken = trainer.run(job)
    checkpoint.unlink()
    again = trainer.run(job)
    assert (again.status, again.loss, again.adjustments) == (unbroken.status, unbroken.loss, unbroken.adjustments)
    assert again.adjustments


def test_a_checkpoint_that_no_disk_takes_is_left_out(trainer, make_recipe, make_job, tmp_path):
    """The disk is as full as a limit on the size of files makes it."""
    job = make_job(make_recipe("swiglu"), stop=5, checkpoint=str(tmp_path / "state.safetensors"))
    whole, limits = trainer.run(replace(job, checkpoint=None)), resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        outcome = trainer.run(job)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert (outcome.status, outcome.loss) == ("evaluated", whole.loss)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_replaces_the_former_whole(trainer, make_recipe, make_job, tmp_path):
    """A reader that holds the old file keeps it whole: the new one takes its name and never its bytes."""
    checkpoint = tmp_path / "state.safetensors"
    job = make_job(make_recipe("swiglu"), stop=5, checkpoint=str(checkpoint))
    trainer.run(job)
    former = checkpoint.read_bytes()
    with checkpoint.open("rb") as reader:
        trainer.run(replace(job, seed=1))
        assert reader.read() == former
    assert checkpoint.read_bytes() != former


def test_divergence_is_repaired_once_by_a_third_of_the_learning_rate(trainer, make_unstable_recipe, make_job):
    repaired = trainer.run(make_job(make_unstable_recipe(learning_rate=0.3)))
    assert repaired.status == "evaluated", repaired.reason
    (adjustment,) = repaired.adjustments
    assert (adjustment.name, adjustment.original) == ("learning_rate", 0.3)
    assert adjustment.value == pytest.approx(0.1)
    assert "nats by step 32" in adjustment.reason
    gentle = trainer.run(make_job(make_unstable_recipe(learning_rate=adjustment.value)))
    assert gentle.adjustments == ()
    assert scores(gentle) == scores(repaired)
    assert Outcome.from_json(json.loads(json.dumps(repaired.to_json()))) == repaired


def test_what_diverges_twice_is_diverged(trainer, make_unstable_recipe, make_job):
    outcome = trainer.run(make_job(make_unstable_recipe(learning_rate=10.0)))
    assert outcome.status == "diverged"
    assert "nats by step 32" in outcome.reason
    assert outcome.loss is None
    assert [adjustment.original for adjustment in outcome.adjustments] == [10.0]


def test_a_rung_continues_with_the_repaired_learning_rate(trainer, make_unstable_recipe, make_job, tmp_path):
    checkpoint = str(tmp_path / "state.safetensors")
    job = make_job(make_unstable_recipe(learning_rate=0.3), resumed=checkpoint)
    screened = trainer.run(replace(job, stop=30, checkpoint=checkpoint))
    assert screened.status == "evaluated", screened.reason
    assert [adjustment.original for adjustment in screened.adjustments] == [0.3]
    continued = trainer.run(replace(job, start=30))
    assert continued.adjustments == screened.adjustments
    assert scores(continued) == scores(trainer.run(make_job(make_unstable_recipe(learning_rate=0.3 / 3))))


def test_an_unused_parameter_is_named(trainer, make_recipe, make_job):
    outcome = trainer.run(make_job(make_recipe("swiglu", "idle_weight"), steps=2))
    assert outcome.status == "failed"
    assert "blocks.1.branches.0.1.useless" in outcome.reason
    assert "no gradient" in outcome.reason


def test_a_recipe_at_fault_is_an_outcome(trainer, make_recipe, make_job):
    heads = make_job(make_recipe("attention"), width=30)
    assert trainer.run(heads).status == "failed"
    assert "divide" in trainer.run(heads).reason
    job = make_job(make_recipe("swiglu"))
    without = {name: source for name, source in job.components.items() if name != "swiglu"}
    assert "no component 'swiglu'" in trainer.run(replace(job, components=without)).reason
    garbled = replace(make_job(make_recipe("swiglu")), recipe="{}")
    assert trainer.run(garbled).status == "failed"


def test_the_sealed_split_is_another(trainer, make_recipe, make_job):
    job = make_job(make_recipe("swiglu"), steps=5)
    assert trainer.run(job).loss != trainer.run(replace(job, split="sealed")).loss


def test_a_job_names_its_training_program(trainer, make_recipe, make_job):
    job = make_job(make_recipe("swiglu"))
    stitched, whole = trainer.run(job), trainer.run(replace(job, program="whole"))
    assert (stitched.program, whole.program) == ("stitched", "whole")
    assert whole.loss == pytest.approx(stitched.loss, rel=1e-4)
    assert 0 < whole.trace_seconds < whole.compile_seconds
    assert whole.program_seconds > 0
    assert whole.step_seconds > 0
    again = trainer.run(replace(job, program="whole", seed=1))
    assert again.program_seconds == 0


def test_what_does_not_fit_is_refused_before_it_compiles(backend, make_recipe, make_job):
    job = make_job(make_recipe("attention", "swiglu"), steps=1, hidden=2**17, seed=3)
    compiled = backend.compilation
    refused = Trainer(backend, memory=2**30).run(job)
    assert (refused.status, refused.loss) == ("failed", None)
    assert refused.reason == "needs about 2.9 GiB to train, the device has 1.0 GiB"
    assert refused.parameters > 2**23
    assert backend.compilation == compiled


def test_a_recipe_that_fits_is_trained(trainer, backend, make_recipe, make_job):
    """Also without a bound, and where nobody knows what the device has."""
    job = make_job(make_recipe("swiglu"), steps=1)
    for memory in (2**30, 0, None):
        assert scores(Trainer(backend, memory=memory).run(job)) == scores(trainer.run(job))
