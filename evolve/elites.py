"""The best individual of every family, so that a search cannot collapse into one of them."""

from __future__ import annotations

from math import log2

from evolve.history import History, Individual

Cell = tuple[str, int]


def cell(individual: Individual) -> Cell:
    """Family of mixers, and size of the decoding state in steps of a factor of sixteen."""
    return individual.family, int(log2(max(1, individual.state_bytes)) // 4)


def elites(history: History) -> dict[Cell, Individual]:
    """The best individual of every cell, best cells first."""
    best: dict[Cell, Individual] = {}
    for individual in history.ranked:
        best.setdefault(cell(individual), individual)
    return best
