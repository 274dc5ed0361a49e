"""Small recipes of library components, and batches of random tokens for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backends.batch import IGNORED, Batch
from cognition.loader import load_library
from genome.expressions import Scalar
from genome.instance import Instance, instantiate
from genome.recipe import Block, Gene, Recipe
from genome.values import Sizes

SIZES = Sizes(width=16, hidden=32, vocabulary=11, context=12)
DECODED = Sizes(width=16, hidden=32, vocabulary=24, context=64)
"""Sizes at which decoding passes every window and filter of the library."""


def gene(component: str, **settings: Scalar) -> Gene:
    return Gene(component=component, settings=settings)


def block(
    *branches: Sequence[str | Gene], merge: str = "", residual: str = "add_residual", repeat: int = 1
) -> Block:
    return Block(
        branches=tuple(tuple(g if isinstance(g, Gene) else gene(g) for g in branch) for branch in branches),
        merge=gene(merge) if merge else None,
        residual=gene(residual) if residual else None,
        repeat=repeat,
    )


def recipe(
    *blocks: Block,
    embedding: Sequence[str] = ("token_embedding",),
    head: Sequence[str] = ("rms_norm", "linear_head"),
    training: Gene | None = None,
) -> Recipe:
    return Recipe(
        embedding=tuple(map(gene, embedding)),
        blocks=blocks,
        head=tuple(map(gene, head)),
        training=training or gene("adamw"),
    )


def small(made: Recipe, depth: int = 1) -> Instance:
    """The recipe at tiny sizes."""
    return instantiate(made, load_library(), SIZES, depth)


def random_batches(count: int, seed: int = 0, size: int = 2) -> list[Batch]:
    """Batches of random tokens; one in five targets does not count."""
    random = np.random.default_rng(seed)
    shape = (count, size, SIZES.context)
    inputs = random.integers(0, SIZES.vocabulary, shape, dtype=np.int32)
    targets = random.integers(0, SIZES.vocabulary, shape, dtype=np.int32)
    targets[random.random(shape) < 0.2] = IGNORED
    return [Batch(*pair) for pair in zip(inputs, targets, strict=True)]
