"""Recipes: typed genomes of ordered components, as frozen values with a canonical JSON form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genome.canonical import canonical, digest
from genome.component import Component, Library
from genome.errors import RecipeError
from genome.expressions import Scalar

BLOCK_LIMIT = 64
REPEAT_LIMIT = 64


class Frozen(BaseModel):
    """A frozen value that refuses unknown fields, other types and numbers that are not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Gene(Frozen):
    """A component by name, with the settings that differ from its defaults."""

    component: Annotated[str, Field(min_length=1, max_length=128)]
    settings: dict[str, Scalar] = {}

    def __hash__(self) -> int:
        return hash((self.component, tuple(sorted(self.settings.items()))))

    def __str__(self) -> str:
        inner = ", ".join(f"{name}={value}" for name, value in sorted(self.settings.items()))
        return f"{self.component}({inner})" if inner else self.component


def first_problem(error: ValidationError, owner: str) -> str:
    """The first problem of a validation in one line, with the field at fault."""
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"])) or owner
    return f"{place}: {first['msg'][0].lower()}{first['msg'][1:]}"


Branch = Annotated[tuple[Gene, ...], Field(strict=False, min_length=1, max_length=16)]


class Block(Frozen):
    """Parallel branches of genes, how they merge, and how the result joins the stream.

    `repeat` blocks follow each other, each with parameters of its own. Without `residual` the branch
    replaces the stream.
    """

    branches: Annotated[tuple[Branch, ...], Field(strict=False, min_length=1, max_length=4)]
    merge: Gene | None = None
    residual: Gene | None = Gene(component="add_residual")
    repeat: Annotated[int, Field(ge=1, le=REPEAT_LIMIT)] = 1

    def __str__(self) -> str:
        paths = " | ".join(" > ".join(map(str, branch)) for branch in self.branches)
        merged = f"{self.merge}[{paths}]" if self.merge else paths
        joined = merged if self.residual is None else f"{self.residual}({merged})"
        if self.residual == Gene(component="add_residual"):
            joined = f"+ {merged}"
        return f"{joined} x{self.repeat}" if self.repeat > 1 else joined


class Recipe(Frozen):
    """A sequence model without absolute size: embedding, ordered blocks, head, and how it is trained."""

    embedding: Branch
    blocks: Annotated[tuple[Block, ...], Field(strict=False, min_length=1, max_length=BLOCK_LIMIT)]
    head: Branch
    training: Gene

    @property
    def json_text(self) -> str:
        """Canonical JSON: sorted keys, no spaces, every field present."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    @staticmethod
    def from_json(text: str | bytes) -> Recipe:
        """Parse JSON. Raises RecipeError that names the field."""
        try:
            return Recipe.model_validate_json(text)
        except ValidationError as error:
            raise RecipeError(first_problem(error, "recipe")) from None

    def genes(self) -> Iterator[tuple[str, Gene]]:
        """Every gene with its path, such as "embedding.0", "2.0.1", "2.merge", "2.residual", "training"."""
        yield from ((f"embedding.{i}", gene) for i, gene in enumerate(self.embedding))
        for b, block in enumerate(self.blocks):
            for r, branch in enumerate(block.branches):
                yield from ((f"{b}.{r}.{i}", gene) for i, gene in enumerate(branch))
            if block.merge is not None:
                yield f"{b}.merge", block.merge
            if block.residual is not None:
                yield f"{b}.residual", block.residual
        yield from ((f"head.{i}", gene) for i, gene in enumerate(self.head))
        yield "training", self.training

    def lines(self) -> list[str]:
        """The recipe as an ordered list, one block a line."""
        embedding, head = (" > ".join(map(str, part)) for part in (self.embedding, self.head))
        blocks = [f"block {i}: {block}" for i, block in enumerate(self.blocks)]
        return [f"embedding: {embedding}", *blocks, f"head: {head}", f"training: {self.training}"]


def component_of(gene: Gene, library: Library, path: str = "") -> Component:
    """The gene's component. Raises RecipeError, with the path if given, where there is none of that name."""
    component = library.get(gene.component)
    if component is None:
        place = f"{path}: " if path else ""
        raise RecipeError(f"{place}there is no component {gene.component!r}; `components` lists them")
    return component


def recipe_hash(recipe: Recipe, library: Library) -> str:
    """Content hash: what is computed and how it is trained, whatever the components are called.

    Raises RecipeError for an unknown component, GenomeError for a setting outside its domain.
    """
    known: dict[Gene, str] = {}

    def gene_text(gene: Gene | None) -> str:
        if gene is None:
            return "-"
        if gene not in known:
            component = component_of(gene, library)
            known[gene] = digest(component.kind, canonical(component.bind(gene.settings))[0])
        return known[gene]

    def branch_text(branch: tuple[Gene, ...]) -> str:
        return ">".join(map(gene_text, branch))

    parts = [branch_text(recipe.embedding)]
    for block in recipe.blocks:
        paths = "|".join(map(branch_text, block.branches))
        parts.append(f"{paths} {gene_text(block.merge)} {gene_text(block.residual)} {block.repeat}")
    return digest(*parts, branch_text(recipe.head), gene_text(recipe.training))
