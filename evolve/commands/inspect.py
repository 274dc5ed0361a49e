"""`status`, `best`, `show`, `tree`: what a search has found, read without disturbing it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from evolve.commands.importing import print_best, print_program
from evolve.display import best_table, console, printable, tie_line
from evolve.naming import resolve
from evolve.output import write_text
from evolve.session import SEARCHES, stored_library
from runs.archive import Archive
from runs.database import DATABASE_NAME
from runs.export import FORMATS
from runs.genealogy import lineage_lines, tree_lines
from runs.genealogy import tree as genealogy_tree
from runs.imported.store import ImportedRun
from runs.records import Attempt
from runs.store import Store

Out = Annotated[Path | None, typer.Option(help="Directory of the search (default: the latest under searches/).")]
RecipeName = Annotated[str, typer.Argument(help="An attempt's number, a published name, or a recipe's JSON file.")]


def located(out: Path | None) -> Path:
    """The directory of a search, by default of the latest one. Raises ValueError where there is none."""
    if out is None:
        found = sorted(SEARCHES.glob(f"*/{DATABASE_NAME}"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise ValueError(f"no search under {SEARCHES}/; name one with --out DIR or start one with `run`")
        return found[-1].parent
    if ImportedRun.exists(out):
        raise ValueError(f"{out}: holds an imported run, which has no recipes; accepted: tree, best, show NUMBER")
    if not (out / DATABASE_NAME).is_file():
        raise ValueError(f"{out}: holds no search (no {DATABASE_NAME} in it)")
    return out


def opened(out: Path | None) -> Archive:
    """The search in a directory, or the latest one. Raises ValueError where there is none."""
    return Store.read(located(out))


def status(out: Out = None) -> None:
    """Say how far a search is, what its attempts became and what each operator achieved."""
    archive = opened(out)
    run, target = archive.run, console()
    counts = ", ".join(f"{count} {name}" for name, count in sorted(archive.status_counts().items()))
    target.print(
        f"{archive.directory}: {run.status}, {archive.generation_count()} of {run.generations} generations"
    )
    target.print(f"attempts: {archive.attempt_count()} ({counts})")
    seconds = [evaluation.total_seconds or 0.0 for evaluation in archive.evaluations()]
    target.print(f"evaluations: {len(seconds)}, {sum(seconds) / 60:.1f} worker minutes")
    table = Table("operator", "attempts", "improved", "gain", "training FLOPs")
    totals = archive.credit_totals()
    for own in totals:
        table.add_row(
            own.operator, f"{own.attempts}", f"{own.improved}", f"{own.gain:.4f}", f"{own.cost_flops:.2e}"
        )
    if totals:
        target.print(table)
    if line := tie_line(archive):
        target.print(line, soft_wrap=True)


def best(out: Out = None, count: Annotated[int, typer.Option(min=1, help="How many.")] = 10) -> None:
    """List the best fully trained attempts, and which of them tie with the first."""
    if out is not None and ImportedRun.exists(out):
        with ImportedRun.at(out) as run:
            print_best(run, count)
        return
    archive, target = opened(out), console()
    target.print(best_table(archive, count))
    if line := tie_line(archive):
        target.print(line, soft_wrap=True)


def show(
    recipe: RecipeName,
    out: Out = None,
    source: Annotated[bool, typer.Option("--source", help="Print the components' source too.")] = False,
) -> None:
    """Show a recipe as an ordered list of components, with its lineage where it has one."""
    if out is not None and recipe.isdecimal() and ImportedRun.exists(out):
        with ImportedRun.at(out) as run:
            print_program(run, int(recipe), source)
        return
    target = console()
    named = resolve(recipe, lambda: opened(out))
    library = stored_library(named.archive)
    target.print(named.name, markup=False)
    for line in named.recipe.lines():
        target.print(f"  {line}", markup=False)
    if named.attempt is not None and named.archive is not None:
        _print_attempt(named.archive, named.archive.attempt(named.attempt))
    if source:
        for name in dict.fromkeys(gene.component for _, gene in named.recipe.genes()):
            target.print(f"\n{library[name].source}", markup=False)


def _print_attempt(archive: Archive, attempt: Attempt) -> None:
    target = console()
    for evaluation in archive.evaluations(attempt=attempt.id):
        loss = (
            "-" if evaluation.loss is None else f"{evaluation.loss:.4f} nats, accuracy {evaluation.accuracy:.3f}"
        )
        target.print(
            f"  {evaluation.task}, rung {evaluation.rung}, seed {evaluation.seed}: {loss} {evaluation.reason}"
        )
    target.print("lineage:")
    for line in lineage_lines(archive.lineage(attempt.id)):
        target.print(f"  {line}", markup=False)


def tree(
    out: Out = None,
    format_: Annotated[str, typer.Option("--format", help="text, dot or graphml.")] = "text",
    file: Annotated[Path | None, typer.Option("--file", "-o", help="Write to this file.")] = None,
) -> None:
    """Draw the genealogy, every attempt under its best parent; or export it as a graph with every parent."""
    if format_ != "text" and format_ not in FORMATS:
        raise ValueError(f"--format {format_}: unknown; accepted: text, {', '.join(FORMATS)}")
    with ImportedRun.at(out) if out is not None and ImportedRun.exists(out) else opened(out) as run:
        rows = run.genealogy()
    if format_ == "text":
        text = "".join(f"{line}\n" for line in tree_lines(genealogy_tree(rows)))
    else:
        text = FORMATS[format_](rows)
    if file is None or format_ == "text":
        text = printable(text)
    if file is None:
        console().out(text, highlight=False, end="")
    else:
        write_text(file, text)
