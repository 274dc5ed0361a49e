"""What a search notes about itself beside its rows: seed, next attempt, counts of a generation, kinds of edits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from runs.archive import Archive
from runs.records import Attempt


def bookkeeping_problems(archive: Archive) -> Iterator[str]:
    """A line for every note that the rows contradict."""
    run = archive.run
    seed = run.configuration.get("seed", run.seed)
    if seed != run.seed:
        yield f"run: its seed is stored as {run.seed}, its configuration says {seed}"
    attempts = archive.attempts()
    if isinstance(run.random_state, Mapping):
        due = run.random_state.get("next_attempt", len(attempts) + 1)
        if due != len(attempts) + 1:
            yield f"run: its next attempt is stored as {due}, it has {len(attempts)} attempts"
    by_generation: dict[int, list[Attempt]] = {}
    for attempt in attempts:
        by_generation.setdefault(attempt.generation, []).append(attempt)
        yield from _edit_problems(archive, attempt.id)
    for row in archive.generations():
        true = _counts(by_generation.get(row.generation, []))
        for name, count in true.items():
            if row.statistics.get(name, count) != count:
                yield (
                    f"generation {row.generation}: {name} is stored as {row.statistics[name]}, "
                    f"its attempts give {count}"
                )


def _counts(attempts: list[Attempt]) -> dict[str, int]:
    """Counts of a generation but for failures, which release 0.1.0 counted before there were any."""
    counts = Counter(attempt.status for attempt in attempts)
    return {
        "proposed": len(attempts),
        "trained": len(attempts) - counts["duplicate"] - counts["rejected"],
        "duplicate": counts["duplicate"],
        "rejected": counts["rejected"],
    }


def _edit_problems(archive: Archive, number: int) -> Iterator[str]:
    for place, edit in enumerate(archive.edits(number), 1):
        try:
            text: Any = json.loads(edit.edit)
        except ValueError:
            continue  # named where edits are applied
        kind = text.get("kind") if isinstance(text, dict) else None
        if kind is not None and kind != edit.kind:
            yield f"attempt {number}: its edit {place} is stored as {edit.kind}, its text says {kind}"
