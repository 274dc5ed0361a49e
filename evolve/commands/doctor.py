"""`doctor`: what each backend sees on this machine, and which one is taken."""

from __future__ import annotations

from backends.selection import BACKENDS, choose_backend, sight
from evolve.display import console


def doctor() -> None:
    """Show backends, devices, memory and versions, and which backend `auto` takes."""
    target = console()
    for name in BACKENDS:
        seen = sight(name)
        versions = ", ".join(f"{package} {number}" for package, number in seen.versions.items())
        target.print(f"{name}: {versions}")
        for device in seen.devices:
            memory = f", {device.memory / 2**30:.1f} GiB" if device.memory else ""
            target.print(f"  {device.kind}: {device.name}{memory}")
        if seen.reason:
            target.print(f"  not usable: {seen.reason}")
    chosen, why = choose_backend("auto")
    target.print(f"--backend auto takes {chosen}: {why}")
