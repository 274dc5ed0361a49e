"""UCT over the genealogy (Kocsis and Szepesvari, 2006), with progressive widening (Coulom, 2007).

Each individual is a node below its first parent; published recipes are children of a root. A node's visits
count itself and all its descendants, failures too; its value is the mean rank reward over them, never the
maximum. A node takes another child while it has fewer than `WIDENING * visits ** WIDENING_POWER`; otherwise the
search descends to the child of greatest value plus bonus. Part of the parents are elites of the archive.
"""

from __future__ import annotations

from collections import defaultdict
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

    def __init__(self, population: int) -> None:
        self.population = population

    def parent(self, history: History, pending: Sequence[Individual], random: Random) -> Individual | None:
        if not any(individual.parental for individual in history.individuals.values()):
            return None
        if random.random() < ARCHIVE_SHARE:
            return random.choice(list(elites(history).values()))
        node = _tree(history, pending)
        while True:
            candidates = [child for child in node.children if child.individual and child.individual.parental]
            open_to_more = len(node.children) < WIDENING * node.visits**WIDENING_POWER
            if node.individual is not None and (open_to_more or not candidates):
                return node.individual
            node = max(candidates, key=lambda child: _bound(child, node))


def _bound(child: _Node, parent: _Node) -> float:
    assert child.individual is not None
    bonus = EXPLORATION * sqrt(log(max(2.0, parent.visits)) / max(1.0, child.visits))
    return child.value + bonus


def _tree(history: History, pending: Sequence[Individual]) -> _Node:
    """The genealogy as a tree with visits and rewards summed towards the root; pending proposals count as visits."""
    rewards = history.rewards()
    root = _Node(None)
    nodes: dict[int, _Node] = {}
    extra: dict[int, int] = defaultdict(int)
    for individual in pending:
        extra[individual.attempt] += 1
    for attempt in sorted(history.individuals):
        individual = history.individuals[attempt]
        above = nodes[individual.parents[0]] if individual.parents else root
        node = nodes[attempt] = _Node(individual, rewards[attempt])
        above.children.append(node)
    for attempt in sorted(nodes, reverse=True):
        node, individual = nodes[attempt], history.individuals[attempt]
        node.visits += 1 + extra[attempt]
        node.total += rewards[attempt] + extra[attempt] * node.own
        above = nodes[individual.parents[0]] if individual.parents else root
        above.visits += node.visits
        above.total += node.total
    return root
