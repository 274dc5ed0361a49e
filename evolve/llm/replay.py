"""Answers of another search, read from its ledger: nothing is asked and nothing is paid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evolve.configuration import RECORDING
from runs.archive import Archive
from runs.calls import Call, Place
from runs.ledger import Ledger

MODELS = "models"
"""Kind of the event that keeps the names of a search's models."""


@dataclass(frozen=True)
class Recording:
    """The calls of a recorded search by place, and the names of its models."""

    models: tuple[str, ...]
    calls: dict[Place, Call]

    @classmethod
    def of(cls, directory: Path) -> Recording:
        """The recording in a search's directory.

        Raises ValueError where there is no search, none with language models, or one whose answers are not stored.
        """
        with Archive.at(directory) as archive:
            named = archive.events(kind=MODELS)
        if not named:
            raise ValueError(f"{RECORDING}{directory}: the search has no language models to replay")
        with Ledger.read(directory) as ledger:
            calls = {call.place: call for call in ledger.calls() if call.state != "started"}
        if any(call.state == "answered" and call.outcome.answer is None for call in calls.values()):
            raise ValueError(
                f"{RECORDING}{directory}: the search kept no answers; accepted: one that ran with --store-prompts"
            )
        return cls(tuple(named[0].detail), calls)

    def call(self, place: Place, name: str) -> Call | None:
        """What the recorded search was answered there by that model."""
        call = self.calls.get(place)
        return call if call is not None and call.name == name else None
