"""NVIDIA GPUs of this machine and how workers share them: each sees one, and several on one share its memory.

Also what workers tell XLA of the device that they compile for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path

CPU_WORKERS = 2
"""Workers where there is no accelerator, unless told otherwise."""

PLUGINS = ("jax_cuda12_plugin", "jax_cuda13_plugin")
"""Without one of these JAX sees no GPU."""

GPU_MEMORY = 0.9
"""Part of a GPU's memory that its workers may take together; the driver and CUDA's contexts need the rest."""

CPU_FLAGS = "--xla_backend_extra_options=--unroll-threshold=0,-vectorize-slp=false"
"""On a CPU, LLVM neither unrolls loops nor looks for vectors outside of them: compiling takes four fifths of the
time, and steps as long as before.
"""

NODE = re.compile(r"nvidia\d+")


def usable_gpus(backend: str) -> tuple[str, ...]:
    """GPUs that workers of a backend will use: none but for JAX with CUDA, unless JAX_PLATFORMS keeps it from them."""
    if not _jax_takes(backend, {"cuda", "gpu"}) or not any(find_spec(plugin) for plugin in PLUGINS):
        return ()
    return visible_gpus(os.environ)


def visible_gpus(environment: Mapping[str, str], nodes: Path = Path("/dev")) -> tuple[str, ...]:
    """GPUs as CUDA_VISIBLE_DEVICES names them, or, where it is not set, as many numbers as there are device nodes.

    CUDA ignores what follows the first -1.
    """
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return tuple(takewhile(lambda name: name not in ("", "-1"), map(str.strip, named.split(","))))
    return tuple(map(str, range(sum(NODE.fullmatch(node.name) is not None for node in nodes.iterdir()))))


def least_used(gpus: Sequence[str], used: Sequence[str]) -> str:
    """The GPU that the fewest workers have; `used` names that of each worker, "" where it has none.

    Returns "" where there are no GPUs.
    """
    return min(gpus, key=used.count, default="")


def device_environment(
    backend: str, gpu: str, gpus: Sequence[str], workers: int, deterministic: bool = False
) -> dict[str, str]:
    """Environment of a worker: on one of the GPUs no other is seen, and its memory is shared evenly.

    `gpu` is "" where it has none. `deterministic` leaves out kernels of a GPU that add in an order of their own, such
    as those with atomics.
    """
    if not gpu:
        return {} if _takes_tpu(backend) else {"XLA_FLAGS": CPU_FLAGS}
    on_each = -(-workers // len(gpus))
    return {
        "CUDA_VISIBLE_DEVICES": gpu,
        "XLA_PYTHON_CLIENT_MEM_FRACTION": f"{GPU_MEMORY / on_each:.3f}",
        **({"XLA_FLAGS": "--xla_gpu_deterministic_ops=true"} if deterministic else {}),
    }


def usual_workers(backend: str) -> int:
    """Workers unless told otherwise: one for every GPU, since several on one gain little; a TPU lets in only one."""
    if gpus := usable_gpus(backend):
        return len(gpus)
    return 1 if _takes_tpu(backend) else CPU_WORKERS


def _takes_tpu(backend: str) -> bool:
    return _jax_takes(backend, {"tpu"}) and find_spec("libtpu") is not None


def _jax_takes(backend: str, platforms: set[str]) -> bool:
    """Whether the backend is JAX and JAX_PLATFORMS, where it is set, names one of the platforms."""
    named = os.environ.get("JAX_PLATFORMS", "")
    return backend == "jax" and (not named or bool(platforms & set(named.split(","))))
