"""Compiled functions on disk, found by what they compute: loading one needs no tracing.

JAX's own cache is keyed by the lowered program, so that every process traces and lowers again what it finds there:
five sixths of the time of a warm start. Here a file is named by the content of the function, the shapes of its
arguments, and everything that decides what is made of them.
"""

from __future__ import annotations

import os
import pickle
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
from jax.experimental.serialize_executable import deserialize_and_load, serialize

from backends.protocol import Compilation
from genome.canonical import digest

FAST_COMPILATION: dict[str, bool | int] = {
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
    "xla_backend_optimization_level": 1,
}
"""Emit loops as LLVM code directly, without MLIR in between, all of a program as one module, optimised once."""

DIRECTORY_BYTES = 2**31
"""Size above which a directory of executables loses its oldest."""

SUFFIX = ".executable"

LOADING_ERRORS = (OSError, ValueError, TypeError, KeyError, AttributeError, EOFError, ImportError)
"""What a file that is truncated or of another version raises, besides JAX's own errors and pickle's."""


class Executables:
    """Compiles functions for the shapes of given arguments, or loads them where it has a directory."""

    def __init__(self, directory: Path | None = None) -> None:
        """`directory` must be private to the user: whoever writes to it decides what runs here."""
        self.compilation = Compilation()
        self._directory = directory
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            _prune(directory)

    def get(
        self, content: str, function: Callable[..., Any], arguments: tuple[Any, ...], donated: tuple[int, ...] = ()
    ) -> Callable[..., Any]:
        """The function compiled for arguments of these shapes and no others; the caller keeps it.

        `content` must differ between functions that compute differently from equal arguments. Those at `donated`
        are used up.
        """
        key = digest(content, signature(arguments), str(donated), self._environment)
        return self._load(key, arguments) or self._compile(key, function, arguments, donated)

    def _load(self, key: str, arguments: tuple[Any, ...]) -> Callable[..., Any] | None:
        if self._directory is None:
            return None
        started = time.perf_counter()
        try:
            content = (self._directory / f"{key}{SUFFIX}").read_bytes()
            executable, results, seconds = pickle.loads(content)
            loaded = deserialize_and_load(executable, jax.tree.structure((arguments, {})), results)
        except (*LOADING_ERRORS, pickle.UnpicklingError, jax.errors.JaxRuntimeError):
            return None
        self.compilation += Compilation(time.perf_counter() - started, saved=seconds)
        return loaded

    def _compile(
        self, key: str, function: Callable[..., Any], arguments: tuple[Any, ...], donated: tuple[int, ...]
    ) -> Callable[..., Any]:
        started = time.perf_counter()
        jitted = jax.jit(function, donate_argnums=donated, compiler_options=compiler_options())
        lowered = jitted.lower(*arguments)
        traced = time.perf_counter() - started
        compiled = lowered.compile()
        total = time.perf_counter() - started
        self.compilation += Compilation(total, traced)
        if self._directory is not None:
            self._write(key, compiled, total)
        return compiled

    def _write(self, key: str, compiled: jax.stages.Compiled, seconds: float) -> None:
        """Store an executable whole or not at all; one that cannot be stored is compiled again by the next process."""
        assert self._directory is not None
        with suppress(OSError, ValueError, NotImplementedError, jax.errors.JaxRuntimeError):
            executable, _, results = serialize(compiled)
            unfinished = self._directory / f"{key}.{os.getpid()}"
            unfinished.write_bytes(pickle.dumps((executable, results, seconds)))
            unfinished.replace(self._directory / f"{key}{SUFFIX}")

    @cached_property
    def _environment(self) -> str:
        """Everything besides function and shapes that decides what is compiled and whether it can be loaded here."""
        device = jax.devices()[0]
        return digest(
            jax.__version__,
            version("jaxlib"),
            device.platform,
            device.device_kind,
            device.client.platform_version,
            _processor(),
            str(sorted(compiler_options().items())),
            os.environ.get("XLA_FLAGS", ""),
            str(sorted(jax.config.values.items())),
            _sources(),
        )


@cache
def compiler_options() -> dict[str, bool | int]:
    """Of the options that halve compile time on a CPU at equal run time, those that this XLA knows."""
    if jax.default_backend() != "cpu":
        return {}
    known: dict[str, bool | int] = {}
    for name, value in FAST_COMPILATION.items():
        with suppress(jax.errors.JaxRuntimeError):
            jax.jit(lambda: 0, compiler_options={name: value}).lower().compile()
            known[name] = value
    return known


def signature(arguments: tuple[Any, ...]) -> str:
    """Structure of arguments, shapes and types of their arrays."""
    leaves, structure = jax.tree.flatten(arguments)
    return f"{structure} {[(jax.numpy.shape(leaf), str(jax.numpy.result_type(leaf))) for leaf in leaves]}"


def _processor() -> str:
    """The instructions that this processor knows: code for others may not run here."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(("flags", "Features")):
                return line
    return f"{platform.machine()} {platform.processor()}"


def _sources() -> str:
    """Digest of the source files that say how components are lowered."""
    house = Path(__file__).parents[2]
    others = (house / "backends" / "export", house / "backends" / "mlx")
    files = (path for name in ("backends", "genome") for path in (house / name).rglob("*.py"))
    own = sorted(path for path in files if not any(path.is_relative_to(other) for other in others))
    return digest(*(path.read_text(encoding="utf-8") for path in own))


def _prune(directory: Path) -> None:
    """Remove the oldest executables of a directory that has grown too large."""
    kept = 0
    for path, status in sorted(_entries(directory), key=lambda entry: -entry[1].st_mtime):
        kept += status.st_size
        if kept > DIRECTORY_BYTES:
            path.unlink(missing_ok=True)


def _entries(directory: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in directory.iterdir():
        with suppress(FileNotFoundError):  # another worker prunes as well
            yield path, path.stat()
