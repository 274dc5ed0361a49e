"""Writing the cognition store: the library's rows, ingested papers, insights, relations, duplicates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from cognition.store.candidates import Candidates
from cognition.store.database import default_path, store_file, verify
from cognition.store.evidence_tables import EVIDENCE_TABLES
from cognition.store.library import LIBRARY, fingerprint, library_components
from cognition.store.records import CognitionError, Paper, Refusal, Searched, Statement, StoredComponent
from cognition.store.relations import library_relations
from cognition.store.texts import Texts
from cognition.store.writing import now


class CognitionStore(Texts, Candidates):
    """One cognition store, open for reading and writing. Close it, or use it in a `with` statement.

    Every method that writes commits before it returns, or raises CognitionError and leaves the store unchanged.
    """

    @classmethod
    def open(cls, path: str | Path | None = None) -> Self:
        """The store at `path` (default: `default_path()`), made if missing, with the library's present rows.

        Raises CognitionError when the file is damaged, newer than this software, not a cognition store, or
        cannot be written.
        """
        from cognition.store.schema import migrations

        path = default_path() if path is None else Path(path)
        file = store_file(path)
        if path.exists():
            verify(file)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CognitionError(f"{path.parent}: cannot be made: {error.strerror}") from None
        store = cls(file, file.connect("rwc"))
        try:
            if migrations.pending(store._database):
                with store._transaction():
                    migrations.apply(store._database)
            store._follow_library()
        except BaseException:
            store.close()
            raise
        return store

    def add_components(self, components: Sequence[StoredComponent], origin: str) -> None:
        """Store components that come from `origin` (not the library); a name already stored is replaced.

        Raises CognitionError for the library's own origin.
        """
        if origin == LIBRARY:
            raise CognitionError(f"origin {origin!r} is the library's; name where the components come from")
        with self._transaction():
            for component in components:
                self._put_component(component, origin)

    def add_papers(
        self,
        query: str,
        papers: Mapping[Paper, Sequence[Statement]],
        refusals: Sequence[Refusal] = (),
        *,
        reached: int | None = None,
        total: int = 0,
    ) -> None:
        """Store one page of a query in one transaction: papers with what they state, refusals, the place reached.

        A paper stored before gets the new fields and statements. With `reached`, the query continues from that
        entry when it is asked for again.
        """
        moment = now()
        with self._transaction():
            for paper, statements in papers.items():
                number = self._put_paper(paper, "arxiv")
                self._execute("DELETE FROM relations WHERE paper = ? AND origin = 'abstract'", [number])
                for statement in statements:
                    self._put_statement(statement, number, "abstract")
                self._mark(f"arxiv:{paper.arxiv}", "stored", "", query, moment)
            for refusal in refusals:
                self._mark(refusal.key, "refused", refusal.reason, query, moment)
            if reached is not None:
                self._execute(
                    "INSERT OR REPLACE INTO ingestions VALUES (?, ?, ?, ?)", [query, reached, total, moment]
                )

    def add_search(self, searched: Searched, found: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Store what a search found, in the place of what it wrote before: rows by table of `EVIDENCE_TABLES`.

        Pairs and ordered configurations of components that the store does not know are left out.
        """
        identity = {
            "name": searched.name,
            "created_at": searched.created_at,
            "seed": searched.seed,
            "task": searched.task,
            "scale": searched.scale,
        }
        known = set(self.kinds())
        with self._transaction():
            number = self._upsert("searches", identity, ", ".join(identity))
            for table in EVIDENCE_TABLES:
                self._execute(f"DELETE FROM {table} WHERE search = ?", [number])
                rows = [{"search": number, **row} for row in found[table] if _components(row) <= known]
                self._database.table(table).insert_all(rows)

    def merge(self, pairs: Sequence[tuple[str, int, int]]) -> None:
        """Mark repetitions in one transaction: each pair is a form ("component", "architecture" or "paper"), the
        row that is kept and the row that repeats it.

        A repetition keeps its row and its relations, which count as the kept one's from now on.
        """
        with self._transaction():
            for form, kept, repeated in pairs:
                table = "papers" if form == "paper" else "components"
                sql = f"UPDATE {table} SET duplicate_of = ? WHERE id = ? OR duplicate_of = ?"
                self._execute(sql, [kept, repeated, repeated])

    def _follow_library(self) -> None:
        """Bring the library's rows up to date where its files have changed; rows from elsewhere stay."""
        present = fingerprint()
        stored = self._rows("SELECT fingerprint FROM library")
        if stored and stored[0]["fingerprint"] == present:
            return
        with self._transaction():
            self._execute("UPDATE components SET retired = 1 WHERE origin = ?", [LIBRARY])
            self._execute("DELETE FROM insights WHERE origin = ?", [LIBRARY])
            self._execute("DELETE FROM relations WHERE origin = ?", [LIBRARY])
            rows = {(c.form, c.name): (self._put_component(c, LIBRARY), c.paper) for c in library_components()}
            for told in library_relations():
                subject, _ = rows[told.form, told.subject]
                related, _ = rows["component", told.object]
                if told.kind == "pairs_with":  # without direction: the lower row comes first, as in statements
                    subject, related = sorted((subject, related))
                by = "architecture" if told.kind == "pairs_with" else told.form
                paper = self._paper_of(rows[by, told.stated_by][1])
                details = (told.evidence, told.rule, paper, LIBRARY)
                self._put_relation(told.kind, subject, None, related, *details)
            self._execute("INSERT OR REPLACE INTO library VALUES (1, ?)", [present])


def _components(row: Mapping[str, Any]) -> set[str]:
    """Names of the components in a row of evidence."""
    named = (row.get(column, "") for column in ("first", "second", "configuration"))
    return {name for text in named for name in re.findall(r"\w+", text)}
