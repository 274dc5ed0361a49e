"""The published architectures: each is a legal recipe of components of the library."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cognition.loader import load_architectures, load_library
from genome.expressions import Scalar
from genome.instance import instantiate
from genome.recipe import Gene, Recipe, recipe_hash
from genome.values import Sizes

LIBRARY = load_library()
ARCHITECTURES = load_architectures()
SIZES = (Sizes(64, 128, 65, 64), Sizes(48, 96, 65, 64), Sizes(96, 128, 65, 64))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_instantiates_at_widths_that_are_multiples_of_16(name):
    recipe = ARCHITECTURES[name].recipe
    for sizes in SIZES:
        instance = instantiate(recipe, LIBRARY, sizes)
        assert instance.cost.parameters > 2 * sizes.width**2
        deeper = instantiate(recipe, LIBRARY, sizes, depth=2)
        assert len(deeper.blocks) == 2 * len(instance.blocks)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_json_returns_the_same_recipe(name):
    recipe = ARCHITECTURES[name].recipe
    assert Recipe.from_json(recipe.json_text) == recipe


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_says_where_it_comes_from_and_why(name):
    architecture = ARCHITECTURES[name]
    assert architecture.name == name
    assert 2016 < architecture.year < 2100
    assert architecture.title
    assert architecture.answers
    assert architecture.insight.endswith(".")
    assert architecture.arxiv == "" or int(architecture.arxiv[:2]) == architecture.year % 100


def test_no_two_architectures_are_the_same():
    hashes = {recipe_hash(architecture.recipe, LIBRARY) for architecture in ARCHITECTURES.values()}
    assert len(hashes) == len(ARCHITECTURES) >= 40


def test_recurrent_architectures_decode_with_constant_memory():
    for name in ("mamba", "mamba2", "gated_deltanet", "rwkv4", "min_gru", "mistral"):
        recipe = ARCHITECTURES[name].recipe
        short, long = (
            instantiate(recipe, LIBRARY, Sizes(64, 128, 65, context)).cost.state_bytes for context in (64, 256)
        )
        assert short == long, name
    llama = ARCHITECTURES["llama"].recipe
    short, long = (
        instantiate(llama, LIBRARY, Sizes(64, 128, 65, context)).cost.state_bytes for context in (64, 256)
    )
    assert long == 4 * short


def test_tied_architectures_count_one_table():
    sizes = Sizes(64, 128, 1000, 64)
    gpt2 = instantiate(ARCHITECTURES["gpt2"].recipe, LIBRARY, sizes)
    tables = [
        parameter.shape
        for placed in gpt2.programs()
        for parameter in placed.program.parameters.values()
        if 1000 in parameter.shape
    ]
    assert tables == [(1000, 64)]


def test_small_character_training_is_a_choice_of_settings():
    """Rate 1e-3, warm-up over 5 %, final rate a tenth, second moment 0.99, decay 0.1, clipping at 1."""
    settings: dict[str, Scalar] = {
        "learning_rate": 0.001,
        "warmup": 0.05,
        "final": 0.1,
        "beta2": 0.99,
        "weight_decay": 0.1,
        "clip_norm": 1.0,
    }
    gpt2 = ARCHITECTURES["gpt2"].recipe.model_copy(update={"training": Gene(component="adamw", settings=settings)})
    optimizer = instantiate(gpt2, LIBRARY, SIZES[0]).optimizer
    expected = {
        "rule": "adamw",
        "learning_rate": 0.001,
        "schedule": "cosine",
        "warmup": 0.05,
        "final": 0.1,
        "weight_decay": 0.1,
        "beta1": 0.9,
        "beta2": 0.99,
        "clip": 1.0,
    }
    assert optimizer == expected


def test_importing_the_package_loads_no_array_library():
    code = "import cognition.loader, sys; print([m for m in ('jax', 'mlx', 'numpy') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
