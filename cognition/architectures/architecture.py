"""What an architecture is, and the short forms in which the catalogue writes recipes."""

from __future__ import annotations

from dataclasses import dataclass

from genome.expressions import Scalar
from genome.recipe import Block, Branch, Gene, Recipe


@dataclass(frozen=True, slots=True)
class Architecture:
    """A recipe with where it was published, the idea it stands for, and the weakness it answers."""

    name: str
    recipe: Recipe
    arxiv: str
    year: int
    title: str
    insight: str
    answers: str


def gene(component: str, **settings: Scalar) -> Gene:
    """A component with settings."""
    return Gene(component=component, settings=settings)


def branch(*genes: str | Gene) -> Branch:
    """Genes in sequence, each a component's name or a gene with settings."""
    return tuple(gene(part) if isinstance(part, str) else part for part in genes)


def stack(norm: str, *layers: str | Gene) -> tuple[Block, ...]:
    """One residual block for each layer, normalised before it."""
    return tuple(Block(branches=(branch(norm, layer),)) for layer in layers)


_EMBEDDING = branch("token_embedding")
_HEAD = branch("rms_norm", "linear_head")
_TRAINING = gene("adamw")


def recipe(
    *blocks: Block, embedding: Branch = _EMBEDDING, head: Branch = _HEAD, training: Gene = _TRAINING
) -> Recipe:
    """A recipe from its blocks, with an embedding of its own, a normalised head and AdamW unless stated."""
    return Recipe(embedding=embedding, blocks=blocks, head=head, training=training)
