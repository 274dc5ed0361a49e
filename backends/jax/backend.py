"""The JAX backend: its devices, and the lowering of instances with a table of compiled units."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import monitoring

from backends.batch import Batch
from backends.jax.compiled import CompiledUnits
from backends.jax.model import JaxModel
from backends.jax.operations import TABLE
from backends.jax.replicated import train_side_by_side
from backends.jax.scanned import WholePrograms
from backends.jax.state import TrainingState
from backends.plan import plan
from backends.protocol import Compilation, Device, Precision, Program, chosen_program
from backends.replicates import train_in_turn
from genome.instance import Instance

_TRACE_EVENTS = (
    "/jax/core/compile/jaxpr_trace_duration",
    "/jax/core/compile/jaxpr_to_mlir_module_duration",
)
_COMPILE_EVENT = "/jax/core/compile/backend_compile_duration"
_SAVED_EVENT = "/jax/compilation_cache/compile_time_saved_sec"

CACHE_BYTES = 2**31
"""Size above which a directory of compiled programs loses its oldest."""


class JaxBackend:
    """See `backends.protocol.Backend`. One per process."""

    name = "jax"
    programs: tuple[Program, ...] = ("stitched", "whole")

    def __init__(self, cache: Path | None = None) -> None:
        """`cache` is a directory, private to the user, in which compiled programs persist between runs."""
        self._table = CompiledUnits()
        self._programs = WholePrograms()
        self._compilation = Compilation()
        monitoring.register_event_duration_secs_listener(self._record)
        if cache is not None:
            cache.mkdir(parents=True, exist_ok=True, mode=0o700)
            jax.config.update("jax_compilation_cache_dir", str(cache))
            jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
            jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
            _prune(cache)

    def devices(self) -> Sequence[Device]:
        found = []
        for device in jax.devices():
            memory = (device.memory_stats() or {}).get("bytes_limit", 0)
            kind = "cpu" if device.platform == "cpu" else "tpu" if device.platform == "tpu" else "gpu"
            found.append(Device(device.device_kind, kind, memory))
        return found

    def lower(
        self, instance: Instance, *, steps: int, precision: Precision = "float32", program: Program | None = None
    ) -> JaxModel:
        dtype, rule = jnp.dtype(precision), str(instance.optimizer["rule"])
        whole = chosen_program(self, program) == "whole"
        steps_program = self._programs.get(plan(instance), rule, dtype) if whole else None
        return JaxModel(instance, self._table, steps, dtype, steps_program)

    def train_replicates(
        self, models: Sequence[JaxModel], states: Sequence[TrainingState], batches: Sequence[Iterable[Batch]]
    ) -> tuple[list[TrainingState], np.ndarray]:
        if jax.default_backend() == "cpu" or any(model.whole is None for model in models):
            return train_in_turn(models, states, batches)
        return list(states), train_side_by_side(models, states, batches)

    @property
    def operations(self) -> frozenset[str]:
        """Names of the operations that have an implementation."""
        return frozenset(TABLE.implementations)

    @property
    def compilation(self) -> Compilation:
        return self._compilation

    def _record(self, event: str, duration_secs: float, **_: str | int) -> None:
        if event in _TRACE_EVENTS:
            self._compilation += Compilation(total=duration_secs, trace=duration_secs)
        elif event == _COMPILE_EVENT:
            self._compilation += Compilation(total=duration_secs)
        elif event == _SAVED_EVENT:
            self._compilation += Compilation(saved=duration_secs)


def _prune(cache: Path) -> None:
    """Remove the oldest programs of a directory that has grown too large.

    JAX's own bound reads the whole directory at every write, and a process killed in between breaks it for good.
    """
    kept = 0
    for path, status in sorted(_entries(cache), key=lambda entry: -entry[1].st_mtime):
        kept += status.st_size
        if kept > CACHE_BYTES:
            path.unlink(missing_ok=True)


def _entries(cache: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in cache.iterdir():
        with suppress(FileNotFoundError):  # another worker prunes as well
            yield path, path.stat()
