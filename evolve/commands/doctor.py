"""`doctor`: what each backend sees on this machine, and which one is taken; whether a language model answers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from backends.selection import BACKENDS, choose_backend, sight
from evaluators.devices import usable_gpus, usual_workers
from evolve.display import console


def doctor(
    llm: Annotated[
        str | None,
        typer.Option(help="Ask this language model one tiny question instead: such as openai:MODEL@URL."),
    ] = None,
    llm_prices: Annotated[
        Path | None, typer.Option(help="TOML file with prices over the built-in ones; goes with --llm.")
    ] = None,
) -> None:
    """Show backends, devices, memory and versions, which backend `auto` takes, and how many workers there are."""
    if llm is not None:
        _ask(llm, llm_prices)
        return
    if llm_prices is not None:
        raise ValueError("--llm-prices goes with --llm")
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


def _ask(specification: str, file: Path | None) -> None:
    """Raises ValueError in one line where no answer comes."""
    from evolve.llm.prices import DATED, PRICES, cost, read_prices
    from evolve.llm.specification import provider_of
    from evolve.llm.trial import trial

    prices = PRICES if file is None else read_prices(file)
    provider = provider_of(specification, os.environ)
    done = trial(provider)
    paid = cost(provider.name, done.usage, prices)
    source = f"table of {DATED}" if file is None else str(file)
    price = "unknown; --llm-prices FILE tells it" if paid is None else f"${paid:.6f} ({source})"
    usage = done.usage
    for line in (
        f"{provider.name}: answered in {done.seconds:.2f} s",
        f"tokens: {usage.input} in, {usage.cached} from the cache, {usage.written} into it, {usage.output} out",
        f"price: {price}",
        f"answer: {json.dumps(done.parsed)}",
    ):
        console().print(line, markup=False)
