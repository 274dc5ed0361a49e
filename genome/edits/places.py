"""Reading and replacing the parts of a recipe that paths and positions name."""

from __future__ import annotations

from typing import TypeVar

from genome.errors import EditError
from genome.kinds import PLACES
from genome.recipe import Block, Frozen, Gene, Recipe

Model = TypeVar("Model", bound=Frozen)
Genes = tuple[Gene, ...]


def changed(model: Model, **changes: object) -> Model:
    """A validated copy with some fields replaced. Raises pydantic's ValidationError beyond the limits."""
    return type(model)(**{**dict(model), **changes})


def gene_at(recipe: Recipe, path: str) -> Gene:
    """The gene at a path. Raises EditError that lists what there is."""
    genes = dict(recipe.genes())
    if path not in genes:
        raise EditError(f"there is no gene at {path!r}; there are: {_listed(list(genes))}")
    return genes[path]


def accepted_kinds(recipe: Recipe, path: str) -> tuple[str, ...]:
    """Kinds that may stand in the place of the gene at a path."""
    first, _, rest = path.partition(".")
    if path == "embedding.0" or path == f"head.{len(recipe.head) - 1}":
        return (first,)
    if path == "training" or rest in ("merge", "residual"):
        return (rest or "training",)
    return PLACES.get(first, PLACES["block"])


def with_gene(recipe: Recipe, path: str, gene: Gene) -> Recipe:
    """The recipe with the gene at an existing path replaced."""
    gene_at(recipe, path)
    if path == "training":
        return changed(recipe, training=gene)
    position, _, name = path.partition(".")
    if name in ("merge", "residual"):
        return with_block(recipe, int(position), changed(recipe.blocks[int(position)], **{name: gene}))
    address, index = branch_place(path)
    genes = branch_at(recipe, address)
    return with_branch(recipe, address, (*genes[:index], gene, *genes[index + 1 :]))


def branch_place(path: str) -> tuple[str, int]:
    """Split "2.0.1" into the branch "2.0" and the index 1. Raises EditError for other paths."""
    address, _, index = path.rpartition(".")
    if not (index.isascii() and index.isdecimal() and address):
        raise EditError(f"{path!r} is not a place in a branch; accepted: embedding.0, 2.0.1, head.0 and the like")
    return address, int(index)


def branch_at(recipe: Recipe, address: str) -> Genes:
    """The branch "embedding", "head" or "2.0". Raises EditError that lists the branches."""
    branches = {"embedding": recipe.embedding, "head": recipe.head}
    for b, block in enumerate(recipe.blocks):
        branches.update({f"{b}.{r}": branch for r, branch in enumerate(block.branches)})
    if address not in branches:
        raise EditError(f"there is no branch {address!r}; there are: {_listed(list(branches))}")
    return branches[address]


def with_branch(recipe: Recipe, address: str, genes: Genes) -> Recipe:
    """The recipe with an existing branch replaced."""
    if address in ("embedding", "head"):
        return changed(recipe, **{address: genes})
    position, place = map(int, address.split("."))
    block = recipe.blocks[position]
    branches = (*block.branches[:place], genes, *block.branches[place + 1 :])
    return with_block(recipe, position, changed(block, branches=branches))


def block_at(recipe: Recipe, position: int) -> Block:
    """The block at a position. Raises EditError that says how many there are."""
    if position >= len(recipe.blocks):
        raise EditError(f"there is no block {position}; there are blocks 0 to {len(recipe.blocks) - 1}")
    return recipe.blocks[position]


def with_block(recipe: Recipe, position: int, block: Block) -> Recipe:
    """The recipe with the block at an existing position replaced."""
    return with_blocks(recipe, position, position + 1, block)


def with_blocks(recipe: Recipe, start: int, stop: int, *blocks: Block) -> Recipe:
    """The recipe with the blocks from start up to stop replaced by others."""
    if not start <= stop <= len(recipe.blocks):
        count = len(recipe.blocks)
        raise EditError(
            f"there is no span of blocks from {start} up to {stop}; accepted: 0 <= start <= stop <= {count}"
        )
    return changed(recipe, blocks=(*recipe.blocks[:start], *blocks, *recipe.blocks[stop:]))


def _listed(items: list[str]) -> str:
    return ", ".join(items if len(items) <= 12 else [*items[:12], "..."])
