"""One backend of each framework for all tests, so that what it compiles is shared."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from genome.instance import Instance
from genome.recipe import Gene
from tests.backends.small_recipes import block, recipe, small


@pytest.fixture(scope="session")
def backend():
    from backends.jax.backend import JaxBackend

    return JaxBackend()


@pytest.fixture(scope="session")
def mlx_backend():
    """MLX without compilation, as on every CPU: there it takes longer than a test."""
    from backends.mlx.backend import MlxBackend

    return MlxBackend(compiled=False)


@pytest.fixture(scope="session")
def two_blocks() -> Callable[[Gene], Instance]:
    """An attention and a channel block, trained by the given gene."""
    blocks = (block(("rms_norm", "attention")), block(("rms_norm", "swiglu")))
    return lambda training: small(recipe(*blocks, training=training))
