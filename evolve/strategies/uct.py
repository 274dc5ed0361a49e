"""UCT over the genealogy (Kocsis and Szepesvari, 2006), with progressive widening (Coulom, 2007).

Each individual is a node below its first parent; published recipes are children of a root. A node's visits
count itself and all its descendants, failures too; its value is the mean reward over them, never the maximum. The
reward falls with the logarithm of the rank, so that it tells the first few apart. A node takes another child while it
has fewer than `WIDENING * visits ** WIDENING_POWER`; otherwise the search descends to the child of greatest value plus
bonus. Part of the parents are elites of the archive.

The constants are those that found most of what was tried with `tests/benchmarks/landscapes.py`: a narrow tree that
follows a branch down before it opens another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice
from math import log, log1p, sqrt
from random import Random

from evolve.elites import elites
from evolve.history import History, Individual

EXPLORATION = 0.1
WIDENING, WIDENING_POWER = 0.5, 0.5
ARCHIVE_SHARE = 0.05
PRIOR_VISITS = 1.0
"""Weight of a node's own reward in its value beside the mean over its subtree."""


class TreeSearch:
    """Grow the genealogy where its branches have done well, without forgetting the others."""

    learns = True

    def __init__(self, population: int) -> None:
        self.population = population
        self._tree = _Tree(History({}))

    def parent(self, history: History, pending: Sequence[Individual], random: Random) -> Individual | None:
        if not history.ranked:
            return None
        if self._tree.history is not history:
            self._tree = _Tree(history)
        tree = self._tree
        tree.grow()
        if random.random() < ARCHIVE_SHARE:
            return random.choice(tree.elites)
        tree.expect(pending)
        node = ROOT
        while True:
            children = tree.children[node]
            candidates = [child for child in children if tree.individuals[child].parental]
            open_to_more = len(children) < WIDENING * tree.visits[node] ** WIDENING_POWER
            if node != ROOT and (open_to_more or not candidates):
                return tree.individuals[node]
            node = max(candidates, key=partial(tree.bound, node))


UNIT = 1 << 20
"""The greatest reward."""

ROOT = 0
"""Number of the node above all founders."""


class _Tree:
    """The genealogy with visits and rewards summed towards the root.

    Nodes are numbered in the order of proposal, so that parents come first. An individual's reward follows from its
    rank. Rewards are whole numbers: sums do not depend on their order.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self.individuals: dict[int, Individual] = {}
        self.elites: list[Individual] = []
        self.children: list[list[int]] = [[]]
        self.visits: list[int] = []
        self._nodes: dict[int, int] = {}
        self._above: list[int] = [ROOT]
        self._own: list[int] = []
        self._total: list[int] = []
        self._expected: list[int] = []

    def grow(self) -> None:
        """Take in what the history has gained, and sum up anew: every rank may have moved."""
        if len(self._nodes) == len(self.history.individuals):
            return
        for attempt, individual in islice(self.history.individuals.items(), len(self._nodes), None):
            node = self._nodes[attempt] = len(self.children)
            above = self._nodes[individual.parents[0]] if individual.parents else ROOT
            self.individuals[node] = individual
            self.children.append([])
            self.children[above].append(node)
            self._above.append(above)
        ranked = self.history.ranked
        self.elites = list(elites(self.history).values())
        self._own = [0] * len(self.children)
        for place, individual in enumerate(ranked):
            reward = 1.0 - log1p(place) / log1p(len(ranked))
            self._own[self._nodes[individual.attempt]] = round(UNIT * reward)
        self.visits, self._total = [1] * len(self.children), self._own.copy()
        self.visits[ROOT] = 0
        for node in range(len(self.children) - 1, ROOT, -1):
            above = self._above[node]
            self.visits[above] += self.visits[node]
            self._total[above] += self._total[node]
        self._expected = []

    def expect(self, pending: Sequence[Individual]) -> None:
        """Count proposals not yet trained as visits that bring what their parent is worth."""
        nodes = [self._nodes[individual.attempt] for individual in pending]
        if nodes[: len(self._expected)] != self._expected:
            for node in self._expected:
                self._visit(node, -1)
            self._expected = []
        for node in nodes[len(self._expected) :]:
            self._visit(node, 1)
        self._expected = nodes

    def bound(self, parent: int, child: int) -> float:
        """What a visit of a child may bring: its value, and a bonus where it was visited little."""
        value = (self._total[child] + PRIOR_VISITS * self._own[child]) / (self.visits[child] + PRIOR_VISITS)
        bonus = EXPLORATION * sqrt(log(max(2.0, self.visits[parent])) / max(1.0, self.visits[child]))
        return value / UNIT + bonus

    def _visit(self, node: int, times: int) -> None:
        reward = times * self._own[node]
        while node != ROOT:
            self.visits[node] += times
            self._total[node] += reward
            node = self._above[node]
        self.visits[ROOT] += times
