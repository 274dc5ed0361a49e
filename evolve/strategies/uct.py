"""Upper confidence bounds over the whole genealogy: the flat tree search of Aygün et al. (2509.06503), on ranks.

Every individual that may be a parent is an arm. Its value is its own reward, which falls with the logarithm of its rank,
so that it tells the first few apart; its visits count itself and all its descendants, failures too, in the line of
first parents. The next parent has the greatest value plus bonus, as in UCT (Kocsis and Szepesvari, 2006), wherever
it stands: a descent from the root by the mean reward of subtrees, with progressive widening, found less with
`tests/benchmarks/landscapes.py`, for most children are worse than their parent and the mean forgets the best of them.
Part of the parents are elites of the archive.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from random import Random

import numpy as np

from evolve.elites import elites
from evolve.history import History, Individual

EXPLORATION = 0.3
ARCHIVE_SHARE = 0.05

ROOT = 0
"""Number of the node above all founders; its visits count everything."""


class TreeSearch:
    """Grow the genealogy where it has done well, without forgetting the rest."""

    learns = True

    def __init__(self) -> None:
        self._tree = _Tree(History({}))

    def parent(self, history: History, pending: Sequence[Individual], random: Random) -> Individual | None:
        if not history.ranked:
            return None
        if self._tree.history is not history:
            self._tree = _Tree(history)
        self._tree.grow()
        if random.random() < ARCHIVE_SHARE:
            return random.choice(self._tree.elites())
        self._tree.expect(pending)
        return self._tree.best()


class _Tree:
    """The genealogy with visits summed towards the root.

    Nodes are numbered in the order of proposal, so that parents come first.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self._elites: list[Individual] = []
        self._individuals: list[Individual] = []
        self._nodes: dict[int, int] = {}
        self._above: list[int] = [ROOT]
        self._visits = np.zeros(1, int)
        self._rewards = np.zeros(1)
        self._expected: list[int] = []

    def grow(self) -> None:
        """Take in what the history has gained, and reward anew: every rank may have moved."""
        new = list(islice(self.history.individuals.values(), len(self._individuals), None))
        if not new:
            return
        for individual in new:
            self._individuals.append(individual)
            self._nodes[individual.attempt] = len(self._above)
            self._above.append(self._nodes[individual.parents[0]] if individual.parents else ROOT)
        visits = [0, *[1] * len(self._individuals)]
        for node in range(len(visits) - 1, ROOT, -1):
            visits[self._above[node]] += visits[node]
        self._visits, self._expected = np.array(visits), []
        ranked = self.history.ranked
        self._rewards = np.full(len(self._above), -np.inf)
        places = np.log1p(np.arange(len(ranked)))
        self._rewards[[self._nodes[own.attempt] for own in ranked]] = 1 - places / np.log1p(len(ranked))
        self._elites = []

    def elites(self) -> list[Individual]:
        """The best of every family, found when they are first asked for."""
        self._elites = self._elites or list(elites(self.history).values())
        return self._elites

    def expect(self, pending: Sequence[Individual]) -> None:
        """Count proposals not yet trained as visits."""
        nodes = [self._nodes[individual.attempt] for individual in pending]
        if nodes[: len(self._expected)] != self._expected:
            self._visit(self._expected, -1)
            self._expected = []
        self._visit(nodes[len(self._expected) :], 1)
        self._expected = nodes

    def best(self) -> Individual:
        """Whom a visit may bring most: by its reward, and a bonus where it was visited little."""
        visits = self._visits
        bonus = np.sqrt(np.log(max(2, visits[ROOT])) / np.maximum(visits, 1))
        return self._individuals[int(np.argmax(self._rewards + EXPLORATION * bonus)) - 1]

    def _visit(self, nodes: Sequence[int], times: int) -> None:
        for node in nodes:
            while node != ROOT:
                self._visits[node] += times
                node = self._above[node]
            self._visits[ROOT] += times
