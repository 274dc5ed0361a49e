"""What is in the store twice: the same canonical hash, the same name, or nearly the same text."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

from cognition.store.store import CognitionStore

Rule = Literal["hash", "name", "text"]
RULES: tuple[Rule, ...] = ("hash", "name", "text")


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A row that seems to repeat another; the rows are of one form. `similarity` is 1 for the rule "hash"."""

    form: str
    kept: int
    kept_name: str
    repeated: int
    repeated_name: str
    rule: Rule
    similarity: float


def duplicates(store: CognitionStore, threshold: float = 0.8) -> list[Duplicate]:
    """Every proposal, surest first; the library's row, else the older one, is the kept one.

    `threshold` is the least share of distinct words in common (Jaccard), of names and texts together. Each row
    is proposed at most once as a repetition, and what is kept repeats nothing.
    """
    found: list[Duplicate] = []
    for form in ("component", "architecture", "paper"):
        texts = store.paper_texts() if form == "paper" else store.component_texts()
        rows = [row for row in texts if row["form"] == form]
        rows.sort(key=lambda row: (row["origin"] != "library", row["id"]))
        found += _proposals(form, rows, threshold)
    order = {rule: place for place, rule in enumerate(RULES)}
    return sorted(found, key=lambda one: (order[one.rule], -one.similarity, one.form, one.repeated))


def _proposals(form: str, rows: Sequence[Mapping[str, Any]], threshold: float) -> Iterator[Duplicate]:
    repeated: set[int] = set()

    def proposed(first: int, second: int, rule: Rule, similarity: float) -> Iterator[Duplicate]:
        if first not in repeated and second not in repeated:
            repeated.add(second)
            kept, other = rows[first], rows[second]
            yield Duplicate(form, kept["id"], kept["label"], other["id"], other["label"], rule, similarity)

    keys: tuple[tuple[Rule, Callable[[Mapping[str, Any]], str]], ...] = (
        ("hash", lambda row: row["hash"]),
        ("name", lambda row: _plain(row["name"])),
    )
    for rule, key in keys:
        groups: dict[str, list[int]] = defaultdict(list)
        for place, row in enumerate(rows):
            if key(row):
                groups[key(row)].append(place)
        for first, *others in groups.values():
            for other in others:
                yield from proposed(first, other, rule, 1.0)
    words = [
        frozenset(re.findall(r"\w+", f"{row['name']} {row['text']}".casefold().replace("_", " "))) for row in rows
    ]
    for first, second, similarity in sorted(similar(words, threshold), key=lambda pair: (-pair[2], pair[:2])):
        yield from proposed(first, second, "text", similarity)


def similar(sets: Sequence[frozenset[str]], threshold: float) -> Iterator[tuple[int, int, float]]:
    """Every pair of sets (the lower place first) whose Jaccard similarity is at least `threshold`, exactly.

    Sets that similar share a word among their rarest, the larger's |x| - ceil(t |x|) + 1 and the smaller's
    |y| - ceil(2t / (1 + t) |y|) + 1 (prefix filtering: Xiao, Wang, Lin and Yu, Efficient Similarity Joins for
    Near Duplicate Detection, 2008), so that few pairs are compared.
    """
    counts = Counter(word for words in sets for word in words)
    index: dict[str, list[int]] = defaultdict(list)
    for place in sorted(range(len(sets)), key=lambda place: (len(sets[place]), place)):
        words = sorted(sets[place], key=lambda word: (counts[word], word))
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
