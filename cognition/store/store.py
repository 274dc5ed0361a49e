"""Writing the cognition store: the library's rows, ingested papers, insights, relations, duplicates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from cognition.store.database import default_path, store_file, verify
from cognition.store.evidence import EVIDENCE, Searched
from cognition.store.library import fingerprint, library_rows
from cognition.store.reading import Reading
from cognition.store.records import CognitionError, Paper, Refusal, Statement, StoredComponent

LIBRARY = "library"


class CognitionStore(Reading):
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
        now = _now()
        with self._transaction():
            for paper, statements in papers.items():
                number = self._put_paper(paper, "arxiv")
                self._execute("DELETE FROM relations WHERE paper = ? AND origin = 'abstract'", [number])
                for statement in statements:
                    self._put_statement(statement, number)
                self._mark(f"arxiv:{paper.arxiv}", "stored", "", query, now)
            for refusal in refusals:
                self._mark(refusal.key, "refused", refusal.reason, query, now)
            if reached is not None:
                self._execute(
                    "INSERT OR REPLACE INTO ingestions VALUES (?, ?, ?, ?)", [query, reached, total, now]
                )

    def add_search(self, searched: Searched, found: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Store what a search found, in the place of what it wrote before: rows by table of `EVIDENCE`.

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
            for table in EVIDENCE:
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
            rows = [(component, built_on) for component, built_on in library_rows()]
            numbers = [self._put_component(component, LIBRARY) for component, _ in rows]
            known = {c.name: n for (c, _), n in zip(rows, numbers, strict=True) if c.form == "component"}
            for (component, built_on), number in zip(rows, numbers, strict=True):
                for name in built_on:
                    evidence = f"{component.name} is published as building on {name}"
                    if component.form == "architecture":
                        evidence = f"the recipe of {component.name} contains {name}"
                    paper = self._paper_of(component.paper)
                    self._put_relation(
                        "builds_on", number, None, known[name], evidence, "published", paper, LIBRARY
                    )
            self._execute("INSERT OR REPLACE INTO library VALUES (1, ?)", [present])

    def _put_component(self, component: StoredComponent, origin: str) -> int:
        paper = None if component.paper is None else self._put_paper(component.paper, origin)
        row = {
            "name": component.name,
            "form": component.form,
            "kind": component.kind,
            "aliases": _json(component.aliases),
            "hash": component.hash,
            "source": component.source,
            "paper": paper,
            "origin": origin,
            "retired": 0,
        }
        number = self._upsert("components", row, "origin, form, name")
        self._execute("DELETE FROM insights WHERE component = ? AND origin = ?", [number, origin])
        if component.insight:
            self._execute(
                "INSERT INTO insights(component, paper, insight, triggers, origin) VALUES (?, ?, ?, ?, ?)",
                [number, paper, component.insight, component.triggers, origin],
            )
        return number

    def _put_paper(self, paper: Paper, origin: str) -> int:
        """The paper's row, new or brought up to date; a title alone never takes the place of what arXiv told."""
        known = self._paper_of(paper)
        if known is not None and origin != "arxiv":
            return known
        row = {
            "arxiv": paper.arxiv or None,
            "version": paper.version,
            "title": paper.title,
            "abstract": paper.abstract,
            "authors": _json(paper.authors),
            "categories": _json(paper.categories),
            "published": paper.published,
            "updated": paper.updated,
            "year": paper.year,
            "comment": paper.comment,
            "doi": paper.doi,
            "withdrawn": int(paper.withdrawn),
            "origin": origin,
        }
        return self._upsert("papers", row, "arxiv")

    def _paper_of(self, paper: Paper | None) -> int | None:
        if paper is None:
            return None
        found = self._rows(
            "SELECT id FROM papers WHERE arxiv = :arxiv OR (:arxiv = '' AND arxiv IS NULL AND title = :title)",
            {"arxiv": paper.arxiv, "title": paper.title},
        )
        return found[0]["id"] if found else None

    def _put_statement(self, statement: Statement, paper: int) -> None:
        subject_paper = paper if statement.subject is None else None
        details = (statement.evidence, statement.rule, paper, "abstract")
        self._put_relation(statement.kind, statement.subject, subject_paper, statement.object, *details)

    def _put_relation(self, kind: str, *values: Any) -> None:
        self._execute(
            """INSERT INTO relations(kind, component, subject_paper, object, evidence, rule, paper, origin)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING""",
            [kind, *values],
        )

    def _mark(self, key: str, status: str, reason: str, query: str, now: str) -> None:
        self._execute("INSERT OR REPLACE INTO processed VALUES (?, ?, ?, ?, ?)", [key, status, reason, query, now])

    def _upsert(self, table: str, row: Mapping[str, Any], key: str) -> int:
        columns = ", ".join(row)
        changed = ", ".join(f"{column} = excluded.{column}" for column in row)
        sql = f"""INSERT INTO {table}({columns}) VALUES ({", ".join("?" * len(row))})
            ON CONFLICT({key}) DO UPDATE SET {changed} RETURNING id"""
        (number,) = self._execute(sql, list(row.values())).fetchone()
        return number

    def _execute(self, sql: str, values: Sequence[Any]) -> Any:
        return self._database.execute(sql, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._file.transaction(self._database):
            yield


def _components(row: Mapping[str, Any]) -> set[str]:
    """Names of the components in a row of evidence."""
    named = (row.get(column, "") for column in ("first", "second", "configuration"))
    return {name for text in named for name in re.findall(r"\w+", text)}


def _json(values: Sequence[str]) -> str:
    return json.dumps(values, ensure_ascii=False)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
