"""Applying edits to a recipe."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from genome.component import Component, Library
from genome.edits import kinds as k
from genome.edits.derivation import named_by_hash, renamed_gene, rewritten
from genome.edits.description import describe
from genome.edits.places import (
    accepted_kinds,
    block_at,
    branch_at,
    branch_place,
    changed,
    gene_at,
    with_block,
    with_blocks,
    with_branch,
    with_gene,
)
from genome.errors import EditError, GenomeError
from genome.instance import instantiate
from genome.kinds import PLACES
from genome.parser import parse_component
from genome.recipe import Block, Frozen, Gene, Recipe, component_of, first_problem
from genome.settings import complete
from genome.typing import REFERENCE_SIZES


@dataclass(frozen=True, slots=True)
class Applied:
    """What edits lead to: the recipe, the components they defined, and a line for each edit."""

    recipe: Recipe
    components: tuple[Component, ...]
    descriptions: tuple[str, ...]


def apply(recipe: Recipe, edits: Sequence[k.Edit], library: Library) -> Applied:
    """Apply edits in turn; the result is legal at the reference sizes.

    Each edit must name places that are there and genes whose component, kind and settings fit; the recipe as
    a whole is typed once at the end. Raises EditError that says which edit, why, and what is accepted.
    """
    application = _Application(library)
    descriptions: list[str] = []
    for number, edit in enumerate(edits, 1):
        line = describe(edit, recipe)
        try:
            recipe = application.step(recipe, edit)
        except ValidationError as error:
            raise EditError(f"edit {number} ({line}): {first_problem(error, 'recipe')}") from None
        except GenomeError as error:
            raise EditError(f"edit {number} ({line}): {error}") from None
        descriptions.append(line)
    try:
        instantiate(recipe, application.library, REFERENCE_SIZES)
    except GenomeError as error:
        raise EditError(f"the edited recipe: {error}") from None
    return Applied(recipe, tuple(application.defined.values()), tuple(descriptions))


class _Application:
    def __init__(self, library: Library) -> None:
        self.defined: dict[str, Component] = {}
        self.library = ChainMap(self.defined, dict(library))
        self.written: dict[str, Component] = {}

    def step(self, recipe: Recipe, edit: k.Edit) -> Recipe:
        match self._resolved(edit):
            case k.InsertGene(path=path, gene=gene):
                return self._insert_gene(recipe, path, gene)
            case k.RemoveGene(path=path):
                return _remove_gene(recipe, path)
            case k.ReplaceGene(path=path, gene=gene):
                gene_at(recipe, path)
                return with_gene(recipe, path, self._checked(gene, accepted_kinds(recipe, path)))
            case k.SetSetting(path=path) as change:
                return with_gene(recipe, path, self._set(gene_at(recipe, path), change))
            case k.InsertBlock(position=position, block=block):
                return with_blocks(recipe, position, position, self._checked_block(block))
            case k.RemoveBlock(position=position):
                block_at(recipe, position)
                if len(recipe.blocks) == 1:
                    raise EditError("a recipe keeps at least one block")
                return with_blocks(recipe, position, position + 1)
            case k.MoveBlock(source=source, target=target):
                block, _ = block_at(recipe, source), block_at(recipe, target)
                return with_blocks(with_blocks(recipe, source, source + 1), target, target, block)
            case k.DuplicateBlock(position=position):
                return with_blocks(recipe, position, position, block_at(recipe, position))
            case k.SetRepeat(position=position, repeat=repeat):
                return with_block(recipe, position, changed(block_at(recipe, position), repeat=repeat))
            case k.SetResidual(position=position, gene=gene):
                residual = None if gene is None else self._checked(gene, ("residual",))
                return with_block(recipe, position, changed(block_at(recipe, position), residual=residual))
            case k.SetMerge(position=position, gene=gene):
                block = block_at(recipe, position)
                if len(block.branches) == 1:
                    raise EditError("the block has one branch and nothing to merge; split_block adds a branch")
                return with_block(recipe, position, changed(block, merge=self._checked(gene, ("merge",))))
            case k.SplitBlock(position=position) as split:
                return with_block(recipe, position, self._split(block_at(recipe, position), split))
            case k.RemoveBranch(position=position, branch=branch):
                return with_block(recipe, position, _remove_branch(block_at(recipe, position), branch))
            case k.Graft(start=start, stop=stop, blocks=blocks):
                return with_blocks(recipe, start, stop, *map(self._checked_block, blocks))
            case k.RewriteOperation(path=path) as rewrite:
                return with_gene(recipe, path, self._rewrite(gene_at(recipe, path), rewrite))
            case k.DefineComponent(source=source):
                component = parse_component(source, ChainMap(self.written, self.library))
                self.written[component.name] = component
                self._store(component)
                return recipe

    def _resolved(self, edit: k.Edit) -> k.Edit:
        """The edit with genes of components defined before under the names they are stored by."""
        return edit if not self.written else _with_genes(edit, self._stored_gene)

    def _stored_gene(self, gene: Gene) -> Gene:
        written = self.written.get(gene.component)
        return gene if written is None else renamed_gene(gene, written, self._store(written))

    def _store(self, component: Component) -> Component:
        stored = named_by_hash(component, self.library)
        if stored.name not in self.library:
            self.defined[stored.name] = stored
        return stored

    def _checked(self, gene: Gene, accepted: tuple[str, ...]) -> Gene:
        component = component_of(gene, self.library)
        if component.kind not in accepted:
            raise EditError(f"{gene.component} is a {component.kind}; accepted here: {', '.join(accepted)}")
        complete(component.settings, gene.settings, component.name)
        return gene

    def _checked_block(self, block: Block) -> Block:
        for gene in (gene for branch in block.branches for gene in branch):
            self._checked(gene, PLACES["block"])
        if block.merge is not None:
            self._checked(block.merge, ("merge",))
        if block.residual is not None:
            self._checked(block.residual, ("residual",))
        return block

    def _insert_gene(self, recipe: Recipe, path: str, gene: Gene) -> Recipe:
        address, index = branch_place(path)
        genes = branch_at(recipe, address)
        if index > len(genes):
            raise EditError(f"accepted places of this branch: {address}.0 to {address}.{len(genes)}")
        gene = self._checked(gene, PLACES.get(address, PLACES["block"]))
        return with_branch(recipe, address, (*genes[:index], gene, *genes[index:]))

    def _set(self, gene: Gene, edit: k.SetSetting) -> Gene:
        component = component_of(gene, self.library)
        settings = {**gene.settings, edit.setting: edit.value}
        complete(component.settings, settings, component.name)
        return changed(gene, settings=settings)

    def _split(self, block: Block, edit: k.SplitBlock) -> Block:
        merge = edit.merge or block.merge
        if merge is None:
            raise EditError("the block has no merge yet; parallel branches need one")
        branch = tuple(self._checked(gene, PLACES["block"]) for gene in edit.branch)
        return changed(block, branches=(*block.branches, branch), merge=self._checked(merge, ("merge",)))

    def _rewrite(self, gene: Gene, edit: k.RewriteOperation) -> Gene:
        component = component_of(gene, self.library)
        draft = rewritten(component, edit.node, edit.operation, edit.options)
        kept = {name: value for name, value in gene.settings.items() if name in draft.setting_order}
        return renamed_gene(changed(gene, settings=kept), draft, self._store(draft))


def _remove_gene(recipe: Recipe, path: str) -> Recipe:
    address, index = branch_place(path)
    gene_at(recipe, path)
    genes = branch_at(recipe, address)
    if len(genes) == 1:
        raise EditError("a branch keeps at least one gene")
    return with_branch(recipe, address, (*genes[:index], *genes[index + 1 :]))


def _remove_branch(block: Block, branch: int) -> Block:
    count = len(block.branches)
    if count == 1:
        raise EditError("a block keeps at least one branch")
    if branch >= count:
        raise EditError(f"the block has branches 0 to {count - 1}")
    branches = (*block.branches[:branch], *block.branches[branch + 1 :])
    return changed(block, branches=branches, merge=block.merge if len(branches) > 1 else None)


def _with_genes(value: Any, function: Callable[[Gene], Gene]) -> Any:
    """A frozen value with every gene in it replaced."""
    match value:
        case Gene():
            return function(value)
        case tuple():
            return tuple(_with_genes(item, function) for item in value)
        case Frozen():
            return value.model_copy(update={name: _with_genes(item, function) for name, item in value})
    return value
