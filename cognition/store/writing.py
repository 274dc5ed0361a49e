"""Writing rows of the cognition store: what every topic's methods are made of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from cognition.store.reading import Reading
from cognition.store.records import Paper, Statement, StoredComponent


class Writing(Reading):
    """Rows put into an open store, inside a transaction that a public method holds."""

    def _put_component(self, component: StoredComponent, origin: str) -> int:
        paper = None if component.paper is None else self._put_paper(component.paper, origin)
        row = {
            "name": component.name,
            "form": component.form,
            "kind": component.kind,
            "aliases": json_text(component.aliases),
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
            "authors": json_text(paper.authors),
            "categories": json_text(paper.categories),
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

    def _put_statement(self, statement: Statement, paper: int, origin: str) -> None:
        subject_paper = paper if statement.subject is None else None
        details = (statement.evidence, statement.rule, paper, origin)
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


def json_text(values: Sequence[str]) -> str:
    return json.dumps(values, ensure_ascii=False)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
