"""What a title and an abstract say about known components, found by rules, without a language model.

A sentence that names a known component is a mention. Two names in one sentence are related: one replaces the other,
builds on it, or is combined with it where the words between and before them say so; otherwise they occur together.
Every relation carries its sentence, so that a person can judge it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cognition.store.records import RelationKind, Statement

_GAP = r"[^;]{0,80}"
_NOT = re.compile(r"\b(?:not|never|without|cannot|neither|nor)\b|n't\b", re.IGNORECASE)
_REPLACES = re.compile(
    r"\b(?:replac(?:es|ing)|substitut(?:es|ing) for|supersed(?:es|ing)|instead of|in place of"
    rf"|(?:replacement|substitute|alternative|successor) (?:for|to|of)){_GAP}$",
    re.IGNORECASE,
)
_REPLACED_BY = re.compile(rf"^{_GAP}\b(?:replaced|substituted|superseded) (?:by|with)\b", re.IGNORECASE)
_REPLACE = re.compile(r"\b(?:replac(?:e|es|ed|ing)|substitut(?:e|es|ed|ing))\W[^.;]{0,40}$", re.IGNORECASE)
_WITH = re.compile(r"^[^;]{0,40}\b(?:with|by)\b", re.IGNORECASE)
_BUILDS_ON = re.compile(
    r"\b(?:buil(?:d|ds|t|ding) (?:up)?on|based on|exten(?:d|ds|ding)|generali[sz](?:es|ing)"
    r"|improv(?:es|ing)(?: up)?(?: on)?"
    rf"|inspired by|derived from|(?:variant|extension|version|generali[sz]ation) of){_GAP}$",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"\b(?:we|this (?:paper|work)|our \w+)\b[^.;]{0,60}"
    r"\b(?:builds? (?:up)?on|extends?|improves?(?: up)?(?: on)?|generali[sz]es?)\W[^.;]{0,40}$",
    re.IGNORECASE,
)
_COMBINES = re.compile(
    r"\b(?:combin|hybrid|interleav|mixing|mixes|fus(?:e|es|ing)|integrat|augment|coupl|unif(?:y|ies)|together with)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(
    r"(?<=[.!?])(?<!\bal\.)(?<!\bi\.e\.)(?<!\be\.g\.)(?<!\bvs\.)(?<!\bcf\.)(?<!\bFig\.)\s+(?=[A-Z0-9$\\(])"
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A known component (by row) with its place in a sentence."""

    component: int
    start: int
    end: int


class Vocabulary:
    """Names of known components, ready to be found in text."""

    def __init__(self, names: Mapping[int, Sequence[str]]) -> None:
        """`names` are all names of a component by its row; a name that two components share is the first's.

        A single lower-case word, such as the code name "canon", is an ordinary word and is not looked for.
        """
        self._owners: dict[str, int] = {}
        spellings: set[str] = set()
        for component, many in names.items():
            for one in many:
                if not (one.isalpha() and one.islower()):
                    self._owners.setdefault(_key(one), component)
                    spellings.add(one)
        ordered = sorted(spellings, key=lambda one: (-len(one), one))
        pattern = "|".join(map(_spelling, ordered))
        # "Mamba-3" is no Mamba and "Transformer-XL" no Transformer; "Mamba-based" and "DeltaNets" count.
        after = r"(?![A-Za-z0-9]|-?\d|\s\d\b|-[A-Z][A-Z0-9]*\b)"
        self._pattern = re.compile(rf"(?<![A-Za-z0-9])(?:{pattern})s?{after}") if ordered else None

    def mentions(self, sentence: str) -> list[Mention]:
        """Every known name in a sentence, in order; the longest name where two begin at one place."""
        if self._pattern is None:
            return []
        found = []
        for match in self._pattern.finditer(sentence):
            owner = self._owners.get(_key(match.group()), self._owners.get(_key(match.group().removesuffix("s"))))
            if owner is not None:
                found.append(Mention(owner, match.start(), match.end()))
        return found


def statements(title: str, abstract: str, vocabulary: Vocabulary) -> tuple[Statement, ...]:
    """What a paper says about known components: each mention once, each relation once, with its first sentence."""
    found: dict[tuple[str, int | None, int], Statement] = {}
    for sentence in (" ".join(title.split()), *sentences(abstract)):
        for statement in _sentence_statements(sentence, vocabulary.mentions(sentence)):
            key = statement.kind, statement.subject, statement.object
            # Two names that only occur together say less than any later sentence that relates them.
            if key not in found or (found[key].rule == "occurs with" and statement.rule != "occurs with"):
                found[key] = statement
    related = {
        frozenset((s.subject, s.object)) for s in found.values() if s.rule not in ("occurs with", "mention")
    }
    return tuple(
        s for s in found.values() if s.rule != "occurs with" or frozenset((s.subject, s.object)) not in related
    )


def sentences(text: str) -> list[str]:
    """A text's sentences, white space made single; abbreviations such as "et al." end none."""
    flat = " ".join(text.split())
    return _SENTENCE.split(flat) if flat else []


def _sentence_statements(sentence: str, mentions: Sequence[Mention]) -> Iterator[Statement]:
    for mention in mentions:
        yield Statement("mentions", None, mention.component, sentence, "mention")
        before = sentence[: mention.start]
        if _OWN.search(before) and not _NOT.search(before):
            yield Statement("builds_on", None, mention.component, sentence, "builds on")
    for first, second in pairwise(mentions):
        if first.component != second.component:
            yield _pair(sentence, first, second)
    for i, first in enumerate(mentions):
        for second in mentions[i + 2 :]:
            if second.component != first.component:
                yield _together(sentence, first, second, "occurs with")


def _pair(sentence: str, first: Mention, second: Mention) -> Statement:
    """What a sentence says of two names with no other known name between them."""
    before, between = sentence[: first.start], sentence[first.end : second.start]
    told: tuple[RelationKind, str, bool] | None = None
    if (_REPLACE.search(before) and _WITH.search(between)) or _REPLACED_BY.search(between):
        told = "replaces", "replaces", False
    elif _REPLACES.search(between):
        told = "replaces", "replaces", True
    elif _BUILDS_ON.search(between):
        told = "builds_on", "builds on", True
    if told is not None and not _NOT.search(before[-40:] + between):
        kind, rule, forwards = told
        subject, target = (first, second) if forwards else (second, first)
        return Statement(kind, subject.component, target.component, sentence, rule)
    joined = re.fullmatch(r"[^;]{0,60}", between)
    combined = joined and (_COMBINES.search(between) or _COMBINES.search(before[-80:]))
    negated = _NOT.search(before[-40:] + between)
    return _together(sentence, first, second, "combines" if combined and not negated else "occurs with")


def _together(sentence: str, one: Mention, other: Mention, rule: str) -> Statement:
    """A relation without direction; the lower row is its subject, so that a pair is stored once."""
    low, high = sorted((one.component, other.component))
    return Statement("pairs_with", low, high, sentence, rule)


def _key(name: str) -> str:
    """What a name is looked up by: without spaces, hyphens, underscores and case."""
    return re.sub(r"[\s_-]+", "", name).casefold()


def _spelling(name: str) -> str:
    """The pattern of a name: a gap is a space or hyphen, and may be missing before a digit."""
    parts = re.split(r"[\s_-]+", name)
    text = re.escape(parts[0])
    for part in parts[1:]:
        text += (r"[\s-]?" if part[0].isdigit() else r"[\s-]+") + re.escape(part)
    return f"(?i:{text})" if name == name.lower() and len(parts) > 1 else text
