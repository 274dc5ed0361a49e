"""The genealogy as text: a tree of attempts under their best parents, and the lineage of one attempt."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from runs.records import Ancestry, LineageStep

Tree = Mapping[int | None, Sequence[Ancestry]]
"""The attempts below each attempt that has any, by number; the roots are below None."""


def tree(rows: Iterable[Ancestry], keep: Collection[int] | None = None) -> Tree:
    """The forest of `rows`, each attempt under the parent with the best score (the first among equals).

    With `keep`, only those attempts: one whose best parent is left out hangs under its best kept parent, or
    is a root.
    """
    kept = {row.attempt: row for row in rows if keep is None or row.attempt in keep}
    below: dict[int | None, list[Ancestry]] = {}
    for row in kept.values():
        below.setdefault(_best_parent(row, kept), []).append(row)
    return below


def _best_parent(row: Ancestry, kept: Mapping[int, Ancestry]) -> int | None:
    if len(row.parents) == 1:
        return row.parents[0] if row.parents[0] in kept else None
    known = [parent for parent in row.parents if parent in kept]
    return max(known, key=lambda parent: _score(kept[parent]), default=None)


def tree_lines(drawn: Tree) -> Iterator[str]:
    """The forest, a line per attempt; a crossover's further parents are named at the end of its line.

    Lines of a deep tree are long: whoever takes them one by one needs no memory for all.
    """
    # Attempts with what stands left of them and of those below them, which siblings but the last have in common.
    stack: list[tuple[Ancestry, str, str, int | None]] = [(r, "", "", None) for r in reversed(drawn.get(None, ()))]
    while stack:
        row, before, inner, parent = stack.pop()
        yield before + attempt_line(row, parent)
        number = row.attempt
        if number in drawn:
            *others, last = drawn[number]
            stack.append((last, inner + "└─ ", inner + "   ", number))
            if others:
                corner, bar = inner + "├─ ", inner + "│  "
                stack += [(other, corner, bar, number) for other in reversed(others)]


def attempt_line(row: Ancestry, parent: int | None = None) -> str:
    """One attempt as one line; its parents other than `parent`, under which it is drawn, come last."""
    line = f"#{row.attempt}  g{row.generation}  {row.operator}  {_outcome(row.status, row.score, row.gain)}"
    if row.edits:
        line = f"{line}  {' '.join(row.edits.split())}"
    # Most have one parent, under which they stand.
    if row.parents != (parent,) and (others := [f"#{n}" for n in dict.fromkeys(row.parents) if n != parent]):
        line = f"{line}  ({'from' if parent is None else 'with'} {', '.join(others)})"
    return line


def lineage_lines(steps: Iterable[LineageStep]) -> list[str]:
    """A lineage, oldest first: a line per attempt, and an indented line per edit that made it."""
    lines = []
    for step in steps:
        attempt = step.attempt
        parts = [f"#{attempt.id}", f"g{attempt.generation}", attempt.operator]
        parts.append(_outcome(attempt.status, attempt.score, step.gain))
        if attempt.label and not step.edits:
            parts.append(attempt.label)
        lines.append("  ".join(parts))
        lines += [f"    {' '.join(edit.description.split())}" for edit in step.edits]
    return lines


def _outcome(status: str, score: float | None, gain: float | None) -> str:
    if score is None:
        return status
    shown = f"{score:.4f}" if gain is None else f"{score:.4f} ({gain:+.4f})"
    return shown if status == "evaluated" else f"{shown} {status}"


def _score(row: Ancestry) -> float:
    return float("-inf") if row.score is None else row.score
