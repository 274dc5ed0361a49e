"""Compiled functions on disk: another process loads them without tracing, and nothing else is taken for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from backends.jax import executables
from backends.jax.executables import SUFFIX, Executables

TRAIN = """
import json, sys
from pathlib import Path
import numpy as np
from backends.batch import Batch
from backends.jax.backend import JaxBackend
from cognition.loader import load_architectures, load_library
from genome.instance import instantiate
from genome.values import Sizes
backend = JaxBackend(Path(sys.argv[1]))
recipe = load_architectures()["llama"].recipe
recipe = recipe.model_copy(update={"blocks": recipe.blocks[:1]})
instance = instantiate(recipe, load_library(), Sizes(16, 32, 11, 8))
model = backend.lower(instance, steps=4)
tokens = np.random.default_rng(0).integers(11, size=(4, 2, 8), dtype=np.int32)
state, losses = model.train(model.start(0), [Batch(own, own) for own in tokens])
found = model.evaluate(state, [Batch(tokens[0], tokens[0])])
spent = backend.compilation
print(json.dumps([[*losses.tolist(), found.loss], spent.total, spent.trace, spent.saved]))
"""


def trained(directory: Path) -> tuple[list[float], float, float, float]:
    """Losses of a fresh process, and the seconds that it compiled, traced and saved."""
    arguments = [sys.executable, "-W", "error", "-c", TRAIN, str(directory)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env={**os.environ})
    return tuple(json.loads(done.stdout))


def test_a_second_process_traces_nothing_and_loses_the_same(tmp_path: Path) -> None:
    losses, total, trace, saved = trained(tmp_path)
    assert (saved, 0 < trace < total) == (0, True)
    again, loading, traced, kept = trained(tmp_path)
    assert again == losses
    assert (traced, kept) == (0, pytest.approx(total))
    assert loading < total / 3
    for path in sorted(tmp_path.iterdir())[::2]:  # gradients are made anew for forward passes from disk
        path.unlink()
    again, _, traced, kept = trained(tmp_path)
    assert again == losses
    assert traced > 0 < kept


def sums(directory: Path | None, content: str = "sum", size: int = 3) -> tuple[Executables, np.ndarray]:
    own = Executables(directory)
    arguments = (np.arange(size, dtype=np.float32), {"b": jnp.ones(size)})
    function = own.get(content, lambda a, b: {"sum": a + b["b"]}, arguments)
    return own, np.asarray(function(*arguments)["sum"])


def test_files_are_found_by_content_and_shape(tmp_path: Path) -> None:
    assert sums(tmp_path)[0].compilation.saved == 0
    assert sums(tmp_path)[0].compilation.saved > 0
    assert sums(tmp_path, content="another")[0].compilation.saved == 0
    own, result = sums(tmp_path, size=5)
    assert own.compilation.saved == 0
    assert result.tolist() == [1, 2, 3, 4, 5]
    assert len(list(tmp_path.glob(f"*{SUFFIX}"))) == 3 == len(list(tmp_path.iterdir()))


def test_other_options_or_sources_are_other_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sums(tmp_path)
    monkeypatch.setattr(executables, "_sources", lambda: "another version")
    assert sums(tmp_path)[0].compilation.saved == 0
    monkeypatch.undo()
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=false")
    assert sums(tmp_path)[0].compilation.saved == 0


@pytest.mark.parametrize("content", [b"", b"nothing of ours", None])
def test_a_file_that_cannot_be_loaded_is_made_again(tmp_path: Path, content: bytes | None) -> None:
    _, expected = sums(tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-300] if content is None else content)
    own, result = sums(tmp_path)
    assert own.compilation.saved == 0
    assert np.array_equal(result, expected)
    assert sums(tmp_path)[0].compilation.saved > 0


def test_without_a_directory_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert sums(None)[1].tolist() == [1, 2, 3]
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_go_when_the_directory_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executables, "DIRECTORY_BYTES", 1000)
    old, new = tmp_path / "old", tmp_path / "new"
    for age, path in ((2, old), (1, new)):
        path.write_bytes(bytes(600))
        os.utime(path, (1e9 - age, 1e9 - age))
    Executables(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
