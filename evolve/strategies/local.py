"""Local search: vary the best recipe found so far (White et al., 2005.02960)."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from evolve.history import History, Individual


class LocalSearch:
    """Every proposal varies the incumbent."""

    learns = True

    def parent(self, history: History, pending: Sequence[Individual], random: Random) -> Individual | None:
        ranked = history.ranked
        return ranked[0] if ranked else None
