"""The MLX backend: its devices, and the lowering of instances to compiled steps."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import mlx.core as mx

from backends.mlx.model import MlxModel
from backends.mlx.operations import TABLE
from backends.protocol import Compilation, Device, Precision, Program, chosen_program
from genome.instance import Instance

DTYPES: dict[Precision, mx.Dtype] = {"float32": mx.float32, "bfloat16": mx.bfloat16}


class MlxBackend:
    """See `backends.protocol.Backend`. One per process."""

    name = "mlx"
    programs: tuple[Program, ...] = ("whole",)

    def __init__(self, compiled: bool | None = None) -> None:
        """`compiled` says whether steps go through `mx.compile`; by default, as `compiles_well` says."""
        # A search shows MLX more shapes than its caches of graphs hold on CUDA; that is no fault of a candidate.
        os.environ.setdefault("MLX_ENABLE_CACHE_THRASHING_CHECK", "0")
        self._compiled = compiles_well() if compiled is None else compiled
        self._compile_seconds = 0.0

    def devices(self) -> Sequence[Device]:
        """The GPU, with the memory it shares with the CPU or has of its own, then the CPU."""
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        found = [Device(str(mx.device_info(mx.cpu).get("device_name", "CPU")), "cpu", size)]
        if mx.default_device().type == mx.DeviceType.gpu:
            about = mx.device_info(mx.gpu)
            memory = about.get("memory_size", about.get("total_memory", 0))
            found.insert(0, Device(str(about.get("device_name", "GPU")), "gpu", int(memory)))
        return found

    def lower(
        self, instance: Instance, *, steps: int, precision: Precision = "float32", program: Program | None = None
    ) -> MlxModel:
        chosen_program(self, program)
        return MlxModel(instance, steps, DTYPES[precision], self._compile)

    @property
    def operations(self) -> frozenset[str]:
        """Names of the operations that have an implementation."""
        return frozenset(TABLE.implementations)

    @property
    def compilation(self) -> Compilation:
        """Seconds of the first call of every compiled function: MLX traces and compiles within it."""
        return Compilation(total=self._compile_seconds)

    def _compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if not self._compiled:
            return function
        compiled = mx.compile(function)
        seen: set[tuple[int, ...]] = set()

        @wraps(function)
        def call(*arguments: Any) -> Any:
            shape = tuple(arguments[-1].shape)  # the targets: MLX compiles once for each of their shapes
            if shape in seen:
                return compiled(*arguments)
            seen.add(shape)
            started = time.perf_counter()
            results = compiled(*arguments)
            mx.eval(results)
            self._compile_seconds += time.perf_counter() - started
            return results

        return call


def compiles_well() -> bool:
    """Whether compiled steps pay: on a GPU. On a CPU, MLX starts a C++ compiler for every fused kernel."""
    return mx.default_device().type == mx.DeviceType.gpu
