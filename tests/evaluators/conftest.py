"""Recipes of a few small components, and jobs that train them in seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from backends.protocol import Backend
from backends.selection import make_backend
from evaluators.jobs import Job, TaskSpec, component_sources
from evaluators.scales import Scale
from genome.component import Library
from genome.expressions import Scalar
from genome.parser import parse_component
from genome.recipe import Block, Gene, Recipe

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

SOURCES = (
    """
def token_embedding(tokens) -> embedding:
    return lookup(weight(vocabulary, width, scale=0.1), tokens)
""",
    """
def rms_norm(x) -> norm:
    return gain(rms_normalize(x))
""",
    """
def attention(x, heads: choice(1, 2, 4) = 4) -> mixer:
    q = rope(split_heads(linear(x), heads))
    k = rope(split_heads(linear(x), heads))
    v = split_heads(linear(x), heads)
    return linear(merge_heads(attend(q, k, v)))
""",
    """
def convolved_attention(x, heads: choice(1, 2, 4) = 4) -> mixer:
    q = rope(split_heads(causal_conv(linear(x), 4), heads))
    k = rope(split_heads(causal_conv(linear(x), 4), heads))
    v = split_heads(causal_conv(linear(x), 4), heads)
    return linear(merge_heads(attend(q, k, v)))
""",
    """
def swiglu(x) -> channel:
    return linear(silu(linear(x, hidden)) * linear(x, hidden), width)
""",
    """
def add_residual(x, branch) -> residual:
    return x + branch
""",
    """
def linear_head(x) -> head:
    return linear(x, vocabulary)
""",
    """
def adamw(learning_rate: log_range(0.0001, 10.0) = 0.003) -> training:
    return optimizer("adamw", learning_rate)
""",
    """
def cubic(x) -> channel:
    inner = linear(x)
    return linear(inner * inner * inner)
""",
    """
def idle_weight(x) -> channel:
    useless = weight(width)
    return linear(x) + 0 * useless
""",
)

MakeRecipe = Callable[..., Recipe]
MakeJob = Callable[..., Job]


@pytest.fixture(scope="session")
def library() -> Library:
    components = (parse_component(source, {}) for source in SOURCES)
    return {component.name: component for component in components}


@pytest.fixture(scope="session")
def backend() -> Backend:
    return make_backend("jax")


@pytest.fixture(scope="session")
def make_recipe() -> MakeRecipe:
    """A pre-norm residual stack of these components; keyword arguments set the training component."""

    def make(*components: str, **training: Scalar) -> Recipe:
        blocks = tuple(
            Block(branches=((Gene(component="rms_norm"), Gene(component=name)),)) for name in components
        )
        return Recipe(
            embedding=(Gene(component="token_embedding"),),
            blocks=blocks,
            head=(Gene(component="rms_norm"), Gene(component="linear_head")),
            training=Gene(component="adamw", settings=training),
        )

    return make


@pytest.fixture(scope="session")
def make_unstable_recipe(make_recipe: MakeRecipe) -> MakeRecipe:
    """Cubes of cubes without a norm: fine at a learning rate of 0.1, beyond all bounds at 0.3."""

    def make(**training: Scalar) -> Recipe:
        normed = make_recipe("cubic", **training)
        block = Block(branches=((Gene(component="cubic"),),), repeat=2)
        return Recipe(embedding=normed.embedding, blocks=(block,), head=normed.head[-1:], training=normed.training)

    return make


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> TaskSpec:
    """A text of words in random order, with sequences of 16 characters."""
    words = np.random.default_rng(0).choice(["a", "the", "dog", "cat", "sees", "hears", "other"], 6_000)
    path: Path = tmp_path_factory.mktemp("corpus") / "text.txt"
    path.write_text(" ".join(words), encoding="utf-8")
    return TaskSpec("text", "tiny", str(path), context=16)


@pytest.fixture(scope="session")
def make_job(library: Library, text: TaskSpec) -> MakeJob:
    """A whole training run on the text, `steps` of 32 sequences of 16; other keyword arguments change the job.

    Sizes never change, so that each component compiles once for all tests.
    """

    def make(recipe: Recipe, steps: int = 40, **changes) -> Job:
        scale = Scale("test", 20_000, 16, 32, steps * 32 * 16, (32,), 16, 1, "float32")
        sources = component_sources(recipe, library)
        job = Job("job", recipe.json_text, sources, scale, 32, 64, text, seed=0, start=0, stop=steps)
        return replace(job, **changes)

    return make
