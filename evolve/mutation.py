"""Mutation: each operator samples edits that are legal in kind; whether they type is seen when applied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from evolve.guidance.guide import Guide, Weight
from genome.arrangement import BODY_KINDS
from genome.component import Component, Library
from genome.edits import Edit
from genome.edits.kinds import (
    DuplicateBlock,
    InsertBlock,
    InsertGene,
    MoveBlock,
    RemoveBlock,
    RemoveBranch,
    RemoveGene,
    ReplaceGene,
    RewriteOperation,
    SetResidual,
    SetSetting,
    SplitBlock,
)
from genome.recipe import Block, Gene, Recipe
from genome.rewrite import rewrites

MOST_BLOCKS, FEWEST_BLOCKS = 10, 2
"""Depth that mutation keeps to: without a floor, searches at small budgets collapse to shallow recipes."""

MOST_BRANCHES = 3

ANOTHER_OPTIMIZER = 0.5
"""Probability that a change of the training replaces its component."""

Mutation = Callable[..., Sequence[Edit]]
"""Samples edits of a recipe with a library and a generator; empty where the operator has nothing to change.

Those of `WEIGHED` take a guide as well, which weighs the components they choose among.
"""


def gene_of_kind(
    library: Library, kinds: Sequence[str], random: Random, without: str = "", weigh: Weight | None = None
) -> Gene | None:
    """A published component of one of the kinds, its settings default or, half of the time, sampled."""
    names = [
        name
        for name, component in sorted(library.items())
        if component.kind in kinds and component.provenance is not None and name != without
    ]
    if not names:
        return None
    name = random.choice(names) if weigh is None else random.choices(names, [weigh(name) for name in names])[0]
    return gene_with_settings(library[name], random)


def gene_with_settings(component: Component, random: Random) -> Gene:
    """A gene of the component with its defaults or, half of the time, one setting of its own."""
    if not component.settings or random.random() < 0.5:
        return Gene(component=component.name)
    setting = random.choice(component.settings)
    return Gene(component=component.name, settings={setting.name: setting.domain.sample(random)})


def tune(recipe: Recipe, library: Library, random: Random) -> Sequence[Edit]:
    """Move one setting of one component to a neighbouring value."""
    return _set_setting([(path, gene) for path, gene in recipe.genes() if path != "training"], library, random)


def change_training(recipe: Recipe, library: Library, random: Random) -> Sequence[Edit]:
    """Train by another optimizer as published, or move a setting, such as the learning rate, to a neighbouring value."""
    if random.random() < ANOTHER_OPTIMIZER:
        other = gene_of_kind(library, ("training",), random, without=recipe.training.component)
        return (ReplaceGene(path="training", gene=Gene(component=other.component)),) if other else ()
    return _set_setting([("training", recipe.training)], library, random)


def _set_setting(places: list[tuple[str, Gene]], library: Library, random: Random) -> Sequence[Edit]:
    options = [(path, gene, setting) for path, gene in places for setting in library[gene.component].settings]
    if not options:
        return ()
    path, gene, setting = random.choice(options)
    value = setting.domain.neighbour(gene.settings.get(setting.name, setting.default), random)
    return (SetSetting(path=path, setting=setting.name, value=value),)


def replace_mixer(recipe: Recipe, library: Library, random: Random, guide: Guide | None = None) -> Sequence[Edit]:
    """Put another published mixer in the place of one."""
    return _replace(recipe, library, random, ("mixer",), guide)


def replace_other(recipe: Recipe, library: Library, random: Random, guide: Guide | None = None) -> Sequence[Edit]:
    """Put another component of the same kind in the place of an embedding, channel mixer, norm or head."""
    return _replace(recipe, library, random, ("embedding", "position", "channel", "norm", "head"), guide)


def _replace(
    recipe: Recipe, library: Library, random: Random, kinds: Sequence[str], guide: Guide | None
) -> Sequence[Edit]:
    places = [(path, gene) for path, gene in recipe.genes() if library[gene.component].kind in kinds]
    if not places:
        return ()
    path, gene = random.choice(places)
    place = place_of(path)
    weigh = None if guide is None or place is None else guide.gene(recipe, place, replaced=True)
    other = gene_of_kind(library, (library[gene.component].kind,), random, gene.component, weigh)
    return (ReplaceGene(path=path, gene=other),) if other else ()


def place_of(path: str) -> tuple[int, int, int] | None:
    """Block, branch and index of a path; None for a gene that is in no branch of a block."""
    parts = path.split(".")
    return (int(parts[0]), int(parts[1]), int(parts[2])) if len(parts) == 3 else None


def insert_gene(recipe: Recipe, library: Library, random: Random, guide: Guide | None = None) -> Sequence[Edit]:
    """Put a mixer, channel mixer or norm into a branch."""
    kind = random.choice(("mixer", "mixer", "channel", "norm"))
    gene = gene_of_kind(library, (kind,), random)
    block = random.randrange(len(recipe.blocks))
    branch = random.randrange(len(recipe.blocks[block].branches))
    index = random.randint(0, len(recipe.blocks[block].branches[branch]))
    if guide is not None and kind in BODY_KINDS:
        weigh = guide.gene(recipe, (block, branch, index), replaced=False)
        gene = gene_of_kind(library, (kind,), random, weigh=weigh)
    return (InsertGene(path=f"{block}.{branch}.{index}", gene=gene),) if gene else ()


def remove_gene(recipe: Recipe, library: Library, random: Random) -> Sequence[Edit]:
    """Take a gene out of a branch that has more than one."""
    places = [
        f"{b}.{r}.{i}"
        for b, block in enumerate(recipe.blocks)
        for r, branch in enumerate(block.branches)
        for i in range(len(branch))
        if len(branch) > 1
    ]
    return (RemoveGene(path=random.choice(places)),) if places else ()


def insert_block(recipe: Recipe, library: Library, random: Random, guide: Guide | None = None) -> Sequence[Edit]:
    """Put a new block, a norm and a mixer or channel mixer, somewhere in the stack."""
    if len(recipe.blocks) >= MOST_BLOCKS:
        return ()
    if guide is None:
        branch = new_branch(recipe, library, random)
        position = random.randint(0, len(recipe.blocks))
    else:
        position = random.randint(0, len(recipe.blocks))
        branch = new_branch(recipe, library, random, guide.block(recipe, position))
    return (InsertBlock(position=position, block=Block(branches=(branch,))),)


def new_branch(recipe: Recipe, library: Library, random: Random, weigh: Weight | None = None) -> tuple[Gene, ...]:
    """The recipe's most frequent norm, then a mixer (three times in four) or a channel mixer."""
    kind = "mixer" if random.random() < 0.75 else "channel"
    norm = usual_norm(recipe, library)
    body = gene_of_kind(library, (kind,), random, weigh=weigh)
    return tuple(gene for gene in (norm, body) if gene is not None)


