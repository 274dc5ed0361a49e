"""Bringing a recipe to a parameter budget: the nearest width of a grid, then hidden sizes take up the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evaluators.scales import Scale
from genome.component import Library
from genome.errors import RecipeError
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

    The width comes from the scale's grid. Hidden sizes then take up the rest in steps of `hidden_step` (0: the
    scale's own; `confirm` uses finer ones). A recipe without hidden sizes moves its width instead, in steps of
    a quarter of that, past the widths that its heads do not divide. Raises RecipeError where it has no instance.
    """
    step = hidden_step or scale.hidden_step
    budget = scale.parameters

    def at(width: int, hidden: int) -> Instance:
        return instantiate(recipe, library, Sizes(width, hidden, vocabulary, scale.context), scale.depth)

    def multiple(width: int, ratio: float) -> int:
        return max(step, round(ratio * width / step) * step)

    def excess(width: int, hidden: int) -> int:
        return at(width, hidden).cost.parameters - budget

    width = _nearest(scale.widths, lambda w: excess(w, multiple(w, PREFERRED_RATIO)))
    low, high = (multiple(width, ratio) for ratio in RATIOS)
    if excess(width, low) < excess(width, high):
        hidden = _nearest(range(low, high + 1, step), lambda h: excess(width, h))
    else:
        hidden = multiple(width, PREFERRED_RATIO)
        between = _around(width, scale.widths, max(1, step // 4))
        width = _nearest([w for w in between if _exists(at, w, hidden)], lambda w: excess(w, hidden))
    instance = at(width, hidden)
    return Fit(instance, instance.cost.parameters / budget - 1)


def _exists(at: Callable[[int, int], Instance], width: int, hidden: int) -> bool:
    try:
        at(width, hidden)
    except RecipeError:
        return False
    return True


def _around(width: int, widths: Sequence[int], step: int) -> Sequence[int]:
    """Widths between the neighbours of one on the grid."""
    index = widths.index(width)
    return range(widths[max(0, index - 1)], widths[min(len(widths) - 1, index + 1)] + 1, step)


def _nearest(sizes: Sequence[int], excess: Callable[[int], int]) -> int:
    """The size of least absolute excess, by bisection: the excess grows with the size."""
    low, high = 0, len(sizes) - 1
    known: dict[int, int] = {}

    def at(index: int) -> int:
        if index not in known:
            known[index] = excess(sizes[index])
        return known[index]

    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle) < 0 else (low, middle)
    return sizes[min((low, high), key=lambda index: abs(at(index)))]
