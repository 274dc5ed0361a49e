"""A search's yardstick: tables, rows, and how two yardsticks differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isclose
from typing import Any

from evaluators.scores import Noise, Reference, Yardstick
from runs.encoding import Value

TABLES = """
CREATE TABLE yardstick (
    id INTEGER PRIMARY KEY CONSTRAINT one_yardstick_per_search CHECK (id = 1),
    recipe TEXT NOT NULL,
    seeds INTEGER NOT NULL CONSTRAINT noise_needs_two_seeds CHECK (seeds >= 2),
    noise REAL NOT NULL CONSTRAINT noise_is_finite_and_not_negative CHECK (noise >= 0 AND noise < 9e999)
) STRICT;

CREATE TABLE yardstick_tasks (
    task TEXT PRIMARY KEY NOT NULL,
    chance REAL NOT NULL CONSTRAINT chance_is_finite_and_positive CHECK (chance > 0 AND chance < 9e999),
    loss REAL NOT NULL CONSTRAINT loss_is_finite_and_not_negative CHECK (loss >= 0 AND loss < 9e999),
    noise REAL NOT NULL CONSTRAINT noise_is_finite_and_not_negative CHECK (noise >= 0 AND noise < 9e999)
) STRICT;

DROP VIEW leaderboard;
CREATE VIEW leaderboard AS
SELECT
    row_number() OVER (ORDER BY score DESC, id) AS rank,
    id AS attempt,
    generation,
    label,
    family,
    score,
    max(score) OVER () - score <= 2 * (SELECT noise FROM yardstick) AS tie,
    operator,
    parameters,
    state_bytes,
    substr(recipe, 1, 12) AS recipe
FROM attempts
WHERE status = 'evaluated'
ORDER BY score DESC, id;
"""


def yardstick_rows(yardstick: Yardstick) -> dict[str, list[dict[str, Any]]]:
    """Rows by table."""
    noise = yardstick.noise
    whole = {"id": 1, "recipe": yardstick.name, "seeds": noise.seeds, "noise": noise.score}
    tasks = [
        {"task": task, "chance": reference.chance, "loss": reference.loss, "noise": noise.tasks[task]}
        for task, reference in yardstick.references.items()
    ]
    return {"yardstick": [whole], "yardstick_tasks": tasks}


def yardstick_of_rows(whole: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> Yardstick:
    """The yardstick of its rows. Raises ScoreError for references that are none."""
    references = {row["task"]: Reference(row["chance"], row["loss"]) for row in tasks}
    noise = Noise(whole["noise"], {row["task"]: row["noise"] for row in tasks}, whole["seeds"])
    return Yardstick(whole["recipe"], references, noise)


def yardstick_differences(stored: Yardstick, found: Yardstick) -> list[tuple[str, Value, Value]]:
    """(name, stored, found) of every value that differs by more than rounding; None where there is none."""
    one, other = _values(stored), _values(found)
    compared = ((name, one.get(name), other.get(name)) for name in {**one, **other})
    return [(name, before, after) for name, before, after in compared if not _same(before, after)]


def _values(yardstick: Yardstick) -> dict[str, Value]:
    noise = yardstick.noise
    values: dict[str, Value] = {"recipe": yardstick.name, "seeds": noise.seeds, "noise": noise.score}
    for task, reference in yardstick.references.items():
        values[f"chance loss on {task}"] = reference.chance
        values[f"reference loss on {task}"] = reference.loss
        values[f"noise on {task}"] = noise.tasks[task]
    return values


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, str | None) or isinstance(other, str | None):
        return one == other
    return isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
