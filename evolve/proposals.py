"""One generation's proposals: varied, sized, checked against what is known, and numbered.

Each proposal draws from a generator seeded by (seed, attempt number) and looks only at settled attempts, so
the genealogy is the same for any number of workers and any number of kills.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from random import Random

from cognition.loader import load_architectures
from evolve.credit import Credit
from evolve.families import recipe_family
from evolve.guidance.guide import Guide
from evolve.history import History, Individual
from evolve.measurement import Laboratory, Subject
from evolve.seeds import seed_names
from evolve.strategies import Strategy
from evolve.sweep import SWEEP, due
from evolve.variation import SEED, Variation, toolbox, vary
from genome.component import Component, Library
from genome.edits import apply, edits_to_json
from genome.errors import GenomeError
from genome.recipe import Recipe, recipe_hash
from runs import records
from runs.calls import LANGUAGE_MODEL

BUDGET_TOLERANCE = 0.05
"""Distance to the parameter budget up to which recipes count as matched."""

BUDGET_LIMIT = 0.25
"""Distance beyond which a recipe that has no size to adjust is refused."""

FLOPS_LIMIT = 3.0
"""A candidate may cost this many times the forward FLOPs of two per parameter."""

TRIES_PER_PROPOSAL = 8

SWEPT_PART = 4
"""One in so many proposals may be a sweep."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """A proposal for the store, with the subject to train where it is new and legal."""

    proposal: records.Proposal
    subject: Subject | None
    variation: Variation

    def of(self, offer: Offer) -> Drafted:
        """The same with the calls that led to it, and what is expected of it."""
        return replace(self, proposal=replace(self.proposal, calls=offer.calls, expected=offer.expected))


@dataclass(frozen=True, slots=True)
class Offer:
    """A variation that a language model proposed, the calls it took, and what the model expects of each skill."""

    variation: Variation
    calls: tuple[int, ...]
    expected: Mapping[str, str]


@dataclass(frozen=True)
class Proposer:
    """Drafts generations of proposals. `seeds` are recipes of the user's, by name: they come first, besides the rest."""

    seed: int
    population: int
    strategy: Strategy
    laboratory: Laboratory
    seeds: Mapping[str, Recipe] = field(default_factory=dict)

    def draft(
        self,
        generation: int,
        first: int,
        history: History,
        credit: Mapping[str, Credit],
        guide: Guide | None = None,
        offers: Sequence[Offer] = (),
    ) -> list[Drafted]:
        """Proposals numbered from `first`, until a population of new and legal ones is found or tries run out.

        With a guide, what is known weighs in them. Every offer is one of them, whatever becomes of it; those after
        it make up for what is refused.
        """
        box = toolbox(guide)
        wanted = self.population + (len(self.seeds) if generation == 1 else 0)
        drafts: list[Drafted] = []
        pending: list[Individual] = []
        known = dict(history.hashes)
        sweeps = self._sweeps(history, known)
        given = self._seeds() if generation == 1 else islice(sweeps, self.population // SWEPT_PART)
        fresh = 0
        offered = iter(offers)
        while fresh < wanted and len(drafts) < wanted * TRIES_PER_PROPOSAL:
            attempt = first + len(drafts)
            random = Random(f"{self.seed}/{attempt}")
            offer = next(offered, None)
            variation = next(given, None) if offer is None else offer.variation
            if variation is None:
                parent = self.strategy.parent(history, pending, random)
                variation = vary(box, parent, self.partners(history), history, credit, random)
                if parent is not None:
                    pending.append(parent)
            draft = self.check(variation, attempt, known, history.library)
            if offer is not None:
                draft = draft.of(offer)
            drafts.append(draft)
            if draft.subject is not None:
                fresh += 1
                known[draft.subject.hash] = attempt
        return drafts

    def partners(self, history: History) -> Sequence[Individual]:
        """The best: whom a parent may be crossed with, and beside whom its weaknesses show."""
        return history.ranked[: 2 * self.population]

    def _seeds(self) -> Iterator[Variation]:
        """The user's recipes, then published ones."""
        published = {name: load_architectures()[name].recipe for name in seed_names()}
        for name, recipe in (*self.seeds.items(), *published.items()):
            yield Variation(SEED, (), (), (name,), recipe)

    def _sweeps(self, history: History, known: Mapping[str, int]) -> Iterator[Variation]:
        """Variants of the best in their learning rate, but those that were trained already."""
        for individual, edit in due(history) if self.strategy.learns else ():
            applied = apply(individual.recipe, [edit], history.library)
            if recipe_hash(applied.recipe, history.library) not in known:
                yield Variation(SWEEP, (individual.attempt,), (edit,), applied.descriptions, applied.recipe)

    def check(self, variation: Variation, attempt: int, known: Mapping[str, int], library: Library) -> Drafted:
        """The variation with its sizes, or refused with the reason: illegal, known by hash, or beyond the budget."""
        if variation.recipe is None:
            return self._refused(variation, None, "rejected", variation.reason)
        extended = {**library, **{component.name: component for component in variation.components}}
        recipe = records.Recipe(
            recipe_hash(variation.recipe, extended), variation.recipe.json_text, label(variation)
        )
        if recipe.hash in known:
            return self._refused(variation, recipe, "duplicate", f"equals attempt {known[recipe.hash]}")
        try:
            subject = self.laboratory.subject(variation.recipe, recipe.hash, attempt, library=extended)
        except GenomeError as error:
            return self._refused(variation, recipe, "rejected", str(error))
        budget = self.laboratory.scale.parameters
        cost = subject.instance.cost
        difference = cost.parameters / budget - 1
        if abs(difference) > BUDGET_LIMIT:
            reason = f"{cost.parameters} parameters, {difference:+.0%} of the budget of {budget}"
            return self._refused(variation, recipe, "rejected", reason)
        if cost.flops_per_token > FLOPS_LIMIT * 2 * budget:
            reason = f"{cost.flops_per_token:.3g} FLOPs per token, over {FLOPS_LIMIT:g} times two per parameter"
            return self._refused(variation, recipe, "rejected", reason)
        adjustments = ()
        if abs(difference) > BUDGET_TOLERANCE:
            reason = "no hidden size takes up the difference to the budget"
            adjustments = (records.Adjustment("parameters", budget, cost.parameters, reason),)
        origin = "proposed" if variation.operator.startswith(LANGUAGE_MODEL) else "derived"
        proposal = records.Proposal(
            variation.operator,
            recipe,
            variation.parents,
            _edits(variation),
            components=tuple(_component(component, origin) for component in variation.components),
            adjustments=adjustments,
            label=recipe.label,
            family=recipe_family(variation.recipe, extended),
            parameters=cost.parameters,
            flops_per_token=round(cost.flops_per_token),
            state_bytes=cost.state_bytes,
        )
        return Drafted(proposal, subject, variation)

    def _refused(
        self, variation: Variation, recipe: records.Recipe | None, status: records.ProposalStatus, reason: str
    ) -> Drafted:
        parents, edits = variation.parents, _edits(variation)
        known = recipe if status == "duplicate" else None
        proposal = records.Proposal(
            variation.operator, known, parents, edits, status, reason, label=recipe.label if recipe else ""
        )
        return Drafted(proposal, None, variation)


def label(variation: Variation) -> str:
    """A short name for tables: the published name, or what the last edit did."""
    return variation.descriptions[-1][:80] if variation.descriptions else variation.operator


def _edits(variation: Variation) -> tuple[records.Edit, ...]:
    pairs = zip(variation.edits, variation.descriptions, strict=False)
    return tuple(records.Edit(edit.kind, edits_to_json([edit])[1:-1], line) for edit, line in pairs)


def _component(component: Component, origin: records.Origin) -> records.Component:
    return records.Component(component.name, component.hash, component.kind, component.source, origin)
