"""Opening what a command needs: tasks, backend, store, workers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from backends.selection import choose_backend
from cognition.loader import load_library
from evaluators.devices import usable_gpus
from evaluators.executor import Executor, LocalExecutor, WorkerOptions
from evaluators.jobs import TaskSpec
from evaluators.scales import SCALES, Scale
from evaluators.tasks.protocol import Task
from evaluators.tasks.registry import make_task
from evolve.configuration import Configuration
from evolve.measurement import Laboratory
from evolve.stopping import stoppable
from genome.component import Component, Provenance
from genome.parser import parse_component
from runs.archive import Archive
from runs.store import Store

SEARCHES = Path("searches")

SLOW_CPU, SLOW_GPU = 2e9, 1e13
"""FLOPs per second that any such device reaches in training."""

LEAST_DEADLINE = 600.0
"""Seconds that every job gets."""

TINY_CONTEXT = 64
"""Up to this context tasks have their small settings."""


@dataclass(frozen=True)
class Prepared:
    """A configuration whose tasks exist and whose backend is known, before anything is written.

    The tasks of `scale` share its tokens alike.
    """

    configuration: Configuration
    backend: str
    scale: Scale
    specs: tuple[TaskSpec, ...]
    tasks: tuple[Task, ...]

    @property
    def stored(self) -> dict[str, Any]:
        """What a store compares when a search is resumed: the configuration and what the tasks read."""
        return {
            **self.configuration.stored(),
            "backend": self.backend,
            "task_data": {task.name: task.identity for task in self.tasks},
            "rungs": [[rung.part, rung.share] for rung in self.scale.rungs],
        }


def prepare(configuration: Configuration) -> Prepared:
    """Make the tasks and choose the backend. Raises ValueError in one line where one of them cannot be had."""
    scale = search_scale(configuration)
    specs = task_specs(configuration.task, configuration.data, scale)
    backend = choose_backend(configuration.backend)[0]
    if configuration.deterministic and backend == "mlx":
        raise ValueError("deterministic: MLX has no such mode on Metal or CUDA; accepted with backend jax")
    tasks = tuple(make_task(s.name, s.profile, data=s.data, context=s.context) for s in specs)
    return Prepared(configuration, backend, scale, specs, tasks)


def stored_configuration(archive: Archive, workers: int | None) -> Configuration:
    """The configuration of a search, with another number of workers where one is given."""
    changed = {"workers": workers} if workers else {}
    return Configuration.of_search({**archive.run.configuration, **changed})


def search_scale(configuration: Configuration) -> Scale:
    """The configured scale, its tokens shared by the tasks; without early stopping every recipe trains in full."""
    whole = SCALES[configuration.scale]
    rungs = whole.rungs if configuration.early_stopping else tuple(replace(r, share=1.0) for r in whole.rungs)
    return replace(whole, tokens=whole.tokens // len(configuration.task), rungs=rungs)


def task_specs(names: Sequence[str], data: str | None, scale: Scale) -> tuple[TaskSpec, ...]:
    """Specifications of tasks at a scale: small settings where its context is short, published ones above."""
    if data is not None and "text" not in names:
        raise ValueError("--data is the corpus of the task text, which is not among the tasks")
    profile = "tiny" if scale.context <= TINY_CONTEXT else "published"
    return tuple(TaskSpec(name, profile, data if name == "text" else None, scale.context) for name in names)


def default_directory(configuration: Configuration) -> Path:
    """Where a search lives unless `--out` says otherwise."""
    parts = [*configuration.task, configuration.scale, configuration.strategy, str(configuration.seed)]
    learned = ["learned"] if configuration.library == "learned" else []
    return SEARCHES / "-".join([*parts, *learned])


def cache_directory() -> Path:
    """The user's directory of compiled programs."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "archevolve" / "compiled"


def stored_library(archive: Archive | None) -> dict[str, Component]:
    """Published components and those a search, where there is one, has learned or defined.

    What was in a search's library from the start stays published for it.
    """
    library = dict(load_library())
    if archive is None:
        return library
    for component in archive.components():
        if component.name not in library:
            known = parse_component(component.source, {})
            if component.origin == "library":
                paper = Provenance(component.arxiv or "", 0, "the paper it was extracted from")
                known = replace(known, provenance=paper)
            library[component.name] = known
    return library


def search_store(directory: Path, prepared: Prepared) -> Store:
    """The store of the search in a directory, made where there is none. Raises StoreError; see `runs.store.Store`."""
    if Store.exists(directory):
        return Store.open(directory, configuration=prepared.stored)
    return Store.create(
        directory,
        name=directory.name,
        seed=prepared.configuration.seed,
        configuration=prepared.stored,
        version=version("archevolve"),
        generations=prepared.configuration.generations,
    )


def deadline_seconds(scale: Scale, slow: float) -> float:
    """Time after which a training run counts as hung: a full one on a device of so many FLOPs per second."""
    return max(LEAST_DEADLINE, 6 * scale.parameters * scale.tokens / slow)


@contextmanager
def workers(prepared: Prepared, logs: Path) -> Iterator[LocalExecutor]:
    """Worker processes for a configuration, starting up while the caller goes on."""
    gpus = usable_gpus(prepared.backend)
    deadline = deadline_seconds(prepared.scale, SLOW_GPU if gpus else SLOW_CPU)
    options = WorkerOptions(
        prepared.backend,
        str(cache_directory()),
        deadline_seconds=deadline,
        gpus=gpus,
        deterministic=prepared.configuration.deterministic,
    )
    with LocalExecutor(prepared.configuration.workers, options, logs) as executor:
        executor.warm_up()
        yield executor


@contextmanager
def reopened(archive: Archive, prepared: Prepared) -> Iterator[Laboratory]:
    """A laboratory with workers for a search that exists, which stays as far as it is.

    Raises StoreError where it is of another configuration, or another process writes it; for how it stops early see
    `evolve.stopping`.
    """
    target = archive.run.generations
    with Store.open(archive.directory, configuration={**prepared.stored, "generations": target}) as store:
        with stoppable(store), workers(prepared, archive.directory / "logs") as executor:
            yield laboratory(prepared, store, executor, stored_library(store))
        store.finish_run("finished" if store.generation_count() >= target else "stopped")


def laboratory(
    prepared: Prepared, store: Store, executor: Executor, library: dict[str, Component], **observers: Any
) -> Laboratory:
    """A laboratory for a store; candidates are sized for the task of the largest vocabulary."""
    checkpoints = store.directory / "checkpoints"
    checkpoints.mkdir(exist_ok=True)
    vocabulary = max(task.vocabulary for task in prepared.tasks)
    return Laboratory(
        store, executor, library, prepared.scale, prepared.specs, vocabulary, checkpoints, **observers
    )
