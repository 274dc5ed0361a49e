"""`lineage` and `diff`: how an attempt came about, and two recipes side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from evolve.commands.inspect import Out, RecipeName, opened
from evolve.display import console, difference_lines, printable, score_line
from evolve.naming import recipe_of, resolve
from runs.genealogy import lineage_lines
from runs.records import Attempt


def lineage(
    attempt: Annotated[int, typer.Argument(help="An attempt's number.")],
    out: Out = None,
) -> None:
    """Show the path from a founder to an attempt: every edit with its gain, and the components at both ends."""
    target = console()
    with opened(out) as archive:
        steps = archive.lineage(attempt)
        ends = list({step.attempt.id: step.attempt for step in (steps[0], steps[-1])}.values())
        target.print(f"attempt {attempt}: {len(steps) - 1} steps from its founder", markup=False)
        for line in lineage_lines(steps):
            target.print(f"  {printable(line)}", markup=False, soft_wrap=True)
        first, last = steps[0].attempt, steps[-1].attempt
        if len(steps) > 1 and first.rung == last.rung and first.score is not None and last.score is not None:
            target.print(f"from end to end: {last.score - first.score:+.4f}")
        for end in ends:
            target.print(f"{printable(_headed(end))}:", markup=False)
            if end.recipe is None:
                target.print(f"  no recipe: {printable(end.reason)}", markup=False)
                continue
            for line in recipe_of(archive, end).lines():
                target.print(f"  {line}", markup=False, soft_wrap=True)


def _headed(attempt: Attempt) -> str:
    return f"attempt {attempt.id} ({' '.join(attempt.label.split()) or attempt.operator})"


def diff(
    left: RecipeName,
    right: Annotated[str, typer.Argument(help="The other one.")],
    out: Out = None,
) -> None:
    """Put two recipes side by side: components in order, scores where they have any."""
    target = console()
    names = resolve(left, lambda: opened(out)), resolve(right, lambda: opened(out))
    for line in difference_lines(*names):
        target.print(line, markup=False)
    searched = [(n.archive, n.archive.attempt(n.attempt)) for n in names if n.archive and n.attempt is not None]
    if len(searched) == 2:
        (archive, one), (_, other) = searched
        if line := score_line(one, other, archive.yardstick):
            target.print(line, soft_wrap=True)
