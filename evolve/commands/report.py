"""`report`: a search as one HTML file."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from evolve.commands.inspect import Out, opened
from evolve.display import console
from evolve.output import write_text
from runs.report.data import gather
from runs.report.page import page

FLAGS = ("generations", "population", "seed", "strategy", "task", "data", "scale", "backend", "guidance")
"""Keys of a configuration that are flags of `run` with one value, and fix what a search finds."""


def report(
    out: Out = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-o", help="The file to write (default: report.html in the search).")
    ] = None,
) -> None:
    """Write a search as one HTML file that needs no network: champion, curve, genealogy, operators, failures."""
    with opened(out) as archive, archive.snapshot():
        text = page(gather(archive, command(archive.run.configuration)))
        path = file or archive.directory / "report.html"
    write_text(path, text)
    console().print(f"{path}: {len(text.encode()) / 1000:,.0f} kB", markup=False, soft_wrap=True)


def command(configuration: Mapping[str, Any]) -> str:
    """The command that starts the same search again."""
    words = ["python", "-m", "evolve", "run"]
    for name in FLAGS:
        # A search that stores no word of guidance has none.
        value = configuration.get(name, "off" if name == "guidance" else None)
        if value is not None:
            words += [f"--{name}", ",".join(value) if isinstance(value, list) else str(value)]
    for objective in configuration.get("objective", ["score"]):
        words += ["--objective", objective] if configuration.get("objective") != ["score"] else []
    for model in configuration.get("llm", []):
        words += ["--llm", model]
    for file in configuration.get("seed_recipe", ()):
        words += ["--seed-recipe", file]
    return shlex.join(words)
