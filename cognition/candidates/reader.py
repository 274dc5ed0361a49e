"""Whoever reads papers for us: a question in, an answer out. Which model it is, and how it is reached, stays outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `stable` is the same in all questions, `turns` are what was said in turn, the user first.

    `schema` is the JSON schema of the answer, which has at most `most_tokens`.
    """

    stable: str
    turns: tuple[str, ...]
    schema: Mapping[str, Any]
    most_tokens: int


@dataclass(frozen=True, slots=True)
class Reply:
    """The text of an answer, and the tokens it took."""

    text: str
    input_tokens: int = 0
    output_tokens: int = 0


class Declined(Exception):
    """No answer to this question, whenever it is asked: the model declines it, or its answer is cut off."""


class Unanswered(RuntimeError):
    """No answer now: the server is away, busy or refuses the key. What came before is stored, so ask again later."""


class Reader(Protocol):
    """One model. Its `name` is stored with what it read, and says which questions were asked before."""

    @property
    def name(self) -> str: ...

    def answer(self, question: Question) -> Reply:
        """Answer once. Raises Declined and Unanswered."""
        ...
