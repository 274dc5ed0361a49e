"""What is in the store twice: the same canonical hash, the same outputs, the same name, or nearly the same text."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal, get_args

from cognition.candidates.judging import Same
from cognition.candidates.signature import signature
from cognition.store.store import LIBRARY, CognitionStore
from genome.component import Component
from genome.errors import GenomeError
from genome.parser import parse_component

Rule = Literal["hash", "behaviour", "name", "text"]
RULES: tuple[Rule, ...] = get_args(Rule)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A row that seems to repeat another; the rows are of one form. `similarity` is 1 but for the rule "text"."""

    form: str
    kept: int
    kept_name: str
    repeated: int
    repeated_name: str
    rule: Rule
    similarity: float


def duplicates(
    store: CognitionStore, threshold: float = 0.8, rules: Sequence[Rule] = RULES, same: Same | None = None
) -> list[Duplicate]:
    """Every proposal by the rules, surest first; the library's row, else the older one, is the kept one.

    `threshold` is the least share of distinct words in common (Jaccard), of names and texts together. `same` says
    whether two components compute the same; without it nothing is proposed by behaviour. Each row is proposed at
    most once as a repetition, and what is kept repeats nothing.
    """
    found: list[Duplicate] = []
    for form in ("component", "architecture", "paper"):
        texts = store.paper_texts() if form == "paper" else store.component_texts()
        rows = [row for row in texts if row["form"] == form]
        rows.sort(key=lambda row: (row["origin"] != LIBRARY, row["id"]))
        found += _proposals(form, rows, threshold, rules, same if form == "component" else None)
    order = {rule: place for place, rule in enumerate(RULES)}
    return sorted(found, key=lambda one: (order[one.rule], -one.similarity, one.form, one.repeated))


def _proposals(
    form: str, rows: Sequence[Mapping[str, Any]], threshold: float, rules: Sequence[Rule], same: Same | None
) -> Iterator[Duplicate]:
    repeated: set[int] = set()

    def proposed(first: int, second: int, rule: Rule, similarity: float) -> Iterator[Duplicate]:
        if first not in repeated and second not in repeated:
            repeated.add(second)
            kept, other = rows[first], rows[second]
            yield Duplicate(form, kept["id"], kept["label"], other["id"], other["label"], rule, similarity)

    if "hash" in rules:
        for first, other in _equal(rows, lambda row: row["hash"]):
            yield from proposed(first, other, "hash", 1.0)
    if "behaviour" in rules and same is not None:
        for first, other in _alike(rows, repeated, same):
            yield from proposed(first, other, "behaviour", 1.0)
    if "name" in rules:
        for first, other in _equal(rows, lambda row: _plain(row["name"])):
            yield from proposed(first, other, "name", 1.0)
    if "text" in rules:
        words = [
            frozenset(re.findall(r"\w+", f"{row['name']} {row['text']}".casefold().replace("_", " ")))
            for row in rows
        ]
        for first, second, similarity in sorted(similar(words, threshold), key=lambda pair: (-pair[2], pair[:2])):
            yield from proposed(first, second, "text", similarity)


def _equal(
    rows: Sequence[Mapping[str, Any]], key: Callable[[Mapping[str, Any]], str]
) -> Iterator[tuple[int, int]]:
    """The first place of each key that is not empty, with every other place of it."""
    groups: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if key(row):
            groups[key(row)].append(place)
    for first, *others in groups.values():
        for other in others:
            yield first, other


def _alike(rows: Sequence[Mapping[str, Any]], repeated: set[int], same: Same) -> Iterator[tuple[int, int]]:
    """Places of components that compute the same; only those of one signature are compared.

    The library's own are known to differ and are not compared with each other. What repeats another row already,
    and sources that are no longer in the language, are passed over.
    """
    groups: dict[str, list[tuple[int, Component]]] = defaultdict(list)
    for place, row in enumerate(rows):
        if place not in repeated:
            try:
                component = parse_component(row["source"], {})
                groups[signature(component)].append((place, component))
            except GenomeError:
                continue
    for group in groups.values():
        distinct: list[tuple[int, Component]] = []
        for place, component in group:
            own = rows[place]["origin"] == LIBRARY
            twins = (first for first, other in distinct if not own and same(component, other))
            twin = next(twins, None)
            if twin is None:
                distinct.append((place, component))
            else:
                yield twin, place


def similar(sets: Sequence[frozenset[str]], threshold: float) -> Iterator[tuple[int, int, float]]:
    """Every pair of sets (the lower place first) whose Jaccard similarity is at least `threshold`, exactly.

    Sets that similar share a word among their rarest, the larger's |x| - ceil(t |x|) + 1 and the smaller's
    |y| - ceil(2t / (1 + t) |y|) + 1 (prefix filtering: Xiao, Wang, Lin and Yu, Efficient Similarity Joins for
    Near Duplicate Detection, 2008), so that few pairs are compared.
    """
    counts = Counter(word for words in sets for word in words)
    rank = {word: place for place, word in enumerate(sorted(counts, key=lambda word: (counts[word], word)))}
    index: dict[str, list[int]] = defaultdict(list)
    for place in sorted(range(len(sets)), key=lambda place: (len(sets[place]), place)):
        words = sorted(sets[place], key=rank.__getitem__)
        size = len(words)
        least = _least(threshold * size)
        candidates: set[int] = set()
        for word in words[: size - least + 1]:
            candidates.update(index[word])
        for other in candidates:
            if len(sets[other]) >= least:
                shared = len(sets[place] & sets[other])
                similarity = shared / (size + len(sets[other]) - shared)
                if similarity >= threshold - 1e-9:
                    yield min(place, other), max(place, other), similarity
        for word in words[: size - _least(2 * threshold / (1 + threshold) * size) + 1]:
            index[word].append(place)


def _least(share: float) -> int:
    """The least whole number that is not below `share`; 7.000000000000001 counts as 7."""
    return ceil(share - 1e-9)


def _plain(name: str) -> str:
    """A name without case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", name).casefold()
