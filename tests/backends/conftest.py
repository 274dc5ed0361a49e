"""One JAX backend for all tests, so that what it compiles is shared."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def backend():
    from backends.jax.backend import JaxBackend

    return JaxBackend()