def usual_norm(recipe: Recipe, library: Library) -> Gene | None:
    """The recipe's most frequent norm."""
    norms = [gene for _, gene in recipe.genes() if library[gene.component].kind == "norm"]
    return max(norms, key=lambda gene: (norms.count(gene), str(gene))) if norms else None


def remove_block(recipe: Recipe, library: Library, random: Random) -> Sequence[Edit]:
    """Take a block out."""
    count = len(recipe.blocks)
    return (RemoveBlock(position=random.randrange(count)),) if count > FEWEST_BLOCKS else ()


def move_block(recipe: Recipe, library: Library, random: Random) -> Sequence[Edit]:
    """Move a block to another place of the stack."""
    if len(recipe.blocks) < 2:
        return ()
    source, target = random.sample(range(len(recipe.blocks)), 2)
    return (MoveBlock(source=source, target=target),)


def duplicate_block(recipe: Recipe, library: Library, random: Random) -> Sequence[Edit]:
    """Let a block follow itself, with parameters of its own."""
    if len(recipe.blocks) >= MOST_BLOCKS:
        return ()
    return (DuplicateBlock(position=random.randrange(len(recipe.blocks))),)


def split_block(recipe: Recipe, library: Library, random: Random, guide: Guide | None = None) -> Sequence[Edit]:
    """Add a parallel branch to a block, or remove one of several."""
    position = random.randrange(len(recipe.blocks))
    block = recipe.blocks[position]
    if len(block.branches) >= MOST_BRANCHES or (len(block.branches) > 1 and random.random() < 0.4):
        return (RemoveBranch(position=position, branch=random.randrange(len(block.branches))),)
    merge = block.merge or gene_of_kind(library, ("merge",), random)
    weigh = None if guide is None else guide.branch(recipe, position)
    return (SplitBlock(position=position, branch=new_branch(recipe, library, random, weigh), merge=merge),)


def change_residual(recipe: Recipe, library: Library, random: Random) -> Sequence[Edit]:
    """Let a block join the stream in another way."""
    position = random.randrange(len(recipe.blocks))
    own = recipe.blocks[position].residual
    gene = gene_of_kind(library, ("residual",), random, without=own.component if own else "")
    return (SetResidual(position=position, gene=gene),)


def rewrite(recipe: Recipe, library: Library, random: Random) -> Sequence[Edit]:
    """Change one operation inside a component, which becomes a component of its own."""
    places = [
        (path, gene) for path, gene in recipe.genes() if library[gene.component].kind in ("mixer", "channel")
    ]
    if not places:
        return ()
    path, gene = random.choice(places)
    choices = rewrites(library[gene.component])
    if not choices:
        return ()
    chosen = random.choice(choices)
    return (
        RewriteOperation(path=path, node=chosen.node, operation=chosen.operation, options=dict(chosen.options)),
    )


MUTATIONS: dict[str, tuple[Mutation, float]] = {
    "tune": (tune, 0.7),
    "change_training": (change_training, 2.0),
    "replace_mixer": (replace_mixer, 1.4),
    "replace_other": (replace_other, 0.8),
    "insert_gene": (insert_gene, 0.3),
    "remove_gene": (remove_gene, 0.8),
    "insert_block": (insert_block, 0.6),
    "remove_block": (remove_block, 0.9),
    "move_block": (move_block, 0.4),
    "duplicate_block": (duplicate_block, 0.4),
    "split_block": (split_block, 0.5),
    "change_residual": (change_residual, 0.4),
    "rewrite": (rewrite, 0.8),
}
"""Every mutation with its prior weight, before credit is known."""

WEIGHED = ("replace_mixer", "replace_other", "insert_gene", "insert_block", "split_block")
"""Mutations that a guide weighs in."""
