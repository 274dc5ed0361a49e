"""Every component of the library on the JAX backend: it trains, is causal, and costs what the cost model says."""

from __future__ import annotations

import pytest

from backends.conformance import component_faults, missing_operations
from cognition.loader import load_library

NAMES = sorted(load_library())


def test_every_operation_of_the_language_has_an_implementation(backend):
    assert missing_operations(backend.operations) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_component_trains_with_gradients_everywhere_and_is_causal(backend, name):
    assert component_faults(backend, load_library()[name]) == []
