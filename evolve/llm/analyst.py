"""The analyst: once per finished generation it says what the results teach, and later prompts quote it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from evolve.llm.answers import AnswerError, analysis_schema, parse_analysis
from evolve.llm.briefing import Briefing
from evolve.llm.desk import MOST_TOKENS
from evolve.llm.grammar import analysis_grammar
from evolve.llm.prompts import analyst_text
from evolve.llm.protocol import Message, Request
from runs.calls import Conclusion

ANALYSIS_NAME = "analysis"


def analyst_request(briefing: Briefing, stable: str, skills: Sequence[str]) -> Request:
    """The question about the results of the last finished generation."""
    return Request(
        stable,
        (Message("user", analyst_text(briefing.of_results)),),
        analysis_schema(),
        ANALYSIS_NAME,
        MOST_TOKENS,
        analysis_grammar(skills, briefing.cited()),
    )


def conclusions_of(answer: str, known: Collection[int]) -> list[Conclusion]:
    """The conclusions that an answer holds. Raises AnswerError, also for evidence that was not shown."""
    found = []
    for item in parse_analysis(answer).conclusions:
        if unknown := [number for number in (*item.attempts, *item.held) if number not in known]:
            raise AnswerError(f"a conclusion cites attempt {unknown[0]}, which was not shown")
        found.append(Conclusion(item.text, item.skills, item.attempts, item.held))
    return found
