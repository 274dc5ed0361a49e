"""Views that people read with sqlite-utils or Datasette: genealogy, leaderboard, failures, and who descends from whom."""

from __future__ import annotations

VIEWS = """
CREATE VIEW genealogy AS
SELECT
    attempts.id AS attempt,
    generation,
    operator,
    coalesce((SELECT group_concat(parent, ' ') FROM
        (SELECT parent FROM parents WHERE parents.attempt = attempts.id ORDER BY position)), '') AS parents,
    coalesce((SELECT group_concat(description, '; ') FROM
        (SELECT description FROM edits WHERE edits.attempt = attempts.id ORDER BY position)), '') AS edits,
    status,
    score,
    score - (SELECT max(parent.score) FROM parents JOIN attempts AS parent ON parent.id = parents.parent
        WHERE parents.attempt = attempts.id AND parent.rung IS attempts.rung) AS gain
FROM attempts
ORDER BY attempts.id;

CREATE VIEW leaderboard AS
SELECT
    row_number() OVER (ORDER BY score DESC, id) AS rank,
    id AS attempt,
    generation,
    label,
    family,
    score,
    operator,
    parameters,
    state_bytes,
    substr(recipe, 1, 12) AS recipe
FROM attempts
WHERE status = 'evaluated'
ORDER BY score DESC, id;

CREATE VIEW failures AS
SELECT id AS attempt, generation, operator, status, reason
FROM attempts
WHERE status IN ('rejected', 'failed', 'diverged', 'timeout')
ORDER BY id;
"""

ANCESTRY = """
CREATE VIEW ancestors AS
WITH RECURSIVE line(attempt, ancestor, distance) AS (
    SELECT DISTINCT attempt, parent, 1 FROM parents
    UNION
    SELECT line.attempt, parents.parent, line.distance + 1
    FROM line JOIN parents ON parents.attempt = line.ancestor
)
SELECT attempt, ancestor, min(distance) AS distance
FROM line
GROUP BY attempt, ancestor
ORDER BY attempt, distance, ancestor;

CREATE VIEW descendants AS
SELECT ancestor AS attempt, attempt AS descendant, distance
FROM ancestors
ORDER BY attempt, distance, descendant;
"""
