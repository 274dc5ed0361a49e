"""Bringing a recipe to a parameter budget: the nearest width of a grid, then hidden sizes take up the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evaluators.scales import Scale
from genome.component import Library
from genome.instance import Instance, instantiate
from genome.recipe import Recipe
from genome.values import Sizes

PREFERRED_RATIO = 2.5
"""Hidden size over width that decides between widths: between SwiGLU's 8/3 and two."""

RATIOS = (0.5, 8.0)
"""Hidden sizes stay within these multiples of the width."""


@dataclass(frozen=True, slots=True)
class Fit:
    """An instance and how far its parameter count lies from the budget, as a fraction of it."""

    instance: Instance
    difference: float


def fit(recipe: Recipe, library: Library, scale: Scale, vocabulary: int, *, hidden_step: int = 0) -> Fit:
    """Instantiate the recipe as near to the scale's parameter budget as its sizes allow.

    Widths come from the scale's grid; `hidden_step` replaces the scale's step of hidden sizes (`confirm` uses
    finer ones). Raises RecipeError where the recipe has no instance at any width of the grid.
    """
    step = hidden_step or scale.hidden_step
    budget = scale.parameters

    def at(width: int, hidden: int) -> Instance:
        return instantiate(recipe, library, Sizes(width, hidden, vocabulary, scale.context), scale.depth)

    def preferred(width: int) -> int:
        return max(step, round(PREFERRED_RATIO * width / step) * step)

    width = _nearest(scale.widths, lambda w: at(w, preferred(w)).cost.parameters - budget)
    low, high = (max(step, round(ratio * width / step) * step) for ratio in RATIOS)
    base, top = at(width, low).cost.parameters, at(width, high).cost.parameters
    if top == base or high == low:
        instance = at(width, preferred(width))
    else:
        per_step = (top - base) * step / (high - low)
        hidden = min(high, max(low, low + round((budget - base) / per_step) * step))
        instance = at(width, hidden)
    return Fit(instance, instance.cost.parameters / budget - 1)


def _nearest(widths: tuple[int, ...], excess: Callable[[int], int]) -> int:
    """The width of least absolute excess, by bisection: the excess grows with the width."""
    low, high = 0, len(widths) - 1
    known: dict[int, int] = {}

    def at(index: int) -> int:
        if index not in known:
            known[index] = excess(widths[index])
        return known[index]

    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle) < 0 else (low, middle)
    return widths[min((low, high), key=lambda index: abs(at(index)))]
