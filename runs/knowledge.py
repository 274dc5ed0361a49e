"""What a guided search knew of published components when it began: tables and rows.

The search reads this and nothing else, so that it proposes the same whatever the cognition store learns meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cognition.knowledge import Affinity, Answer, Knowledge
from genome.arrangement import Pair

TABLES = """
CREATE TABLE guidance (
    id INTEGER PRIMARY KEY CONSTRAINT one_knowledge_per_search CHECK (id = 1),
    mode TEXT NOT NULL CHECK (mode IN ('on', 'learned'))
) STRICT;

CREATE TABLE guidance_answers (
    skill TEXT NOT NULL,
    component TEXT NOT NULL,
    relevance REAL NOT NULL CONSTRAINT relevance_is_a_share CHECK (relevance > 0 AND relevance <= 1),
    insight TEXT NOT NULL,
    PRIMARY KEY (skill, component)
) STRICT;

CREATE TABLE guidance_affinities (
    first TEXT NOT NULL,
    second TEXT NOT NULL,
    arrangement TEXT NOT NULL CHECK (arrangement IN ('before', 'beside')),
    strength REAL NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (first, second, arrangement)
) STRICT;
"""


def knowledge_rows(mode: str, knowledge: Knowledge) -> dict[str, list[dict[str, Any]]]:
    """Rows by table."""
    return {
        "guidance": [{"id": 1, "mode": mode}],
        "guidance_answers": [
            {"skill": skill, "component": a.component, "relevance": a.relevance, "insight": a.insight}
            for skill, answers in knowledge.answers.items()
            for a in answers
        ],
        "guidance_affinities": [
            {
                "first": a.pair.first,
                "second": a.pair.second,
                "arrangement": a.pair.arrangement,
                "strength": a.strength,
                "reason": a.reason,
            }
            for a in knowledge.affinities
        ],
    }


def knowledge_of_rows(answers: Iterable[Mapping[str, Any]], affinities: Iterable[Mapping[str, Any]]) -> Knowledge:
    """What `knowledge_rows` made rows of, in the order of the rows."""
    found: dict[str, list[Answer]] = {}
    for row in answers:
        found.setdefault(row["skill"], []).append(Answer(row["component"], row["relevance"], row["insight"]))
    return Knowledge(
        {skill: tuple(own) for skill, own in found.items()},
        tuple(
            Affinity(Pair(row["first"], row["second"], row["arrangement"]), row["strength"], row["reason"])
            for row in affinities
        ),
    )
