"""Every component of the library on the MLX backend: the shared exam, and the numbers of the JAX backend."""

from __future__ import annotations

import numpy as np
import pytest

from backends.conformance import component_faults, missing_operations, probe, probe_batch
from cognition.loader import load_library
from tests.backends.mlx_present import mx  # noqa: F401  (skips where MLX is missing)

LIBRARY = load_library()


def relative_error(got: np.ndarray, want: np.ndarray) -> float:
    return float(np.sqrt(((got - want) ** 2).mean()) / max(np.sqrt((want**2).mean()), 1e-6))


def test_every_operation_of_the_language_has_an_implementation(mlx_backend, backend):
    assert missing_operations(mlx_backend.operations) == []
    assert mlx_backend.operations == backend.operations


@pytest.mark.parametrize("name", {component.kind: name for name, component in LIBRARY.items()}.values())
def test_a_component_of_each_kind_trains_with_gradients_everywhere_and_is_causal(mlx_backend, name):
    """The others follow: they have the numbers of JAX, where each passes this exam."""
    assert component_faults(mlx_backend, LIBRARY[name]) == []


@pytest.mark.parametrize("name", LIBRARY)
def test_a_component_has_the_loss_the_scores_and_the_gradients_of_jax(mlx_backend, backend, name):
    instance, batch = probe(LIBRARY[name]), probe_batch(0)
    numbers = []
    for own in (mlx_backend, backend):
        model = own.lower(instance, steps=4)
        state = model.start(0)
        numbers.append((model.logits(state, batch.inputs_BxT), *model.gradients(state, batch)))
    (logits, loss, gradients), (wanted_logits, wanted_loss, wanted) = numbers
    assert loss == pytest.approx(wanted_loss, rel=1e-5)
    assert relative_error(logits, wanted_logits) <= 1e-4
    for path, arrays in wanted.items():
        for array, other in ((gradients[path][n], a) for n, a in arrays.items()):
            assert relative_error(array, other) <= 1e-4, path
