"""Findings: what an edit of one kind, with these components, in this place gained over the recipe it was applied to.

Only attempts made by one edit count, trained in full as their first parent was: with two edits nobody knows which
one it was. The gain is the plain difference of the two scores. Whoever is trained in full was promising before, so
gains are those of edits that looked well at the first rungs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from genome.arrangement import Kinds, bodies
from genome.edits import Edit
from genome.edits import kinds as k
from genome.recipe import Block, Gene, Recipe
from runs.evidence.interval import Interval

LEAST_CASES = 3
ANYWHERE = "anywhere"


@dataclass(frozen=True, slots=True)
class Change:
    """One edit of a fully trained recipe, and its gain in score over that recipe."""

    edit: Edit
    parent: Recipe
    gain: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What was done and where, in words, with the gains of all cases."""

    kind: str
    text: str
    place: str
    interval: Interval

    def __str__(self) -> str:
        where = f" {self.place}" if self.place else ""
        own = self.interval
        return f"{self.text}{where}: {own.mean:+.4f} ± {own.margin:.4f}, {own.cases} cases"


def findings(changes: Iterable[Change], kinds: Kinds) -> tuple[Finding, ...]:
    """Groups of three cases or more, the greatest lower end of the interval first.

    An edit counts for its own words in its place and anywhere, and for what it brought, whatever it took away. Of
    groups with the same cases the most exact one is kept.
    """
    groups: dict[tuple[str, str, str], list[int]] = {}
    known = list(changes)
    for number, change in enumerate(known):
        for group in _groups(change, kinds):
            groups.setdefault(group, []).append(number)
    seen: set[tuple[int, ...]] = set()
    found = []
    for (kind, text, place), members in groups.items():
        if len(members) >= LEAST_CASES and tuple(members) not in seen:
            seen.add(tuple(members))
            # Sorted, so that the order of the rows does not show in the last digit.
            gains = sorted(known[number].gain for number in members)
            found.append(Finding(kind, text, place, Interval.of(gains)))
    return tuple(sorted(found, key=lambda own: (-own.interval.low, own.text, own.place)))


def _groups(change: Change, kinds: Kinds) -> Iterator[tuple[str, str, str]]:
    """The groups of an edit, the most exact first."""
    exact, general = words(change.edit, change.parent, kinds)
    place = place_of(change.edit, change.parent)
    kind = change.edit.kind
    if place:
        yield kind, exact, place
        yield kind, exact, ANYWHERE
    else:
        yield kind, exact, ""
    if general:
        if place:
            yield kind, general, place
        yield kind, general, ANYWHERE


def words(edit: Edit, parent: Recipe, kinds: Kinds) -> tuple[str, str]:
    """What an edit does, exactly and in general; the second is empty where there is nothing more general."""
    genes = dict(parent.genes())
    match edit:
        case k.ReplaceGene(path=path, gene=gene):
            old = genes[path].component
            kind = kinds.get(gene.component, "component")
            return f"replacing {old} by {gene.component}", f"replacing a {kind} by {gene.component}"
        case k.InsertGene(gene=gene):
            return f"inserting {gene.component}", f"inserting a {kinds.get(gene.component, 'component')}"
        case k.RemoveGene(path=path):
            old = genes[path].component
            return f"removing {old}", f"removing a {kinds.get(old, 'component')}"
        case k.SetSetting(path=path, setting=setting, value=value):
            component = genes[path].component
            verb = _direction(genes[path].settings.get(setting), value)
            return f"{verb} {setting} of {component}", f"{verb} {setting}"
        case k.InsertBlock(block=block):
            return f"inserting a block of {_bodies((block,), kinds)}", "inserting a block"
        case k.RemoveBlock(position=position):
            return (
                f"removing a block of {_bodies(parent.blocks[position : position + 1], kinds)}",
                "removing a block",
            )
        case k.MoveBlock(source=source):
            return f"moving a block of {_bodies(parent.blocks[source : source + 1], kinds)}", "moving a block"
        case k.DuplicateBlock(position=position):
            own = _bodies(parent.blocks[position : position + 1], kinds)
            return f"repeating a block of {own}", "repeating a block"
        case k.SplitBlock(branch=branch):
            own = " > ".join(bodies(branch, kinds)) or "no mixer"
            return f"adding a parallel branch of {own}", "adding a parallel branch"
        case k.RemoveBranch():
            return "removing a parallel branch", ""
        case k.SetResidual(gene=gene):
            return f"joining a block by {_name(gene)}", "joining a block in another way"
        case k.SetMerge(gene=gene):
            return f"merging branches by {_name(gene)}", "merging branches in another way"
        case k.Graft(blocks=blocks):
            return f"grafting {_bodies(blocks, kinds)}", "grafting blocks of another recipe"
        case k.RewriteOperation(path=path, operation=operation):
            component = genes[path].component
            return (
                f"rewriting an operation of {component} to {operation}",
                f"rewriting an operation of {component}",
            )
    return edit.kind.replace("_", " "), ""


def place_of(edit: Edit, parent: Recipe) -> str:
    """Where an edit acts: the first, a middle or the last block, or a part of the recipe; "" for the training."""
    match edit:
        case (
            k.InsertGene(path=path) | k.ReplaceGene(path=path) | k.SetSetting(path=path) | k.RemoveGene(path=path)
        ):
            return _place_of_path(path, parent)
        case k.RewriteOperation(path=path):
            return _place_of_path(path, parent)
        case k.InsertBlock(position=position):
            return _block(position, len(parent.blocks) + 1)
        case k.MoveBlock(target=position) | k.Graft(start=position):
            return _block(position, len(parent.blocks))
        case k.DefineComponent():
            return ""
    return _block(edit.position, len(parent.blocks))


def _place_of_path(path: str, parent: Recipe) -> str:
    place = path.partition(".")[0]
    if place == "training":
        return ""
    return _block(int(place), len(parent.blocks)) if place.isdecimal() else f"in the {place}"


def _block(position: int, count: int) -> str:
    if position == 0:
        return "in the first block"
    return "in the last block" if position >= count - 1 else "in a middle block"


def _bodies(blocks: Sequence[Block], kinds: Mapping[str, str]) -> str:
    names = (name for block in blocks for branch in block.branches for name in bodies(branch, kinds))
    return " > ".join(names) or "no mixer"


def _direction(old: object, new: object) -> str:
    if isinstance(old, int | float) and isinstance(new, int | float) and old != new:
        return "raising" if new > old else "lowering"
    return "changing"


def _name(gene: Gene | None) -> str:
    return "nothing" if gene is None else gene.component
