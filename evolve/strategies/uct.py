"""UCT over the genealogy (Kocsis and Szepesvari, 2006), with progressive widening (Coulom, 2007).

Each individual is a node below its first parent; published recipes are children of a root. A node's visits
count itself and all its descendants, failures too; its value is the mean rank reward over them, never the
maximum. A node takes another child while it has fewer than `WIDENING * visits ** WIDENING_POWER`; otherwise the
search descends to the child of greatest value plus bonus. Part of the parents are elites of the archive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log, sqrt
from random import Random

from evolve.archive import elites
from evolve.history import History, Individual

EXPLORATION = 0.35
WIDENING, WIDENING_POWER = 2.0, 0.5
ARCHIVE_SHARE = 0.2
PRIOR_VISITS = 1.0
"""Weight of a node's own reward in its value beside the mean over its subtree."""


@dataclass
class _Node:
    individual: Individual | None
    own: float = 0.0
    visits: float = 0.0
    total: float = 0.0
    children: list[_Node] = field(default_factory=list)

    @property
    def value(self) -> float:
        return (self.total + PRIOR_VISITS * self.own) / (self.visits + PRIOR_VISITS)


class TreeSearch:
    """Grow the genealogy where its branches have done well, without forgetting the others."""

    learns = True

    def __init__(self, population: int) -> None:
        self.population = population
        self._tree = _Tree(History({}))

    def parent(self, history: History, pending: Sequence[Individual], random: Random) -> Individual | None:
        if not history.ranked:
            return None
        if random.random() < ARCHIVE_SHARE:
            return random.choice(list(elites(history).values()))
        if not self._tree.is_of(history, pending):
            self._tree = _Tree(history)
        self._tree.expect(pending)
        node = self._tree.root
        while True:
            candidates = [child for child in node.children if child.individual and child.individual.parental]
            open_to_more = len(node.children) < WIDENING * node.visits**WIDENING_POWER
            if node.individual is not None and (open_to_more or not candidates):
                return node.individual
            node = max(candidates, key=lambda child: _bound(child, node))


def _bound(child: _Node, parent: _Node) -> float:
    bonus = EXPLORATION * sqrt(log(max(2.0, parent.visits)) / max(1.0, child.visits))
    return child.value + bonus


class _Tree:
    """The genealogy with visits and rewards summed towards the root; kept while the history stays the same."""

    def __init__(self, history: History) -> None:
        self.history, self.size, self.expected = history, len(history.individuals), 0
        self.root = _Node(None)
        self.nodes: dict[int, _Node] = {}
        rewards = history.rewards()
        for attempt, individual in sorted(history.individuals.items()):
            node = self.nodes[attempt] = _Node(individual, rewards[attempt])
            self._above(node).children.append(node)
            self._visit(node)

    def is_of(self, history: History, pending: Sequence[Individual]) -> bool:
        """Whether the tree is of this history and has seen none but the first of these proposals."""
        return self.history is history and self.size == len(history.individuals) and self.expected <= len(pending)

    def expect(self, pending: Sequence[Individual]) -> None:
        """Count proposals not yet trained as visits that bring what their parent is worth."""
        for individual in pending[self.expected :]:
            self._visit(self.nodes[individual.attempt])
        self.expected = len(pending)

    def _above(self, node: _Node) -> _Node:
        assert node.individual is not None
        return self.nodes[node.individual.parents[0]] if node.individual.parents else self.root

    def _visit(self, node: _Node) -> None:
        reward = node.own
        while True:
            node.visits += 1
            node.total += reward
            if node.individual is None:
                return
            node = self._above(node)
