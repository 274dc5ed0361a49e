"""What the cognition store holds, as frozen values, and its error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RelationKind = Literal["builds_on", "replaces", "pairs_with", "mentions"]


class CognitionError(ValueError):
    """One line that names a store, a row or a value, what is wrong with it and what is accepted."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper; `published` and `updated` are ISO 8601 times, `arxiv` has no version suffix."""

    arxiv: str
    version: int | None
    title: str
    year: int
    abstract: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    published: str = ""
    updated: str = ""
    comment: str = ""
    doi: str = ""
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a paper's text: paragraphs with an empty line between them.

    `level` tells sections from those inside them, which have a greater one.
    """

    title: str
    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class StoredComponent:
    """A component or an architecture: its text, its canonical hash, and where it was published.

    `source` is the function's text, or an architecture's recipe as canonical JSON.
    """

    name: str
    form: Literal["component", "architecture"]
    kind: str
    hash: str
    source: str
    aliases: tuple[str, ...] = ()
    paper: Paper | None = None
    insight: str = ""
    triggers: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """A relation between known components (by row), or between a paper (`subject` None) and one."""

    kind: RelationKind
    subject: int | None
    object: int
    evidence: str
    rule: str


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to read of a stored paper: the kept sections of its text, or its abstract."""

    arxiv: str
    title: str
    year: int
    kind: Literal["abstract", "text"]
    text: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry of a model's answer as it is stored: accepted with a canonical hash, refused with a reason."""

    name: str
    kind: str
    source: str
    insight: str
    triggers: str
    builds_on: tuple[str, ...]
    hash: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry that could not be stored; `key` names it, `reason` says why."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Match:
    """One thing found by a search, best score first; `text` is its insight, or its paper's title."""

    form: str
    name: str
    kind: str
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list; `identifier` is the arXiv id, where there is one."""

    form: str
    name: str
    kind: str
    year: int | None
    identifier: str
    origin: str
    text: str


@dataclass(frozen=True, slots=True)
class Searched:
    """The identity of a search; `created_at` is an ISO 8601 time, `task` its tasks with commas between."""

    name: str
    created_at: str
    seed: int
    task: str
    scale: str


@dataclass(frozen=True, slots=True)
class MeasuredPair:
    """A pair over all searches that measured it: cases in all, means weighted by cases."""

    searches: int
    cases: int
    mean: float
    strength: float
