"""A search whose candidates MLX trains: it ends, goes on, and its store is that of any search."""

from __future__ import annotations

from pathlib import Path

from evolve.cli import main
from runs.store import Store
from tests.backends.mlx_present import mx  # noqa: F401  (skips where MLX is missing)

ARGUMENTS = [
    "run",
    "--backend",
    "mlx",
    "--scale",
    "micro",
    "--task",
    "recall",
    "--population",
    "2",
    "--workers",
    "1",
]


def test_a_search_on_mlx_goes_on_from_where_it_was(tmp_path: Path) -> None:
    assert main([*ARGUMENTS, "--generations", "1", "--out", str(tmp_path)]) == 0
    first = Store.read(tmp_path)
    before, measured = first.attempts(), len(first.evaluations())
    assert main([*ARGUMENTS, "--generations", "2", "--out", str(tmp_path)]) == 0
    store = Store.read(tmp_path)
    attempts = store.attempts()
    assert attempts[: len(before)] == before
    assert {attempt.generation for attempt in attempts} == {1, 2}
    assert len(store.evaluations()) > measured
    assert {(own.backend, own.status) for own in store.evaluations()} == {("mlx", "evaluated")}
    assert store.best(1)[0].status == "evaluated"
    assert main(["check", "--out", str(tmp_path)]) == 0
    assert main(["run", *ARGUMENTS[1:2], "jax", *ARGUMENTS[3:], "--generations", "2", "--out", str(tmp_path)]) == 2
