"""Random search: the baseline that every other strategy must beat at equal budget (1902.07638)."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from evolve.history import History, Individual


class RandomSearch:
    """Every proposal is drawn afresh from the space of recipes."""

    learns = False

    def parent(self, history: History, pending: Sequence[Individual], random: Random) -> Individual | None:
        return None
