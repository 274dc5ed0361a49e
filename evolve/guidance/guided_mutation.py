"""The guided mutation: an edit that brings in a component which answers a weakness of its parent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from cognition.knowledge import Answer
from evolve.guidance.guide import Guide
from evolve.mutation import MOST_BLOCKS, place_of, usual_norm
from genome.arrangement import BODY_KINDS, around_block, around_gene
from genome.component import Library
from genome.edits import Edit
from genome.edits.kinds import InsertBlock, InsertGene, ReplaceGene
from genome.recipe import Block, Gene, Recipe

FORMS = {"replace": 0.5, "block": 0.3, "gene": 0.2}
"""How often an answer takes the place of a component, comes in a new block, or into a branch."""

REPLACED_KINDS = (*BODY_KINDS, "embedding", "position", "norm", "head")


@dataclass(frozen=True, slots=True)
class Guided:
    """An edit and what it is for."""

    edit: Edit
    skill: str
    beside: str = ""

    def told(self, description: str) -> str:
        """The edit's description with its purpose."""
        return f"for {self.skill}: {description}{self.beside}"


def guided(
    guide: Guide, recipe: Recipe, weaknesses: Mapping[str, float], library: Library, random: Random
) -> Guided | None:
    """Draw a weakness, then a component that answers it with its place: by relevance times the weight of its pairs.

    None where no answer fits anywhere.
    """
    if not weaknesses:
        return None
    skill = random.choices(list(weaknesses), list(weaknesses.values()))[0]
    answers = [
        answer
        for answer in guide.answers[skill]
        if answer.component in library and library[answer.component].kind in REPLACED_KINDS
    ]
    forms = {
        "replace": list(_replacements(guide, recipe, answers, library)),
        "block": list(_blocks(guide, recipe, answers, library)),
        "gene": list(_genes(guide, recipe, answers, library)),
    }
    possible = [form for form, options in forms.items() if options]
    if not possible:
        return None
    options = forms[random.choices(possible, [FORMS[form] for form in possible])[0]]
    edit, beside, _ = random.choices(options, [weight for _, _, weight in options])[0]
    return Guided(edit, skill, beside)


Option = tuple[Edit, str, float]


def _replacements(guide: Guide, recipe: Recipe, answers: Sequence[Answer], library: Library) -> Iterator[Option]:
    for path, gene in recipe.genes():
        kind = library[gene.component].kind
        place = place_of(path)
        weigh = _alike if place is None else guide.gene(recipe, place, replaced=True)
        for answer in answers:
            if library[answer.component].kind == kind and answer.component != gene.component:
                edit = ReplaceGene(path=path, gene=Gene(component=answer.component))
                yield edit, "", answer.relevance * weigh(answer.component)


def _blocks(guide: Guide, recipe: Recipe, answers: Sequence[Answer], library: Library) -> Iterator[Option]:
    if len(recipe.blocks) >= MOST_BLOCKS:
        return
    norm = usual_norm(recipe, library)
    for position in range(len(recipe.blocks) + 1):
        near = around_block(recipe, position, guide.kinds)
        weigh = guide.between(near)
        for answer in _bodies(answers, library):
            genes = tuple(gene for gene in (norm, Gene(component=answer.component)) if gene is not None)
            edit = InsertBlock(position=position, block=Block(branches=(genes,)))
            yield edit, _beside(near.before, near.after), answer.relevance * weigh(answer.component)


def _genes(guide: Guide, recipe: Recipe, answers: Sequence[Answer], library: Library) -> Iterator[Option]:
    for path, gene in recipe.genes():
        place = place_of(path)
        if place is None or library[gene.component].kind not in BODY_KINDS:
            continue
        near = around_gene(recipe, place, guide.kinds, replaced=False)
        weigh = guide.between(near)
        for answer in _bodies(answers, library):
            edit = InsertGene(path=path, gene=Gene(component=answer.component))
            yield edit, _beside((), near.after), answer.relevance * weigh(answer.component)


def _alike(name: str) -> float:
    return 1.0


def _bodies(answers: Sequence[Answer], library: Library) -> list[Answer]:
    return [answer for answer in answers if library[answer.component].kind in BODY_KINDS]


def _beside(before: Sequence[str], after: Sequence[str]) -> str:
    if after:
        return f" before {' and '.join(after)}"
    return f" after {' and '.join(before)}" if before else ""
