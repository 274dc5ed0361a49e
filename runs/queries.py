"""Questions that one line of SQL answers, for sqlite-utils or any reader of SQLite."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """A question under a short name, and the statement that answers it, without double quotes or dollar signs."""

    name: str
    question: str
    sql: str


def _sql(*lines: str) -> str:
    return " ".join(lines)


QUERIES = (
    Query(
        "best",
        "the 10 best fully trained attempts",
        "select rank, attempt, label, score, tie, parameters from leaderboard limit 10",
    ),
    Query(
        "lineage",
        "how the champion came about, oldest first, always through the best parent",
        _sql(
            "with recursive line(attempt, step) as (select attempt, 0 from leaderboard where rank = 1 union all",
            "select (select parent from parents join attempts on attempts.id = parent",
            "where parents.attempt = line.attempt order by score desc, position limit 1) as best, step + 1",
            "from line where best is not null)",
            "select genealogy.attempt, generation, operator, score, gain, edits from line join genealogy using (attempt)",
            "order by step desc",
        ),
    ),
    Query(
        "edits",
        "which kind of edit gained most beyond the noise, over fully trained attempts",
        _sql(
            "select kind, count(*) as attempts, sum(gain > 2 * noise) as improved,",
            "round(sum(iif(gain > 2 * noise, gain, 0)), 4) as gained, round(max(gain), 4) as most",
            "from (select distinct attempt, kind from edits) join genealogy using (attempt) join yardstick",
            "where status = 'evaluated' and gain is not null group by kind order by gained desc, kind",
        ),
    ),
    Query(
        "failures",
        "attempts without a score by cause: the first words of the reason, which numbers follow",
        _sql(
            "select status, substr(reason, 1, 32) as cause, count(*) as attempts, min(attempt) as first from failures",
            "group by status, cause order by attempts desc, status, cause",
        ),
    ),
    Query(
        "cost",
        "training FLOPs that each operator took per improvement, the cheapest first",
        _sql(
            "select operator, sum(attempts) as attempts, sum(improved) as improved, sum(cost_flops) as flops,",
            "sum(cost_flops) / nullif(sum(improved), 0) as flops_per_improvement from operator_credit",
            "group by operator order by flops_per_improvement is null, flops_per_improvement, operator",
        ),
    ),
)
