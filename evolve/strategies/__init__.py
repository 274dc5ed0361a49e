"""How a search chooses what to vary next; every strategy has the same budget and the same operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evolve.strategies.local import LocalSearch
from evolve.strategies.protocol import Strategy
from evolve.strategies.random import RandomSearch
from evolve.strategies.regularized import RegularizedEvolution
from evolve.strategies.uct import TreeSearch

_STRATEGIES: Mapping[str, Callable[[int], Strategy]] = {
    "uct": lambda _: TreeSearch(),
    "regularized": RegularizedEvolution,
    "local": lambda _: LocalSearch(),
    "random": lambda _: RandomSearch(),
}


def make_strategy(name: str, population: int) -> Strategy:
    """The strategy of a name, for a population of that size."""
    return _STRATEGIES[name](population)


__all__ = ["Strategy", "make_strategy"]
