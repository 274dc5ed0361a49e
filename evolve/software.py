"""What a search ran with: versions of Python and of the packages that decide its numbers, noted in its events."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from runs.store import Store

EVENT = "software"

PACKAGES = ("archevolve", "jax", "jaxlib", "flax", "optax", "mlx", "numpy", "scipy", "deap", "sqlite-utils")


def versions() -> dict[str, str]:
    """Versions by name, of what is installed; nothing is imported."""
    found = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def note_software(store: Store) -> None:
    """Store the versions as an event, unless the last one says the same."""
    now, noted = versions(), store.events(kind=EVENT)
    if not noted or noted[-1].detail != now:
        text = ", ".join(f"{name} {number}" for name, number in now.items())
        store.log(EVENT, f"runs with {text}", now)
