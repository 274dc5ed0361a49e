"""One file of weights for both backends: what one has trained, the other scores alike and goes on training."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from backends.protocol import BackendError
from cognition.loader import load_architectures
from genome.instance import Instance
from genome.recipe import Gene
from tests.backends.mlx_present import mx  # noqa: F401  (skips where MLX is missing)
from tests.backends.small_recipes import gene, random_batches, small

TRAINED, FURTHER = 4, 20
BATCHES = random_batches(TRAINED + FURTHER)


def mamba(training: Gene) -> Instance:
    return small(load_architectures()["mamba"].recipe.model_copy(update={"training": training}))


def saved(backend, instance: Instance, file):
    """Train a model for a few steps and save it; returns it with its state."""
    model = backend.lower(instance, steps=len(BATCHES))
    state, _ = model.train(model.start(1), BATCHES[:TRAINED])
    model.save(state, file)
    return model, state


@pytest.fixture(params=["jax to mlx", "mlx to jax"])
def direction(request, backend, mlx_backend):
    """The backend that trains first, and the one that goes on."""
    return (backend, mlx_backend) if request.param == "jax to mlx" else (mlx_backend, backend)


@pytest.mark.parametrize(
    ("rule", "made"),
    [("adamw", None), ("adamw", mamba), ("lion", None), ("muon", None), ("schedule_free_adamw", None)],
)
def test_the_other_backend_scores_alike_and_goes_on(direction, two_blocks, tmp_path, rule, made):
    first, second = direction
    instance, file = (made or two_blocks)(gene(rule)), tmp_path / "state.safetensors"
    model, state = saved(first, instance, file)
    other = second.lower(instance, steps=len(BATCHES))
    taken = other.load(file)
    for path, arrays in model.parameters(state).items():
        for name, array in arrays.items():
            assert np.array_equal(other.parameters(taken)[path][name], array)
    wanted = model.evaluate(state, BATCHES[:2]).loss
    assert other.evaluate(taken, BATCHES[:2]).loss == pytest.approx(wanted, rel=1e-4)
    _, losses = model.train(state, BATCHES[TRAINED:])
    _, others = other.train(taken, BATCHES[TRAINED:])
    np.testing.assert_allclose(others, losses, rtol=1e-3)


@pytest.mark.parametrize("rule", ["adamw", "lion", "muon"])
def test_both_backends_write_the_same_file(backend, mlx_backend, two_blocks, tmp_path, rule):
    """The same names and shapes, and after equal steps nearly equal moments, which no correction of bias divides."""
    files = [tmp_path / "jax.safetensors", tmp_path / "mlx.safetensors"]
    for own, file in zip((backend, mlx_backend), files, strict=True):
        saved(own, two_blocks(gene(rule)), file)
    jax, mlx = map(load_file, files)
    assert {name: array.shape for name, array in jax.items()} == {name: array.shape for name, array in mlx.items()}
    assert "optimizer/first/blocks.0.branches.0.1/q" in jax
    for name, array in jax.items():
        if name.startswith("optimizer/"):
            assert np.linalg.norm(mlx[name] - array) <= 1e-2 * np.linalg.norm(array), name


def test_another_rule_and_an_older_layout_are_refused_in_one_line(direction, two_blocks, tmp_path):
    first, second = direction
    file = tmp_path / "state.safetensors"
    saved(first, two_blocks(gene("adamw")), file)
    for rule, told in (("lion", "holds, without use, optimizer/second"), ("muon", "without use")):
        with pytest.raises(BackendError, match=rf"^[^\n]*not of {rule}: [^\n]*{told}[^\n]*$"):
            second.lower(two_blocks(gene(rule)), steps=8).load(file)
    flat = {name: array for name, array in load_file(file).items() if not name.startswith("optimizer/")}
    save_file(flat | {"optimizer/embedding.0/1": np.zeros(176, np.float32)}, file)
    with pytest.raises(BackendError, match=r"^[^\n]*optimizer/embedding\.0/1[^\n]*older version[^\n]*$"):
        second.lower(two_blocks(gene("adamw")), steps=8).load(file)
