"""Full texts of papers in the store."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cognition.store.records import Section
from cognition.store.writing import Writing, now


class Texts(Writing):
    """Sections of papers, and the papers of which no text could be read."""

    def papers_without_text(self, wanted: Sequence[str] = (), limit: int | None = None) -> list[str]:
        """arXiv ids of papers that have no text yet, the newest first; at most `limit`.

        Of the `wanted` ids those are left out that the store does not know. Without them also the papers of
        which no text could be read before; withdrawn papers and duplicates always.
        """
        chosen = "arxiv IN (SELECT value FROM json_each(:wanted))"
        if not wanted:
            chosen = "NOT EXISTS (SELECT 1 FROM processed WHERE key = 'text:' || arxiv AND status = 'refused')"
        rows = self._rows(
            f"""SELECT arxiv FROM papers
            WHERE arxiv IS NOT NULL AND NOT withdrawn AND duplicate_of IS NULL AND {chosen}
                AND NOT EXISTS (SELECT 1 FROM sections WHERE sections.paper = papers.id)
            ORDER BY year DESC, published DESC, arxiv DESC LIMIT :limit""",
            {"wanted": json.dumps(wanted), "limit": -1 if limit is None else limit},
        )
        return [row["arxiv"] for row in rows]

    def put_text(self, arxiv: str, method: str, sections: Sequence[Section], reason: str) -> None:
        """Store the sections of a stored paper in one transaction, or, without any, why there are none."""
        moment = now()
        with self._transaction():
            (row,) = self._rows("SELECT id FROM papers WHERE arxiv = ?", [arxiv])
            self._execute("DELETE FROM sections WHERE paper = ?", [row["id"]])
            for position, section in enumerate(sections):
                self._execute(
                    "INSERT INTO sections(paper, position, title, text, method) VALUES (?, ?, ?, ?, ?)",
                    [row["id"], position, section.title, section.text, method],
                )
            self._mark(f"text:{arxiv}", "stored" if sections else "refused", reason, "", moment)
