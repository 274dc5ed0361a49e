"""The JAX backend: its devices, and the lowering of instances with a table of compiled units."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp

from backends.jax.compiled import CompiledUnits
from backends.jax.executables import Executables
from backends.jax.model import JaxModel
from backends.jax.operations import TABLE
from backends.jax.scanned import WholePrograms
from backends.plan import plan
from backends.protocol import Compilation, Device, Precision, Program, chosen_program
from genome.instance import Instance


class JaxBackend:
    """See `backends.protocol.Backend`. One per process."""

    name = "jax"
    programs: tuple[Program, ...] = ("stitched", "whole")

    def __init__(self, cache: Path | None = None) -> None:
        """`cache` is a directory, private to the user, in which compiled programs persist between runs.

        On a CPU every call is computed by the thread that makes it: a second one that waits for the next call
        spins, which costs a twentieth of a step where every core has its worker.
        """
        jax.config.update("jax_cpu_enable_async_dispatch", False)
        self._executables = Executables(cache)
        self._table = CompiledUnits(self._executables)
        self._programs = WholePrograms(self._executables)

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

    @property
    def operations(self) -> frozenset[str]:
        """Names of the operations that have an implementation."""
        return frozenset(TABLE.implementations)

    @property
    def compilation(self) -> Compilation:
        return self._executables.compilation
