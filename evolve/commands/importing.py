"""`import`: runs of other programs, read for inspection; `tree`, `best` and `show` of what was imported."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from evolve.display import console, printable
from evolve.session import SEARCHES
from runs.genealogy import attempt_line
from runs.imported import asi_arch
from runs.imported.records import Parent, Program, Result
from runs.imported.store import IMPORTED_NAME, ImportedRun, write_run

app = typer.Typer(
    help="Read a run of another program for inspection; its programs stay text.", no_args_is_help=True
)


@app.callback()
def _group() -> None:
    """A single command would else stand for the group."""


@app.command("asi-arch")
def asi_arch_(
    file: Annotated[Path, typer.Argument(help="A JSON array, JSON lines, or a folder of .json files.")],
    out: Annotated[
        Path | None, typer.Option(help="Directory to make (default: the file's name under searches/).")
    ] = None,
) -> None:
    """Read a recorded ASI-Arch run (arXiv 2507.18074): its genealogy, scores and texts. Nothing is executed."""
    directory = SEARCHES / file.resolve().stem if out is None else out
    write_run(directory, asi_arch.FORMAT, file, lambda: asi_arch.entries(file), version("archevolve"))
    with ImportedRun.at(directory) as run:
        counts = run.counts()
    told = f"{counts['programs']} programs, {counts['scored']} with a score"
    if counts["missing"]:
        told += f"; parents not in the file: {counts['missing']}"
    if counts["descendant"]:
        told += f"; parents that descend from their child: {counts['descendant']}"
    console().print(printable(f"{directory / IMPORTED_NAME}: {told}"), markup=False, soft_wrap=True)


def print_best(run: ImportedRun, count: int) -> None:
    """The best programs of an imported run as a table."""
    columns = ("program", "generation", "score", "loss", "benchmark", "parameters", "name", "title")
    table = Table(*columns)
    for row in run.leaderboard(count):
        table.add_row(*(_cell(row[column]) for column in columns))
    console().print(table)


def print_program(run: ImportedRun, number: int, source: bool) -> None:
    """One program: texts, results, lineage, and its source where that is wanted."""
    program = run.program(number)
    line = run.lineage(number)
    drawn = [
        attempt_line(row, above) for above, row in zip([None, *(r.attempt for r in line)], line, strict=False)
    ]
    for told in (*_head_lines(program), "lineage:", *(f"  {one}" for one in drawn)):
        console().print(printable(told), markup=False, soft_wrap=True)
    if source:
        console().print(f"\n{printable(program.entry.texts['program'])}", markup=False)


def _head_lines(program: Program) -> list[str]:
    entry, texts = program.entry, program.entry.texts
    title = f" ({texts['title']})" if texts["title"] else ""
    lines = [f"program {program.place.number}: {' '.join(entry.name.split())}{title}"]
    lines.append(f"  score: {'none' if entry.score is None else f'{entry.score:.4f}'}")
    lines += [f"  parent {parent.named}: {_told(parent)}" for parent in program.place.parents if parent.problem]
    lines += [
        f"  {column}: {texts[column]}" for column in texts if column not in ("title", "program") and texts[column]
    ]
    by_split: dict[str, list[Result]] = {}
    for result in entry.results:
        by_split.setdefault(result.split, []).append(result)
    for split, results in by_split.items():
        told = ", ".join(f"{one.name} {one.text}" if one.name else one.text for one in results)
        lines.append(f"  {split or 'result'}: {told}")
    return lines


def _told(parent: Parent) -> str:
    return "not in the file" if parent.problem == "missing" else "descends from this program"


def _cell(value: str | float | None) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return "" if value is None else escape(printable(" ".join(str(value).split())))
