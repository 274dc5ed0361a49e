"""A provider of language-model answers as a reader of papers: the one place where the two meet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from cognition.candidates.reader import Declined, Question, Reply, Unanswered
from evolve.llm.protocol import Answer, Message, Provider, ProviderError, Request

Call = Callable[[Provider, Request, float], Answer]
"""One answer before a deadline, a value of `time.monotonic()`; it may ask again. Raises ProviderError."""

SECONDS = 300.0
"""Time for one answer, with every try."""

ABOUT_THE_QUESTION = ("refused", "truncated")
"""Faults that come again when the same is asked again."""


@dataclass(frozen=True)
class ModelReader:
    """See `cognition.candidates.reader.Reader`."""

    provider: Provider
    call: Call

    @property
    def name(self) -> str:
        return self.provider.name

    def answer(self, question: Question) -> Reply:
        """Ask the provider. A refusal or a cut answer is Declined, whatever else goes wrong Unanswered."""
        roles = ("user", "assistant")
        messages = tuple(Message(roles[place % 2], text) for place, text in enumerate(question.turns))
        request = Request(question.stable, messages, question.schema, "components", question.most_tokens)
        try:
            answer = self.call(self.provider, request, time.monotonic() + SECONDS)
        except ProviderError as error:
            if error.fault in ABOUT_THE_QUESTION:
                raise Declined(f"{error.fault}: {error}") from None
            raise Unanswered(f"{self.name}: {error.fault}: {error}") from None
        used = answer.usage
        return Reply(answer.text, used.input + used.cached + used.written, used.output)
