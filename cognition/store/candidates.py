"""Reading papers for components: what is left to read, answers of models, entries accepted and refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cognition.store.records import Candidate, CognitionError, Material, Paper, Statement, StoredComponent
from cognition.store.writing import Writing, json_text, now

EXTRACTED = "extracted"
"""Origin of components that a model found in a paper."""

_UNREAD = """
WITH readable AS (
    SELECT papers.*, CASE WHEN EXISTS (SELECT 1 FROM sections WHERE paper = papers.id)
        THEN 'text' ELSE 'abstract' END AS material
    FROM papers WHERE arxiv IS NOT NULL AND NOT withdrawn AND duplicate_of IS NULL
)
SELECT id, arxiv, title, year, abstract, material FROM readable
WHERE (:arxiv = '' OR arxiv = :arxiv) AND (material = 'text' OR abstract <> '')
    AND NOT EXISTS (
        SELECT 1 FROM extractions
        WHERE paper = readable.id AND reader = :reader AND extractions.material = readable.material
    )
ORDER BY material DESC, published DESC, arxiv DESC LIMIT :limit
"""


class Candidates(Writing):
    """Extractions of papers by readers."""

    def unread(self, reader: str, arxiv: str = "", limit: int | None = None) -> list[Material]:
        """What a reader has not read yet, papers with their text first, then the newest; at most `limit`.

        With an arXiv id, that paper alone. Raises CognitionError for an id that the store does not have, or of which
        there is nothing to read.
        """
        if arxiv:
            self._check_readable(arxiv)
        values = {"reader": reader, "arxiv": arxiv, "limit": -1 if limit is None else limit}
        return [self._material(row) for row in self._rows(_UNREAD, values)]

    def put_relations(self, material: Material, reader: str, statements: Sequence[Statement]) -> None:
        """Store what rules found in a paper, in place of what they found in that material before."""
        with self._transaction():
            number = self._number(material.arxiv)
            self._execute("DELETE FROM relations WHERE paper = ? AND origin = ?", [number, material.kind])
            for statement in statements:
                self._put_statement(statement, number, material.kind)
            self._finish(number, reader, material, "")

    def answer(self, question: str) -> str | None:
        """The answer that was given to a question, by its key."""
        rows = self._rows("SELECT answer FROM answers WHERE question = ?", [question])
        return rows[0]["answer"] if rows else None

    def put_answer(
        self, question: str, reader: str, arxiv: str, answer: str, input_tokens: int, output_tokens: int
    ) -> str:
        """Store an answer as soon as it has come; returns it as it was stored, without what is not Unicode."""
        stored = answer.encode("utf-8", "replace").decode()
        row = [question, reader, self._number(arxiv), stored, input_tokens, output_tokens, now()]
        with self._transaction():
            self._execute(
                """INSERT INTO answers(question, reader, paper, answer, input_tokens, output_tokens, answered_at)
                VALUES (?, ?, ?, ?, ?, ?, ?)""",
                row,
            )
        return stored

    def put_candidates(
        self, material: Material, reader: str, candidates: Sequence[Candidate], reason: str
    ) -> None:
        """Store a paper's entries in one transaction; accepted ones become components of origin "extracted".

        `reason` says why the paper gave none at all, or is empty.
        """
        paper = Paper(material.arxiv, None, material.title, material.year)
        moment = now()
        with self._transaction():
            number = self._number(material.arxiv)
            for one in candidates:
                component = self._put_accepted(one, paper, number) if one.hash else None
                self._execute(
                    """INSERT INTO candidates(paper, reader, name, kind, source, insight, triggers, builds_on, status,
                        reason, component, judged_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                    [
                        *(number, reader, one.name, one.kind, one.source, one.insight, one.triggers),
                        json_text(one.builds_on),
                        *("accepted" if one.hash else "refused", one.reason, component, moment),
                    ],
                )
            self._finish(number, reader, material, reason)

    def extracted(self) -> list[dict[str, Any]]:
        """Name, kind, hash, source, triggers, and arXiv id, title and year of each extracted component, in order."""
        return self._rows(
            """SELECT name, kind, hash, source, coalesce(triggers, '') AS triggers,
                papers.arxiv, papers.title, papers.year
            FROM components JOIN papers ON papers.id = components.paper
            LEFT JOIN insights ON insights.component = components.id AND insights.origin = components.origin
            WHERE components.origin = ? AND components.duplicate_of IS NULL AND NOT retired
            ORDER BY components.id""",
            [EXTRACTED],
        )

    def _put_accepted(self, one: Candidate, paper: Paper, paper_row: int) -> int:
        stored = StoredComponent(
            one.name,
            "component",
            one.kind,
            one.hash,
            one.source,
            paper=paper,
            insight=one.insight,
            triggers=one.triggers,
        )
        number = self._put_component(stored, EXTRACTED)
        for name in dict.fromkeys(one.builds_on):
            found = self._rows("SELECT id FROM components WHERE name = ? AND form = 'component' LIMIT 1", [name])
            if found and found[0]["id"] != number:
                evidence = f"{one.name} is described as building on {name}"
                self._put_relation(
                    "builds_on", number, None, found[0]["id"], evidence, EXTRACTED, paper_row, EXTRACTED
                )
        return number

    def _finish(self, paper: int, reader: str, material: Material, reason: str) -> None:
        self._execute(
            "INSERT OR REPLACE INTO extractions VALUES (?, ?, ?, ?, ?, ?)",
            [paper, reader, material.kind, "refused" if reason else "done", reason, now()],
        )

    def _material(self, row: dict[str, Any]) -> Material:
        text = row["abstract"]
        if row["material"] == "text":
            sections = self._rows(
                "SELECT title, text FROM sections WHERE paper = ? ORDER BY position", [row["id"]]
            )
            parts = [f"{one['title']}\n\n{one['text']}" if one["title"] else one["text"] for one in sections]
            text = "\n\n".join([text, *parts] if text else parts)
        return Material(row["arxiv"], row["title"], row["year"], row["material"], text)

    def _check_readable(self, arxiv: str) -> None:
        found = self._rows(
            """SELECT withdrawn, abstract <> '' OR EXISTS (SELECT 1 FROM sections WHERE paper = papers.id) AS text
            FROM papers WHERE arxiv = ?""",
            [arxiv],
        )
        if not found:
            raise CognitionError(f"{self.path}: has no paper {arxiv}; `cognition ingest --ids {arxiv}` reads it")
        if found[0]["withdrawn"] or not found[0]["text"]:
            reason = "is withdrawn" if found[0]["withdrawn"] else "has neither abstract nor text; ingest it first"
            raise CognitionError(f"{arxiv}: {reason}")

    def _number(self, arxiv: str) -> int:
        (row,) = self._rows("SELECT id FROM papers WHERE arxiv = ?", [arxiv])
        return row["id"]
