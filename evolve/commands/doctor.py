"""`doctor`: what each backend sees on this machine, and which one is taken."""

from __future__ import annotations

from backends.selection import BACKENDS, choose_backend, sight
from evaluators.devices import usable_gpus, usual_workers
from evolve.display import console


def doctor() -> None:
    """Show backends, devices, memory and versions, which backend `auto` takes, and how many workers there are."""
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
    gpus = ", one for each GPU" if usable_gpus(chosen) else ""
    target.print(f"--workers is {usual_workers(chosen)} unless given{gpus}")
