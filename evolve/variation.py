"""Variation: the operators of a search in a DEAP toolbox, and how one proposal comes about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from deap import base

from evolve.credit import Credit, choose
from evolve.guidance.guide import Guide
from evolve.guidance.guided_mutation import Guided, guided
from evolve.history import History, Individual
from evolve.mutation import FEWEST_BLOCKS, MOST_BLOCKS, MUTATIONS, WEIGHED, gene_of_kind
from genome.component import Component, Library
from genome.edits import Applied, Edit, apply
from genome.edits.kinds import Graft, ReplaceGene
from genome.recipe import Block, Gene, Recipe

CROSSOVER, SAMPLE, SEED, GUIDED = "crossover", "sample", "seed", "guided"
CROSSOVER_PRIOR = GUIDED_PRIOR = 2.0
SPANS_WEIGHED = 8
"""Spans that crossover draws, and chooses among by their ends, where it has a guide."""

TRAINING_SHARE = 0.4
"""Probability that crossover takes the other recipe's training as well, where it differs."""

SECOND_MUTATION = 0.25
"""Probability that a mutation is followed by a second one."""


@dataclass(frozen=True, slots=True)
class Variation:
    """One proposal: what was done to whom. A failed one has a reason and no recipe."""

    operator: str
    parents: tuple[int, ...]
    edits: tuple[Edit, ...]
    descriptions: tuple[str, ...]
    recipe: Recipe | None
    components: tuple[Component, ...] = ()
    reason: str = ""


def toolbox(guide: Guide | None = None) -> base.Toolbox:
    """DEAP's toolbox with every mutation by its name, crossover, and the draw of a fresh recipe.

    A guide weighs in mutations and crossover, and brings the guided mutation.
    """
    box = base.Toolbox()
    for name, (mutation, _) in MUTATIONS.items():
        box.register(name, mutation, **({"guide": guide} if name in WEIGHED else {}))
    box.register(CROSSOVER, graft, guide=guide)
    box.register(SAMPLE, sample)
    if guide is not None:
        box.register(GUIDED, _answered, guide)
    return box


def vary(
    box: base.Toolbox,
    parent: Individual | None,
    partners: Sequence[Individual],
    history: History,
    credit: Mapping[str, Credit],
    random: Random,
) -> Variation:
    """Vary the parent by an operator chosen by credit; without a parent, draw a recipe afresh.

    Raises nothing: edits that do not apply give a variation with a reason.
    """
    if parent is None:
        return Variation(SAMPLE, (), (), (), getattr(box, SAMPLE)(history.library, random))
    mates = [partner for partner in partners if partner.attempt != parent.attempt]
    priors = {name: prior for name, (_, prior) in MUTATIONS.items()} | (
        {CROSSOVER: CROSSOVER_PRIOR} if mates else {}
    )
    priors |= {GUIDED: GUIDED_PRIOR} if hasattr(box, GUIDED) else {}
    operator = choose(list(priors), priors, credit, random)
    parents = (parent.attempt,)
    answer: Guided | None = None
    if operator == CROSSOVER:
        mate = random.choice(mates)
        parents = (parent.attempt, mate.attempt)
        edits = tuple(getattr(box, CROSSOVER)(parent.recipe, mate.recipe, random))
    elif operator == GUIDED:
        answer = getattr(box, GUIDED)(parent, partners, history.library, random)
        edits = (answer.edit,) if answer else ()
    else:
        edits = tuple(getattr(box, operator)(parent.recipe, history.library, random))
    if not edits:
        return Variation(operator, parents, (), (), None, reason="the parent offers nothing to change")
    try:
        applied = apply(parent.recipe, edits, history.library)
        if operator != CROSSOVER and random.random() < SECOND_MUTATION:
            edits, applied = _mutate_again(box, parent.recipe, edits, applied, history.library, random)
    except ValueError as error:
        return Variation(operator, parents, edits, tuple(edit.kind for edit in edits), None, reason=str(error))
    first, *others = applied.descriptions
    descriptions = (answer.told(first) if answer else first, *others)
    return Variation(operator, parents, edits, descriptions, applied.recipe, applied.components)


def _answered(
    guide: Guide, parent: Individual, population: Sequence[Individual], library: Library, random: Random
) -> Guided | None:
    """The guided mutation of a parent, for what it is weak in beside a population."""
    return guided(guide, parent.recipe, guide.weaknesses(parent, population), library, random)


def _mutate_again(
    box: base.Toolbox,
    recipe: Recipe,
    edits: tuple[Edit, ...],
    applied: Applied,
    library: Library,
    random: Random,
) -> tuple[tuple[Edit, ...], Applied]:
    names = [name for name in MUTATIONS if name != "rewrite"]
    weights = [MUTATIONS[name][1] for name in names]
    known = {**library, **{component.name: component for component in applied.components}}
    more = getattr(box, random.choices(names, weights)[0])(applied.recipe, known, random)
    both = (*edits, *more)
    return both, apply(recipe, both, library)


def graft(recipe: Recipe, other: Recipe, random: Random, guide: Guide | None = None) -> Sequence[Edit]:
    """Crossover: put a span of the other recipe's blocks in the place of a span of this one's.

    Sometimes the training comes along: which optimizer serves a recipe shows in its blocks' descendants. With a
    guide, one of several spans is drawn by what its ends come to stand beside.
    """
    spans = [_span(recipe, other, random) for _ in range(1 if guide is None else SPANS_WEIGHED)]
    possible = [span for span in spans if span is not None]
    if not possible:
        return ()
    span = possible[0]
    if guide is not None:
        blocks = recipe.blocks
        weights = [guide.span(blocks[: own.start], own.blocks, blocks[own.stop :]) for own in possible]
        (span,) = random.choices(possible, weights)
    if other.training != recipe.training and random.random() < TRAINING_SHARE:
        return (span, ReplaceGene(path="training", gene=other.training))
    return (span,)


def _span(recipe: Recipe, other: Recipe, random: Random) -> Graft | None:
    length = random.randint(1, max(1, min(4, len(other.blocks) - 1)))
    source = random.randrange(len(other.blocks) - length + 1)
    start = random.randint(0, len(recipe.blocks) - 1)
    stop = min(len(recipe.blocks), start + random.randint(max(0, length - 1), length + 1))
    total = len(recipe.blocks) - (stop - start) + length
    if not FEWEST_BLOCKS <= total <= MOST_BLOCKS:
        return None
    return Graft(start=start, stop=stop, blocks=other.blocks[source : source + length])


def sample(library: Library, random: Random) -> Recipe:
    """A recipe drawn from the space that mutation moves in: published components in a pre-norm residual stack."""

    def gene(*kinds: str) -> Gene:
        drawn = gene_of_kind(library, kinds, random)
        assert drawn is not None, f"the library has no {' or '.join(kinds)}"
        return drawn

    norm = gene("norm")
    bodies = ("mixer", "channel") if random.random() < 0.8 else ("mixer", "mixer")
    layers = random.randint(1, 3)
    blocks = tuple(
        Block(branches=((norm, gene(bodies[0] if random.random() < 0.9 else bodies[1])),))
        if index % 2 == 0
        else Block(branches=((norm, gene(bodies[1])),))
        for index in range(2 * layers)
    )
    return Recipe(
        embedding=(gene("embedding"),), blocks=blocks, head=(norm, gene("head")), training=gene("training")
    )
