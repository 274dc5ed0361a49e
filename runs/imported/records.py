"""The values of an imported run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ParentProblem = Literal["", "missing", "descendant"]


@dataclass(frozen=True)
class Result:
    """One number of a result as it was written, and as a number where it is a finite one."""

    split: str
    name: str
    text: str
    value: float | None


@dataclass(frozen=True)
class Entry:
    """What a file says of one program. `parents` are as the file names them: an index, an identifier or a name.

    `texts` are columns of the table of programs, "" where the file has nothing.
    """

    index: int | None
    identifier: str
    name: str
    parents: tuple[int | str, ...]
    score: float | None
    texts: Mapping[str, str]
    results: tuple[Result, ...]


@dataclass(frozen=True)
class Parent:
    """A parent as the file names it, and its number; None where the file lacks it or it descends from the child."""

    named: str
    number: int | None
    problem: ParentProblem = ""


@dataclass(frozen=True)
class Place:
    """Where a program stands: its number, its distance from the first of its line, its parents."""

    number: int
    generation: int
    parents: tuple[Parent, ...]


@dataclass(frozen=True)
class Program:
    """One program as it is stored."""

    entry: Entry
    place: Place
