"""Which backend a machine offers, and why one is taken."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from backends.protocol import Backend, BackendError, Device

BACKENDS = ("jax", "mlx")
PACKAGES = {"jax": ("jax", "flax", "optax"), "mlx": ("mlx",)}


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a backend sees on this machine; `reason` says why it cannot be used, or is empty."""

    backend: str
    versions: dict[str, str]
    devices: tuple[Device, ...]
    reason: str


def make_backend(name: str, cache: str | None = None) -> Backend:
    """The backend of a name; `cache` is a directory for compiled programs.

    Raises BackendError for an unknown name or a framework that is not installed.
    """
    name, _ = choose_backend(name)
    try:
        if name == "mlx":
            from backends.mlx.backend import MlxBackend

            return MlxBackend()
        from backends.jax.backend import JaxBackend

        return JaxBackend(Path(cache) if cache else None)
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise BackendError(f"the backend {name} is not installed: {reason}") from None


def sight(name: str) -> Sighting:
    """Load a backend and look at its devices."""
    versions = {package: _version(package) for package in PACKAGES[name]}
    try:
        devices = tuple(make_backend(name).devices())
    except (BackendError, RuntimeError) as error:
        return Sighting(name, versions, (), str(error).splitlines()[0])
    return Sighting(name, versions, devices, "")


def choose_backend(name: str = "auto") -> tuple[str, str]:
    """The backend that a name means on this machine, and why, without loading a framework.

    Raises BackendError for an unknown name.
    """
    if name == "auto":
        if sys.platform != "darwin" or platform.machine() != "arm64":
            return "jax", "JAX runs on NVIDIA GPUs, TPUs and every CPU"
        if find_spec("mlx") is None:
            return "jax", "MLX, which uses the GPU of Apple Silicon, is not installed"
        return "mlx", "MLX uses the GPU of Apple Silicon"
    if name not in BACKENDS:
        raise BackendError(f"there is no backend {name!r}; accepted: auto, {', '.join(BACKENDS)}")
    return name, "asked for by name"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
