"""The protocol of strategies."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Protocol

from evolve.history import History, Individual


class Strategy(Protocol):
    """Chooses the individual to vary next.

    The choice may depend on the history, on the parents already chosen for the same generation (`pending`) and
    on the generator passed in, and on nothing else: so the genealogy is the same for any number of workers.
    `learns` says whether it depends on results at all.
    """

    learns: bool

    def parent(self, history: History, pending: Sequence[Individual], random: Random) -> Individual | None:
        """The parent of the next proposal, or None for a recipe drawn from nothing."""
        ...
