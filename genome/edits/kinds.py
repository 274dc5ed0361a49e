"""The closed union of edits, as frozen values whose docstrings and fields are also their JSON schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from genome.errors import EditError
from genome.expressions import Scalar
from genome.recipe import BLOCK_LIMIT, REPEAT_LIMIT, Block, Branch, Frozen, Gene, first_problem
from genome.text import TEXT_LIMIT

EDIT_LIMIT = 64

Path = Annotated[
    str,
    Field(
        max_length=32,
        description='place of a gene: "embedding.0", "2.0.1" (block, branch, index), "2.merge", "2.residual", '
        '"head.0" or "training"',
    ),
]
Position = Annotated[int, Field(ge=0, lt=2 * BLOCK_LIMIT, description="number of a block, from 0")]
Place = Annotated[int, Field(ge=0, lt=16, description="number of a branch of the block, from 0")]


class InsertGene(Frozen):
    """Insert a gene into a branch; it takes the given index and later genes move on by one."""

    kind: Literal["insert_gene"] = "insert_gene"
    path: Path
    gene: Gene


class RemoveGene(Frozen):
    """Remove a gene from a branch, which keeps at least one."""

    kind: Literal["remove_gene"] = "remove_gene"
    path: Path


class ReplaceGene(Frozen):
    """Put another gene in the place of one."""

    kind: Literal["replace_gene"] = "replace_gene"
    path: Path
    gene: Gene


class SetSetting(Frozen):
    """Give a setting of a gene another value of its domain."""

    kind: Literal["set_setting"] = "set_setting"
    path: Path
    setting: Annotated[str, Field(max_length=64)]
    value: Scalar


class InsertBlock(Frozen):
    """Insert a block; it takes the given position and later blocks move on by one."""

    kind: Literal["insert_block"] = "insert_block"
    position: Position
    block: Block


class RemoveBlock(Frozen):
    """Remove a block; at least one stays."""

    kind: Literal["remove_block"] = "remove_block"
    position: Position


class MoveBlock(Frozen):
    """Move a block so that it ends up at the target position."""

    kind: Literal["move_block"] = "move_block"
    source: Position
    target: Position


class DuplicateBlock(Frozen):
    """Insert a copy of a block after it; the copy learns parameters of its own."""

    kind: Literal["duplicate_block"] = "duplicate_block"
    position: Position


class SetRepeat(Frozen):
    """Say how many times a block follows itself, each time with parameters of its own."""

    kind: Literal["set_repeat"] = "set_repeat"
    position: Position
    repeat: Annotated[int, Field(ge=1, le=REPEAT_LIMIT)]


class SetResidual(Frozen):
    """Say how a block joins the stream; null lets its result replace the stream."""

    kind: Literal["set_residual"] = "set_residual"
    position: Position
    gene: Gene | None


class SetMerge(Frozen):
    """Say how the parallel branches of a block merge."""

    kind: Literal["set_merge"] = "set_merge"
    position: Position
    gene: Gene


class SplitBlock(Frozen):
    """Add a parallel branch to a block; merge says how they join and may be null where the block has a merge."""

    kind: Literal["split_block"] = "split_block"
    position: Position
    branch: Branch
    merge: Gene | None = None


class RemoveBranch(Frozen):
    """Remove a parallel branch of a block; the merge goes with it where one branch is left."""

    kind: Literal["remove_branch"] = "remove_branch"
    position: Position
    branch: Place


class Graft(Frozen):
    """Put blocks from another recipe in the place of the blocks from start up to, not including, stop."""

    kind: Literal["graft"] = "graft"
    start: Position
    stop: Position
    blocks: Annotated[tuple[Block, ...], Field(strict=False, min_length=1, max_length=BLOCK_LIMIT)]


class RewriteOperation(Frozen):
    """Change one operation of a gene's component: another one with as many inputs, or other options.

    The node is its index in the component's graph. Options that both operations have are kept unless given;
    null returns an option to its default.
    """

    kind: Literal["rewrite_operation"] = "rewrite_operation"
    path: Path
    node: Annotated[int, Field(ge=0)]
    operation: Annotated[str, Field(max_length=64)]
    options: dict[str, Scalar | None] = Field(default={})


class DefineComponent(Frozen):
    """Define a new component in the language of components; later edits may use it by the name in its source."""

    kind: Literal["define_component"] = "define_component"
    source: Annotated[str, Field(max_length=TEXT_LIMIT)]


Edit = (
    InsertGene
    | RemoveGene
    | ReplaceGene
    | SetSetting
    | InsertBlock
    | RemoveBlock
    | MoveBlock
    | DuplicateBlock
    | SetRepeat
    | SetResidual
    | SetMerge
    | SplitBlock
    | RemoveBranch
    | Graft
    | RewriteOperation
    | DefineComponent
)

_EDITS: TypeAdapter[tuple[Edit, ...]] = TypeAdapter(
    Annotated[tuple[Annotated[Edit, Field(discriminator="kind")], ...], Field(strict=False, max_length=EDIT_LIMIT)]
)


def edits_to_json(edits: Sequence[Edit]) -> str:
    """The edits as a JSON array."""
    return _EDITS.dump_json(tuple(edits)).decode()


def edits_from_json(text: str | bytes) -> tuple[Edit, ...]:
    """Edits from a JSON array. Raises EditError that names the edit (from 0) and the field."""
    try:
        return _EDITS.validate_json(text)
    except ValidationError as error:
        raise EditError(first_problem(error, "edits")) from None


def edits_schema() -> dict[str, Any]:
    """JSON schema of an array of edits, for whoever proposes them."""
    return _EDITS.json_schema()
