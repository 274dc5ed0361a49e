"""Reading the cognition store: lists, one thing with its relations, search, counts, export."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from cognition.sqlite import SqliteFile
from cognition.store.evidence_tables import EVIDENCE_TABLES
from cognition.store.library import LIBRARY
from cognition.store.records import CognitionError, Listed, Match, MeasuredPair, RelationKind
from genome.arrangement import Pair

if TYPE_CHECKING:
    from sqlite_utils import Database

EXPORTED = (
    *("papers", "components", "insights", "relations", "processed", "ingestions"),
    *("sections", "extractions", "answers", "candidates"),
    *("searches", *EVIDENCE_TABLES),
)

_WEIGHTS = "10.0, 5.0, 4.0, 1.0"
"""How much a word counts in a name, a trigger, an insight, an abstract (FTS5's bm25 takes them in this order)."""

_RELATIONS = """
SELECT relations.kind, rule, evidence, relations.origin, papers.arxiv AS paper,
    coalesce(subject.name, written.arxiv, written.title) AS subject, object.name AS object
FROM relations
LEFT JOIN components AS subject ON subject.id = relations.component
LEFT JOIN papers AS written ON written.id = subject_paper
JOIN components AS object ON object.id = relations.object
LEFT JOIN papers ON papers.id = relations.paper
"""

_PAIRS = """
SELECT first, second, arrangement, count(*) AS searches, sum(cases) AS cases,
    sum(mean * cases) / sum(cases) AS mean, sum(strength * cases) / sum(cases) AS strength
FROM pair_evidence {condition} GROUP BY first, second, arrangement ORDER BY strength DESC, first, second
"""

_FOUND = """
SELECT rowid % 3 AS part, rowid / 3 AS number, bm25(documents, {weights}) AS score
FROM documents WHERE documents MATCH ? ORDER BY score, rowid LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A component, an architecture or a paper with all that is known of it; rows by column name."""

    form: str
    row: Mapping[str, Any]
    paper: Mapping[str, Any] | None
    insights: tuple[Mapping[str, Any], ...]
    relations: tuple[Mapping[str, Any], ...]
    sections: tuple[Mapping[str, Any], ...]
    pairs: Mapping[Pair, MeasuredPair]


class Reading:
    """What can be asked of an open store."""

    def __init__(self, file: SqliteFile, database: Database) -> None:
        self.path = file.path
        self._file = file
        self._database = database

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def listed(self, kind: str | None = None) -> list[Listed]:
        """Components and architectures by name, or those of a kind; with kind "paper" the papers, newest first.

        Raises CognitionError for a kind that nothing stored has.
        """
        if kind == "paper":
            rows = self._rows(
                """SELECT 'paper' AS form, coalesce(arxiv, '') AS name, 'paper' AS kind, year,
                    coalesce(arxiv, '') AS identifier, origin, title AS text
                FROM papers WHERE duplicate_of IS NULL ORDER BY year DESC, arxiv DESC, title"""
            )
            return [Listed(**row) for row in rows]
        rows = self._rows(
            """SELECT form, name, kind, year, coalesce(papers.arxiv, '') AS identifier, components.origin,
                coalesce((SELECT insight FROM insights WHERE insights.component = components.id), '') AS text
            FROM components LEFT JOIN papers ON papers.id = components.paper
            WHERE NOT retired AND components.duplicate_of IS NULL ORDER BY kind, name, components.origin"""
        )
        kinds = sorted({row["kind"] for row in rows} | {"paper"})
        if kind is not None and kind not in kinds:
            raise CognitionError(f"nothing is stored of kind {kind!r}; stored: {', '.join(kinds)}")
        return [Listed(**row) for row in rows if kind in (None, row["kind"])]

    def shown(self, name: str) -> tuple[Shown, ...]:
        """Everything of a name: a component's or architecture's, or a paper's arXiv id, whatever its version.

        Raises CognitionError where there is nothing of that name.
        """
        components = self._rows("SELECT * FROM components WHERE name = ? ORDER BY form DESC, origin", [name])
        papers = self._rows("SELECT * FROM papers WHERE arxiv = ?", [re.sub(r"v\d+$", "", name)])
        if not components and not papers:
            raise CognitionError(f"{self.path}: holds nothing called {name!r}; `cognition search` finds names")
        found = [self._shown_component(row) for row in components]
        for row in papers:
            insights = self._rows("SELECT * FROM insights WHERE paper = ?", [row["id"]])
            condition = "WHERE subject_paper = :id OR relations.paper = :id ORDER BY relations.kind, relations.id"
            relations = self._rows(f"{_RELATIONS} {condition}", {"id": row["id"]})
            sections = self._rows("SELECT * FROM sections WHERE paper = ? ORDER BY position", [row["id"]])
            found.append(Shown("paper", row, row, tuple(insights), tuple(relations), tuple(sections), {}))
        return tuple(found)

    def search(self, query: str, limit: int = 10) -> list[Match]:
        """What fits a query best by BM25: everything with all its words, else with any of them.

        Names count most, then triggers, insights, abstracts. Raises CognitionError for a query without words.
        """
        words = re.findall(r"\w+", query)
        if not words:
            raise CognitionError(f"the query {query!r} has no words; give names or words to look for")
        sql = _FOUND.format(weights=_WEIGHTS)
        for operator in (" ", " OR "):
            text = operator.join(f'"{word}"' for word in dict.fromkeys(words))
            # A component and its insights are texts of their own and one result, hence more rows than results.
            if found := self._rows(sql, [text, 4 * limit]):
                best: dict[tuple[str, str], Match] = {}
                for row in found:
                    match = self._match(row["part"], row["number"], -row["score"])
                    if match is not None:
                        best.setdefault((match.form, match.name), match)
                return list(best.values())[:limit]
        return []

    def answering(self, words: Iterable[str]) -> list[Match]:
        """What has any of the words among its triggers or in its insight, each once, best first by BM25."""
        text = " OR ".join(f'"{word}"' for word in words)
        rows = self._rows(_FOUND.format(weights=_WEIGHTS), [f"{{triggers insight}} : ({text})", -1])
        found: dict[tuple[str, str], Match] = {}
        for row in rows:
            match = self._match(row["part"], row["number"], -row["score"])
            if match is not None:
                found.setdefault((match.form, match.name), match)
        return list(found.values())

    def kinds(self) -> dict[str, str]:
        """Kinds of the components that are neither retired nor known duplicates, by name."""
        return {row["name"]: row["kind"] for row in self._present("component")}

    def architectures(self) -> dict[str, str]:
        """Recipes of the architectures that are neither retired nor known duplicates, as JSON, by name."""
        return {row["name"]: row["source"] for row in self._present("architecture")}

    def stated(self, kind: RelationKind) -> list[tuple[str, str, str]]:
        """Names of the two components of every relation of a kind that papers state, and the arXiv id of each or "".

        What stands in the library's own recipes is not among them.
        """
        rows = self._rows(
            f"""{_RELATIONS} WHERE relations.kind = ? AND component IS NOT NULL AND relations.origin <> ?
            ORDER BY relations.id""",
            [kind, LIBRARY],
        )
        return [(row["subject"], row["object"], row["paper"] or "") for row in rows]

    def measured_pairs(self, name: str | None = None) -> dict[Pair, MeasuredPair]:
        """Pairs of neighbours over all searches that measured them, the strongest first; of one component or all."""
        condition = "" if name is None else "WHERE first = :name OR second = :name"
        rows = self._rows(_PAIRS.format(condition=condition), {"name": name})
        return {
            Pair(row["first"], row["second"], row["arrangement"]): MeasuredPair(
                row["searches"], row["cases"], row["mean"], row["strength"]
            )
            for row in rows
        }

    def statistics(self) -> dict[str, dict[str, int]]:
        """Counts: rows by table, components by kind, relations by kind, papers by origin, entries by status."""
        return {
            "table": {table: self._count(table) for table in EXPORTED},
            "component kind": self._counts("components", "kind"),
            "component origin": self._counts("components", "origin"),
            "relation kind": self._counts("relations", "kind"),
            "relation rule": self._counts("relations", "rule"),
            "paper origin": self._counts("papers", "origin"),
            "entry": self._counts("processed", "status"),
            "candidate": self._counts("candidates", "status"),
            "text method": self._methods(),
            "marked": {
                "withdrawn papers": self._count("papers", "withdrawn"),
                "retired components": self._count("components", "retired"),
                "duplicate components": self._count("components", "duplicate_of IS NOT NULL"),
                "duplicate papers": self._count("papers", "duplicate_of IS NOT NULL"),
            },
        }

    def exported(self) -> Iterator[str]:
        """Every row of every table as one line of JSON, with the name of its table."""
        for table in EXPORTED:
            for row in self._database.query(f"SELECT * FROM {table} ORDER BY rowid"):
                yield json.dumps({"table": table} | row, ensure_ascii=False)

    def names(self) -> dict[int, tuple[str, ...]]:
        """Names of every component and architecture by row; where two share a name, components come first."""
        rows = self._rows(
            """SELECT id, name, aliases FROM components WHERE NOT retired AND duplicate_of IS NULL
            ORDER BY form DESC, id"""
        )
        return {row["id"]: (row["name"], *json.loads(row["aliases"])) for row in rows}

    def reached(self, query: str) -> int:
        """The entry, from 0, at which a query continues."""
        rows = self._rows("SELECT next FROM ingestions WHERE query = ?", [query])
        return rows[0]["next"] if rows else 0

    def stored_keys(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys (such as "arxiv:2312.06635") whose entry is stored, not refused."""
        found = self._rows(
            "SELECT key FROM processed WHERE status = 'stored' AND key IN (SELECT value FROM json_each(?))",
            [json.dumps(keys)],
        )
        return {row["key"] for row in found}

    def component_texts(self) -> list[dict[str, Any]]:
        """Id, form, name, label, hash, source, origin and text of every component that is no known duplicate."""
        return self._rows(
            """SELECT components.id, form, name, name AS label, hash, source, components.origin,
                coalesce(group_concat(insight, ' '), '') AS text
            FROM components LEFT JOIN insights ON insights.component = components.id
            WHERE duplicate_of IS NULL AND NOT retired GROUP BY components.id ORDER BY components.id"""
        )

    def paper_texts(self) -> list[dict[str, Any]]:
        """The same of every paper that is no known duplicate: its title and abstract; hash and source are empty."""
        return self._rows(
            """SELECT id, 'paper' AS form, title AS name, ltrim(coalesce(arxiv, '') || ' ' || title) AS label,
                '' AS hash, '' AS source, origin, abstract AS text
            FROM papers WHERE duplicate_of IS NULL ORDER BY id"""
        )

    def _shown_component(self, row: Mapping[str, Any]) -> Shown:
        paper = self._rows("SELECT * FROM papers WHERE id = ?", [row["paper"]])
        same = "SELECT id FROM components WHERE id = :id OR duplicate_of = :id"
        insights = self._rows(f"SELECT * FROM insights WHERE component IN ({same})", {"id": row["id"]})
        condition = f"WHERE component IN ({same}) OR object IN ({same}) ORDER BY relations.kind, relations.id"
        relations = self._rows(f"{_RELATIONS} {condition}", {"id": row["id"]})
        measured = self.measured_pairs(row["name"]) if row["form"] == "component" else {}
        return Shown(
            row["form"], row, paper[0] if paper else None, tuple(insights), tuple(relations), (), measured
        )

    def _match(self, part: int, number: int, score: float) -> Match | None:
        if part == 2:
            (insight,) = self._rows("SELECT component, paper FROM insights WHERE id = ?", [number])
            part = 0 if insight["component"] is None else 1
            number = insight["paper"] if insight["component"] is None else insight["component"]
        if part == 0:
            sql = """SELECT 'paper' AS form, coalesce(arxiv, title) AS name, CAST(year AS TEXT) AS kind, title AS text
                FROM papers WHERE id = ? AND duplicate_of IS NULL"""
        else:
            sql = """SELECT form, name, kind,
                coalesce((SELECT insight FROM insights WHERE insights.component = components.id), '') AS text
                FROM components WHERE id = ? AND duplicate_of IS NULL AND NOT retired"""
        found = self._rows(sql, [number])
        return Match(**found[0], score=score) if found else None

    def _methods(self) -> dict[str, int]:
        """Papers by the form their text was read from."""
        rows = self._rows("SELECT method, count(DISTINCT paper) AS papers FROM sections GROUP BY method")
        return {row["method"]: row["papers"] for row in rows}

    def _present(self, form: str) -> list[dict[str, Any]]:
        return self._rows(
            """SELECT name, kind, source FROM components
            WHERE form = ? AND NOT retired AND duplicate_of IS NULL ORDER BY id""",
            [form],
        )

    def _count(self, table: str, condition: str = "1") -> int:
        (row,) = self._rows(f"SELECT count(*) AS rows FROM {table} WHERE {condition}")
        return row["rows"]

    def _counts(self, table: str, column: str) -> dict[str, int]:
        sql = f"SELECT {column} AS name, count(*) AS rows FROM {table} GROUP BY {column} ORDER BY {column}"
        return {row["name"]: row["rows"] for row in self._rows(sql)}

    def _rows(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[dict[str, Any]]:
        with self._file.translated():
            return list(self._database.query(sql, values))
