"""Which backend a machine offers, and why one is taken."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from backends.protocol import Backend, BackendError, Device

BACKENDS = ("jax",)


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
        from backends.jax.backend import JaxBackend
    except ImportError as error:
        raise BackendError(f"the backend {name} is not installed: {error}") from None
    return JaxBackend(Path(cache) if cache else None)


def sight(name: str) -> Sighting:
    """Load a backend and look at its devices."""
    versions = {package: _version(package) for package in (name, "flax", "optax")}
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
        return "jax", "JAX runs on NVIDIA GPUs, TPUs and every CPU"
    if name not in BACKENDS:
        raise BackendError(f"there is no backend {name!r}; accepted: auto, {', '.join(BACKENDS)}")
    return name, "asked for by name"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
