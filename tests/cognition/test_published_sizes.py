"""The cost model's parameter counts against those that papers and checkpoints state."""

from __future__ import annotations

import pytest

from cognition.loader import load_architectures, load_library
from genome.instance import instantiate
from genome.values import Sizes
from tests.cognition.published_sizes import MODELS, OMITTED, Published

LIBRARY, ARCHITECTURES = load_library(), load_architectures()


def counted(model: Published) -> int:
    sizes = Sizes(model.width, model.hidden, model.vocabulary, model.context)
    recipe = model.recipe(ARCHITECTURES[model.architecture].recipe)
    return instantiate(recipe, LIBRARY, sizes, model.layers // model.per_recipe).cost.parameters


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.architecture} {model.name}")
def test_the_recipe_at_published_sizes_has_the_published_number_of_parameters(model):
    assert model.layers % model.per_recipe == 0
    assert counted(model) == pytest.approx(model.parameters, rel=0.02)


def test_every_architecture_has_a_published_size_or_a_reason_why_not():
    listed = {model.architecture for model in MODELS}
    assert listed.isdisjoint(OMITTED)
    assert listed | set(OMITTED) == set(ARCHITECTURES)


def test_counts_written_out_in_full_are_met_to_a_fraction_of_a_percent():
    exact = [model for model in MODELS if isinstance(model.parameters, int)]
    assert len(exact) > 20
    for model in exact:
        assert counted(model) == pytest.approx(model.parameters, rel=0.003), model.name


def test_gpt2_is_counted_exactly():
    for model in MODELS:
        if model.architecture == "gpt2":
            assert counted(model) == model.parameters
