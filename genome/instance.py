"""Instantiating a recipe: typed programs at concrete sizes, in the order in which they run, with exact cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from genome.component import Component, Library
from genome.errors import GenomeError, RecipeError
from genome.expressions import Scalar
from genome.kinds import PLACES
from genome.operation import OPERATIONS
from genome.recipe import Branch, Gene, Recipe, component_of
from genome.typing import Program
from genome.typing import program as typed_program
from genome.values import Sizes, Value

LAYER_LIMIT = 512


@dataclass(frozen=True, slots=True)
class Cost:
    """Learned numbers, forward FLOPs per token, and bytes of decoding state per sequence (four per number)."""

    parameters: int
    flops_per_token: float
    state_bytes: int


@dataclass(frozen=True, slots=True)
class PlacedProgram:
    """A program at its place: `path` names it uniquely, such as "blocks.3.branches.0.1"."""

    path: str
    program: Program


@dataclass(frozen=True, slots=True)
class PlacedBlock:
    """One block after repetition: branches of programs, how they merge, how they join the stream."""

    branches: tuple[tuple[PlacedProgram, ...], ...]
    merges: tuple[PlacedProgram, ...]
    residual: PlacedProgram | None

    def programs(self) -> Iterator[PlacedProgram]:
        for branch in self.branches:
            yield from branch
        yield from self.merges
        if self.residual is not None:
            yield self.residual


@dataclass(frozen=True, slots=True)
class Instance:
    """A recipe at concrete sizes. `optimizer` holds the options of its training component."""

    sizes: Sizes
    embedding: tuple[PlacedProgram, ...]
    blocks: tuple[PlacedBlock, ...]
    head: tuple[PlacedProgram, ...]
    optimizer: dict[str, Scalar]
    cost: Cost

    def programs(self) -> Iterator[PlacedProgram]:
        """Every program in the order in which it runs."""
        yield from self.embedding
        for block in self.blocks:
            yield from block.programs()
        yield from self.head


def instantiate(recipe: Recipe, library: Library, sizes: Sizes, depth: int = 1) -> Instance:
    """Type every gene at the given sizes; the sequence of blocks is repeated `depth` times.

    Raises RecipeError with the path of the gene that is unknown, of the wrong kind or badly typed.
    """
    builder = _Instantiation(library, sizes)
    if builder.kind_of(recipe.embedding[0]) != "embedding":
        raise RecipeError("embedding.0: the first gene must be an embedding")
    embedding = builder.branch(recipe.embedding, "embedding", PLACES["embedding"], "embedding")
    blocks: list[PlacedBlock] = []
    layers = sum(block.repeat for block in recipe.blocks) * depth
    if layers > LAYER_LIMIT:
        raise RecipeError(f"the recipe has {layers} blocks after repetition; up to {LAYER_LIMIT} are accepted")
    for _ in range(depth):
        for index, block in enumerate(recipe.blocks):
            for _ in range(block.repeat):
                path, own = f"blocks.{len(blocks)}", f"{index}"
                branches = tuple(
                    builder.branch(branch, f"{path}.branches.{r}", PLACES["block"], f"{own}.{r}")
                    for r, branch in enumerate(block.branches)
                )
                if len(branches) > 1 and block.merge is None:
                    raise RecipeError(f"{own}.merge: parallel branches need a merge component")
                merges = tuple(
                    builder.gene(block.merge, f"{path}.merge.{i}", ("merge",), f"{own}.merge")
                    for i in range(len(branches) - 1)
                    if block.merge is not None
                )
                residual = None
                if block.residual is not None:
                    residual = builder.gene(block.residual, f"{path}.residual", ("residual",), f"{own}.residual")
                blocks.append(PlacedBlock(branches, merges, residual))
    if builder.kind_of(recipe.head[-1]) != "head":
        raise RecipeError(f"head.{len(recipe.head) - 1}: the last gene must be a head")
    head = builder.branch(recipe.head, "head", PLACES["head"], "head")
    optimizer = builder.optimizer(recipe.training)
    return Instance(sizes, embedding, tuple(blocks), head, optimizer, builder.cost())


@lru_cache(maxsize=4096)
def _typed_component(
    component: Component,
    settings: tuple[tuple[str, Scalar], ...],
    sizes: Sizes,
    shared: tuple[tuple[str, Value], ...],
) -> Program:
    """A component at sizes; recipes share components and sizes, so that most are typed once."""
    return typed_program(component.name, component.kind, component.bind(dict(settings)), sizes, dict(shared))


class _Instantiation:
    def __init__(self, library: Library, sizes: Sizes) -> None:
        self.library, self.sizes = library, sizes
        self.shared: dict[str, Value] = {}
        self.placed: list[Program] = []

    def kind_of(self, gene: Gene) -> str:
        component = self.library.get(gene.component)
        return component.kind if component else ""

    def branch(self, genes: Branch, path: str, kinds: tuple[str, ...], own: str) -> tuple[PlacedProgram, ...]:
        """Programs of a branch; the first gene of an embedding and the last of a head have their own kind."""
        placed = []
        for i, gene in enumerate(genes):
            accepted = kinds
            if (path == "embedding" and i == 0) or (path == "head" and i == len(genes) - 1):
                accepted = (path,)
            placed.append(self.gene(gene, f"{path}.{i}", accepted, f"{own}.{i}"))
        return tuple(placed)

    def gene(self, gene: Gene, path: str, kinds: tuple[str, ...], own: str) -> PlacedProgram:
        component = component_of(gene, self.library, own)
        if component.kind not in kinds:
            raise RecipeError(f"{own}: {gene.component} is a {component.kind}; accepted here: {', '.join(kinds)}")
        try:
            settings = tuple(sorted(gene.settings.items()))
            program = _typed_component(component, settings, self.sizes, tuple(self.shared.items()))
        except GenomeError as error:
            raise RecipeError(f"{own}: {gene}: {error}") from None
        for name, index in program.writes.items():
            self.shared[name] = program.nodes[index].value
        self.placed.append(program)
        return PlacedProgram(path, program)

    def optimizer(self, gene: Gene) -> dict[str, Scalar]:
        component = component_of(gene, self.library, "training")
        if component.kind != "training":
            raise RecipeError(f"training: {gene.component} is a {component.kind}, not a training component")
        try:
            program = _typed_component(component, tuple(sorted(gene.settings.items())), self.sizes, ())
        except GenomeError as error:
            raise RecipeError(f"training: {gene}: {error}") from None
        defaults = {option.name: option.default for option in OPERATIONS["optimizer"].options}
        return {**defaults, **program.nodes[program.output].options}

    def cost(self) -> Cost:
        context = self.sizes.context
        return Cost(
            sum(program.parameter_count for program in self.placed),
            sum(program.flops_per_token(context) for program in self.placed),
            4 * sum(program.state for program in self.placed),
        )
