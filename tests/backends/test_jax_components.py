"""Every component of the library on the JAX backend: it trains, is causal, and has the parameters it declares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.batch import Batch
from backends.conformance import (
    causality_faults,
    component_faults,
    missing_operations,
    parameter_faults,
    probe,
)
from cognition.loader import load_library

LIBRARY = load_library()


def test_every_operation_of_the_language_has_an_implementation(backend):
    assert missing_operations(backend.operations) == []


@pytest.mark.parametrize("name", LIBRARY)
def test_a_component_trains_with_gradients_everywhere_and_is_causal(backend, name):
    assert component_faults(backend, LIBRARY[name]) == []


def test_a_missing_and_a_foreign_operation_are_named(backend):
    faults = missing_operations(backend.operations - {"rope"} | {"teleport"})
    assert faults == ["operation rope has no implementation", "teleport is not an operation"]


class Backwards:
    """A model that reads sequences from their end."""

    def __init__(self, model):
        self.model, self.instance = model, model.instance

    def gradients(self, state, batch):
        return self.model.gradients(state, Batch(batch.inputs_BxT[:, ::-1], batch.targets_BxT[:, ::-1]))

    def parameters(self, state):
        own = self.model.parameters(state)
        own["head.0"] = {"output": np.zeros((2, 2))}
        return own


def test_a_model_that_sees_later_positions_or_has_other_parameters_is_found_out(backend):
    model = backend.lower(probe(LIBRARY["attention"]), steps=1)
    state = model.start(0)
    assert causality_faults(model, state) == []
    wrong: Any = Backwards(model)
    assert len(causality_faults(wrong, state)) == 3
    shape, count = parameter_faults(wrong, state)
    assert "head.0.output has shape (2, 2), declared (32, 24)" in shape
    assert "the cost model says" in count
