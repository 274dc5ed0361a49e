"""The genealogy as a reader sees it."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runs.genealogy import lineage_lines, tree, tree_lines
from runs.records import Ancestry, Attempt, Edit, LineageStep


def ancestry(number: int, *parents: int, score: float | None = 0.5, **changes: Any) -> Ancestry:
    status = "evaluated" if score is not None else "failed"
    values: dict[str, Any] = {
        "generation": 0,
        "operator": "set",
        "edits": "",
        "status": status,
        "gain": None,
    } | changes
    return Ancestry(attempt=number, parents=parents, score=score, **values)


def test_attempts_hang_under_their_best_parent() -> None:
    rows = [
        ancestry(1, score=0.5, operator="seed"),
        ancestry(2, score=0.75, operator="seed"),
        ancestry(3, 1, 2, score=0.8, gain=0.05, generation=1, operator="crossover", edits="graft block 1\nof #1"),
        ancestry(4, 2, score=None, generation=1),
        ancestry(5, 3, score=0.7, gain=-0.1, generation=2),
    ]
    assert list(tree_lines(tree(rows))) == [
        "#1  g0  seed  0.5000",
        "#2  g0  seed  0.7500",
        "├─ #3  g1  crossover  0.8000 (+0.0500)  graft block 1 of #1  (with #1)",
        "│  └─ #5  g2  set  0.7000 (-0.1000)",
        "└─ #4  g1  set  failed",
    ]


def test_keeping_a_part_hangs_attempts_under_a_kept_parent() -> None:
    rows = [ancestry(1), ancestry(2, score=0.9), ancestry(3, 1, 2), ancestry(4, 3)]
    assert list(tree_lines(tree(rows, keep={1, 3}))) == [
        "#1  g0  set  0.5000",
        "└─ #3  g0  set  0.5000  (with #2)",
    ]
    assert list(tree_lines(tree(rows, keep={4}))) == ["#4  g0  set  0.5000  (from #3)"]
    assert list(tree_lines(tree([]))) == []


@st.composite
def genealogies(draw: st.DrawFn) -> list[Ancestry]:
    rows = [ancestry(1)]
    for number in range(2, draw(st.integers(2, 30))):
        parents = draw(st.lists(st.integers(1, number - 1), max_size=3))
        rows.append(ancestry(number, *parents, score=draw(st.none() | st.floats(0, 1))))
    return rows


@settings(deadline=None)
@given(genealogies())
def test_every_attempt_is_drawn_once_below_its_best_parent(rows: list[Ancestry]) -> None:
    scores = {row.attempt: -1.0 if row.score is None else row.score for row in rows}
    drawn = tree(rows)
    for number, below in drawn.items():
        for row in below:
            if number is None:
                assert not row.parents
            else:
                assert number in row.parents
                assert scores[number] == max(scores[parent] for parent in row.parents)
    numbers = [int(re.search(r"#(\d+)", line)[1]) for line in tree_lines(drawn)]  # type: ignore[index]
    assert sorted(numbers) == [row.attempt for row in rows]


def test_a_line_of_thousands_of_generations_is_drawn() -> None:
    rows = [ancestry(1)] + [ancestry(number, number - 1) for number in range(2, 5001)]
    lines = list(tree_lines(tree(rows)))
    assert len(lines) == 5000
    assert lines[-1].endswith("└─ #5000  g0  set  0.5000")


def test_a_lineage_lists_each_edit() -> None:
    values: dict[str, Any] = dict.fromkeys(Attempt.__dataclass_fields__)
    founder = Attempt(
        **values | {"id": 1, "generation": 0, "operator": "seed", "status": "evaluated", "score": 0.5}
    )
    child = Attempt(**values | {"id": 7, "generation": 3, "operator": "set", "status": "screened", "score": 0.75})
    steps = [
        LineageStep(founder, (), None),
        LineageStep(child, (Edit("set", "{}", "set heads to 4"), Edit("move", "{}", "move\nblock 2")), 0.25),
    ]
    assert lineage_lines(steps) == [
        "#1  g0  seed  0.5000",
        "#7  g3  set  0.7500 (+0.2500) screened",
        "    set heads to 4",
        "    move block 2",
    ]
