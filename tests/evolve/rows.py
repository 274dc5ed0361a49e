"""What two searches must agree in to count as the same: their rows, apart from times."""

from __future__ import annotations

GENEALOGY = (
    "SELECT id, generation, operator, status, reason, recipe, duplicate_of, score, rung, family FROM attempts "
    "ORDER BY id",
    "SELECT attempt, position, parent FROM parents ORDER BY attempt, position",
    "SELECT attempt, position, kind, edit, description FROM edits ORDER BY attempt, position",
    "SELECT purpose, recipe, task, seed, rung, split, tokens, status, loss, accuracy FROM evaluations "
    "ORDER BY purpose, recipe, task, seed, rung, split",
    "SELECT generation, operator, attempts, improved, gain FROM operator_credit ORDER BY generation, operator",
)
