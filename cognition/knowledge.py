"""What a search or a dream takes from a cognition store: components that answer a weakness, and good neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from genome.arrangement import Pair, junction, pairs
from genome.recipe import Recipe

if TYPE_CHECKING:
    from cognition.store.reading import Reading

SKILL_WORDS: Mapping[str, tuple[str, ...]] = {
    "recall": ("recall", "associative", "retrieve", "lookup", "key"),
    "copying": ("copying", "copy", "position", "token"),
    "compression": ("compression", "compress", "summary", "state"),
    "memorisation": ("memorisation", "memory", "capacity", "fact"),
    "state tracking": ("tracking", "parity", "permutation", "reflection"),
    "text": ("text", "language", "local", "neighbour"),
}
"""What is looked for in triggers and insights where a skill is weak; the first word is the trigger's own."""

PUBLISHED, ANOTHER = 0.5, 0.1
"""Strength of a pair of neighbours that one architecture was published with, and for every further one."""

RELATED = 0.5
"""Strength of a pair that a paper says goes together."""

MOST_PUBLISHED = 1.0
NAMED = 4
"""Architectures that are named as reason."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A component that may help a skill; `relevance` is its BM25 score as a part of the best one's."""

    component: str
    relevance: float
    insight: str


@dataclass(frozen=True, slots=True)
class Affinity:
    """How well two neighbours are known to do, and why.

    `strength` is 0 where nothing is known. Of measured pairs it is the lift in units of a search's typical error,
    shrunk; for published and related ones it is a convention on the same scale.
    """

    pair: Pair
    strength: float
    reason: str


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Answers by skill, best first, and affinities of pairs, each pair once."""

    answers: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    affinities: tuple[Affinity, ...] = ()


def knowledge(store: Reading) -> Knowledge:
    """What a store knows, a function of its rows.

    A pair that searches measured has their mean strength, weighted by cases. Of the others, one that a paper relates
    has `RELATED`, and one that stands in published architectures `PUBLISHED` and a little more for each further one.
    """
    found = {affinity.pair: affinity for affinity in _published(store)}
    for subject, other, paper in store.stated("pairs_with"):
        reason = f"a paper says they go together{f' (arXiv {paper})' if paper else ''}"
        for pair in (Pair(subject, other), Pair(other, subject)):
            found[pair] = Affinity(pair, max(RELATED, found[pair].strength if pair in found else 0.0), reason)
    found |= {affinity.pair: affinity for affinity in _measured(store)}
    answers = {skill: tuple(_answers(store, words)) for skill, words in SKILL_WORDS.items()}
    return Knowledge(answers, tuple(found[pair] for pair in sorted(found)))


@cache
def library_knowledge() -> Knowledge:
    """What the shipped library alone knows: the same on every machine."""
    from cognition.store.store import CognitionStore

    with (
        TemporaryDirectory(prefix="archevolve-") as folder,
        CognitionStore.open(Path(folder) / "cognition.db") as store,
    ):
        return knowledge(store)


def _answers(store: Reading, words: Iterable[str]) -> Iterator[Answer]:
    matches = [match for match in store.answering(words) if match.form == "component"]
    best = max((match.score for match in matches), default=1.0)
    # Rounded, so that the last digits of a logarithm decide nothing.
    relevant = [Answer(match.name, round(match.score / best, 6), match.text) for match in matches]
    yield from sorted(relevant, key=lambda answer: (-answer.relevance, answer.component))


def _published(store: Reading) -> Iterator[Affinity]:
    kinds = store.kinds()
    standing: dict[Pair, list[str]] = {}
    for name, source in sorted(store.architectures().items()):
        recipe = Recipe.from_json(source)
        # A published stack repeats its blocks.
        for pair in pairs(recipe, kinds) | {*junction(recipe.blocks, recipe.blocks, kinds)}:
            standing.setdefault(pair, []).append(name)
    for pair, names in standing.items():
        strength = min(MOST_PUBLISHED, round(PUBLISHED + ANOTHER * (len(names) - 1), 6))
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield Affinity(pair, strength, f"published in {', '.join(names[:NAMED])}{more}")


def _measured(store: Reading) -> Iterator[Affinity]:
    for pair, own in store.measured_pairs().items():
        searches = "1 search" if own.searches == 1 else f"{own.searches} searches"
        yield Affinity(pair, own.strength, f"measured: lift {own.mean:+.4f} in {own.cases} cases of {searches}")
