"""The order of a recipe's bodies: which mixers and channel mixers follow each other, and which stand side by side.

The body components of a stack are its mixers and channel mixers; norms, positions and residuals are passed over.
Order is part of everything here: "a > b" is another span than "b > a".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from typing import Literal

from genome.recipe import Block, Branch, Recipe

BODY_KINDS = ("mixer", "channel")
SPANS = (2, 3)
"""Lengths of the spans that are told apart, in steps."""

REPEATS_SEEN = max(SPANS)
"""More repetitions of a block make no further neighbours and no further spans."""

Arrangement = Literal["before", "beside"]
Kinds = Mapping[str, str]
"""Kinds of components by name."""


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """Two neighbours: `first` directly before `second` in the stack, or beside it in parallel branches.

    Side by side there is no order, and the names are sorted.
    """

    first: str
    second: str
    arrangement: Arrangement = "before"

    def __str__(self) -> str:
        return f"{self.first} {'>' if self.arrangement == 'before' else '|'} {self.second}"


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Bodies around a place of a recipe: those directly before it, directly after it and beside it."""

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    def pairs(self, name: str) -> tuple[Pair, ...]:
        """The pairs that a component makes in this place."""
        return (
            *(Pair(other, name) for other in self.before),
            *(Pair(name, other) for other in self.after),
            *(_beside(name, other) for other in self.beside),
        )


def bodies(branch: Branch, kinds: Kinds) -> tuple[str, ...]:
    """Names of a branch's mixers and channel mixers, in order."""
    return tuple(gene.component for gene in branch if kinds.get(gene.component) in BODY_KINDS)


def starts(blocks: Iterable[Block], kinds: Kinds) -> tuple[str, ...]:
    """The first bodies of a sequence of blocks: one for each branch of the first block that has any."""
    for block in blocks:
        if found := [names[0] for branch in block.branches if (names := bodies(branch, kinds))]:
            return tuple(found)
    return ()


def ends(blocks: Sequence[Block], kinds: Kinds) -> tuple[str, ...]:
    """The last bodies of a sequence of blocks: one for each branch of the last block that has any."""
    for block in reversed(blocks):
        if found := [names[-1] for branch in block.branches if (names := bodies(branch, kinds))]:
            return tuple(found)
    return ()


def around_block(recipe: Recipe, position: int, kinds: Kinds) -> Neighbours:
    """The bodies between which a new block comes to stand at a position."""
    return Neighbours(ends(recipe.blocks[:position], kinds), starts(recipe.blocks[position:], kinds))


def around_gene(recipe: Recipe, place: tuple[int, int, int], kinds: Kinds, *, replaced: bool) -> Neighbours:
    """The bodies next to a place (block, branch, index): of a new gene there, or of the one that is replaced."""
    position, number, index = place
    block = recipe.blocks[position]
    own = block.branches[number]
    beside = [name for n, branch in enumerate(block.branches) if n != number for name in bodies(branch, kinds)]
    before = bodies(own[:index], kinds)[-1:] or ends(recipe.blocks[:position], kinds)
    after = bodies(own[index + replaced :], kinds)[:1] or starts(recipe.blocks[position + 1 :], kinds)
    return Neighbours(before, after, tuple(beside))


def around_branch(recipe: Recipe, position: int, kinds: Kinds) -> Neighbours:
    """The bodies next to a new parallel branch of a block."""
    beside = (name for branch in recipe.blocks[position].branches for name in bodies(branch, kinds))
    before, after = recipe.blocks[:position], recipe.blocks[position + 1 :]
    return Neighbours(ends(before, kinds), starts(after, kinds), tuple(beside))


def junction(left: Sequence[Block], right: Sequence[Block], kinds: Kinds) -> tuple[Pair, ...]:
    """The pairs where one sequence of blocks follows another."""
    return tuple(Pair(*names) for names in product(ends(left, kinds), starts(right, kinds)))


def pairs(recipe: Recipe, kinds: Kinds) -> frozenset[Pair]:
    """Every pair of neighbours in a recipe."""
    found: set[Pair] = set()
    blocks = _unrolled(recipe)
    for block in blocks:
        branches = [bodies(branch, kinds) for branch in block.branches]
        found.update(Pair(*names) for names in branches for names in pairwise(names))
        for left, right in combinations(branches, 2):
            found.update(_beside(one, other) for one, other in product(left, right))
    filled = [block for block in blocks if starts((block,), kinds)]
    for left, right in pairwise(filled):
        found.update(junction((left,), (right,), kinds))
    return frozenset(found)


def steps(recipe: Recipe, kinds: Kinds) -> tuple[str, ...]:
    """The bodies in order; a block of several branches with bodies is one step, such as "(a>b | c)"."""
    found: list[str] = []
    for block in _unrolled(recipe):
        branches = [names for branch in block.branches if (names := bodies(branch, kinds))]
        if len(branches) > 1:
            found.append(f"({' | '.join('>'.join(names) for names in branches)})")
        else:
            found.extend(name for names in branches for name in names)
    return tuple(found)


def spans(recipe: Recipe, kinds: Kinds) -> frozenset[tuple[str, ...]]:
    """Ordered configurations: every run of two or three steps of a recipe."""
    row = steps(recipe, kinds)
    return frozenset(row[start : start + length] for length in SPANS for start in range(len(row) - length + 1))


@dataclass(frozen=True, slots=True)
class Composition:
    """What a recipe is made of, apart from settings: its components, blocks with repeats, neighbours and spans."""

    components: frozenset[str]
    depth: int
    pairs: frozenset[Pair]
    spans: frozenset[tuple[str, ...]]

    @classmethod
    def of(cls, recipe: Recipe, kinds: Kinds) -> Composition:
        components = frozenset(gene.component for _, gene in recipe.genes())
        return cls(
            components, sum(block.repeat for block in recipe.blocks), pairs(recipe, kinds), spans(recipe, kinds)
        )


def _beside(one: str, other: str) -> Pair:
    return Pair(min(one, other), max(one, other), "beside")


def _unrolled(recipe: Recipe) -> list[Block]:
    return [block for block in recipe.blocks for _ in range(min(block.repeat, REPEATS_SEEN))]
