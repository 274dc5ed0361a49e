"""The suite for stores: SQLite passes it, and a store that breaks a promise is told which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runs import records
from runs.conformance import store_faults
from runs.store import Store


class Faulty(Store):
    """Breaks a promise with every method that it changes."""

    @classmethod
    def open(cls, directory: str | Path, *, configuration: Mapping[str, Any] | None = None) -> Faulty:
        """Whoever comes may go on, whatever the configuration."""
        return super().open(directory)

    def record_evaluation(
        self, evaluation: records.Evaluation, adjustments: Sequence[records.Adjustment] = ()
    ) -> bool:
        """The last measurement is the only one."""
        with self._transaction():
            self._database.execute("DELETE FROM evaluations WHERE recipe = ?", [evaluation.recipe])
        return super().record_evaluation(evaluation, adjustments)

    def propose(
        self, generation: int, proposals: Sequence[records.Proposal], random_state: Any
    ) -> tuple[int, ...]:
        """Recipes are stored before it is known whether the proposals fit."""
        self.add_recipes([proposal.recipe for proposal in proposals if proposal.recipe])
        return super().propose(generation, proposals, random_state)

    def credit_totals(self) -> list[records.OperatorCredit]:
        """One operator is enough."""
        return super().credit_totals()[:1]


def test_the_sqlite_store_keeps_every_promise(tmp_path: Path) -> None:
    assert store_faults(Store, tmp_path) == []


def test_a_store_that_breaks_promises_is_told_which(tmp_path: Path) -> None:
    found = store_faults(Faulty, tmp_path)
    for fault in (
        "nothing is paid for twice: the second record: True, not False",
        "a write is whole or absent: an unknown parent left its trace in recipes",
        "a generation is summed up: credit in total: {'tune': (1, 3.0)}, not",
        "one writer at a time: another configuration is accepted",
    ):
        assert any(line.startswith(fault) for line in found), (fault, found)
    assert all("\n" not in line for line in found)
