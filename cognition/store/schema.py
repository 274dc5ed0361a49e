"""Tables and the full-text index of the cognition store, as migrations.

A migration's name is its function's name and is recorded in every database: never rename or edit one, add the
next. Every table is strict, so a value of another type is refused.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from cognition.store.candidate_tables import CANDIDATES
from cognition.store.evidence_tables import EVIDENCE
from cognition.store.text_tables import TEXTS

migrations = Migrations("cognition")

TABLES = """
CREATE TABLE papers (
    id INTEGER PRIMARY KEY,
    arxiv TEXT UNIQUE,
    version INTEGER,
    title TEXT NOT NULL,
    abstract TEXT NOT NULL DEFAULT '',
    authors TEXT NOT NULL DEFAULT '[]',
    categories TEXT NOT NULL DEFAULT '[]',
    published TEXT NOT NULL DEFAULT '',
    updated TEXT NOT NULL DEFAULT '',
    year INTEGER NOT NULL,
    comment TEXT NOT NULL DEFAULT '',
    doi TEXT NOT NULL DEFAULT '',
    withdrawn INTEGER NOT NULL DEFAULT 0 CHECK (withdrawn IN (0, 1)),
    origin TEXT NOT NULL,
    duplicate_of INTEGER REFERENCES papers(id)
) STRICT;
CREATE UNIQUE INDEX papers_without_number ON papers(title) WHERE arxiv IS NULL;

CREATE TABLE components (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    form TEXT NOT NULL CHECK (form IN ('component', 'architecture')),
    kind TEXT NOT NULL,
    aliases TEXT NOT NULL DEFAULT '[]',
    hash TEXT NOT NULL,
    source TEXT NOT NULL,
    paper INTEGER REFERENCES papers(id),
    origin TEXT NOT NULL,
    retired INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1)),
    duplicate_of INTEGER REFERENCES components(id),
    CONSTRAINT one_name_per_origin UNIQUE (origin, form, name)
) STRICT;
CREATE INDEX components_name ON components(name);
CREATE INDEX components_hash ON components(hash);
CREATE INDEX components_paper ON components(paper);
CREATE INDEX components_duplicate_of ON components(duplicate_of);

CREATE TABLE insights (
    id INTEGER PRIMARY KEY,
    component INTEGER REFERENCES components(id),
    paper INTEGER REFERENCES papers(id),
    insight TEXT NOT NULL,
    triggers TEXT NOT NULL,
    origin TEXT NOT NULL,
    CONSTRAINT an_insight_is_about_something CHECK (component IS NOT NULL OR paper IS NOT NULL)
) STRICT;
CREATE INDEX insights_component ON insights(component);
CREATE INDEX insights_paper ON insights(paper);

CREATE TABLE relations (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('builds_on', 'replaces', 'pairs_with', 'mentions')),
    component INTEGER REFERENCES components(id),
    subject_paper INTEGER REFERENCES papers(id),
    object INTEGER NOT NULL REFERENCES components(id),
    evidence TEXT NOT NULL,
    rule TEXT NOT NULL,
    paper INTEGER REFERENCES papers(id),
    origin TEXT NOT NULL,
    CONSTRAINT a_component_or_a_paper_is_the_subject CHECK ((component IS NULL) <> (subject_paper IS NULL))
) STRICT;
CREATE UNIQUE INDEX relations_once ON relations(
    kind, object, coalesce(component, 0), coalesce(subject_paper, 0), coalesce(paper, 0), origin
);
CREATE INDEX relations_component ON relations(component);
CREATE INDEX relations_subject_paper ON relations(subject_paper);
CREATE INDEX relations_paper ON relations(paper);

CREATE TABLE ingestions (
    query TEXT PRIMARY KEY,
    next INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE processed (
    key TEXT PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('stored', 'refused')),
    reason TEXT NOT NULL,
    query TEXT NOT NULL,
    processed_at TEXT NOT NULL,
    CONSTRAINT a_refusal_has_a_reason CHECK (status = 'stored' OR reason <> '')
) STRICT;

CREATE TABLE library (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    fingerprint TEXT NOT NULL
) STRICT;
"""

# One index over three tables: a row of table n has rowid 3 * id + n, so that a change finds its text at once.
SEARCH = """
CREATE VIRTUAL TABLE documents USING fts5(name, triggers, insight, abstract, tokenize = 'porter unicode61');

CREATE TRIGGER papers_added AFTER INSERT ON papers BEGIN
    INSERT INTO documents(rowid, name, abstract) VALUES (3 * new.id, new.title, new.abstract);
END;
CREATE TRIGGER papers_changed AFTER UPDATE OF title, abstract ON papers BEGIN
    DELETE FROM documents WHERE rowid = 3 * old.id;
    INSERT INTO documents(rowid, name, abstract) VALUES (3 * new.id, new.title, new.abstract);
END;
CREATE TRIGGER papers_removed AFTER DELETE ON papers BEGIN
    DELETE FROM documents WHERE rowid = 3 * old.id;
END;

CREATE TRIGGER components_added AFTER INSERT ON components BEGIN
    INSERT INTO documents(rowid, name)
    VALUES (3 * new.id + 1, replace(new.name, '_', ' ') || ' ' || new.name || ' ' || new.aliases);
END;
CREATE TRIGGER components_changed AFTER UPDATE OF name, aliases ON components BEGIN
    DELETE FROM documents WHERE rowid = 3 * old.id + 1;
    INSERT INTO documents(rowid, name)
    VALUES (3 * new.id + 1, replace(new.name, '_', ' ') || ' ' || new.name || ' ' || new.aliases);
END;
CREATE TRIGGER components_removed AFTER DELETE ON components BEGIN
    DELETE FROM documents WHERE rowid = 3 * old.id + 1;
END;

CREATE TRIGGER insights_added AFTER INSERT ON insights BEGIN
    INSERT INTO documents(rowid, name, triggers, insight)
    VALUES (
        3 * new.id + 2,
        coalesce((SELECT replace(name, '_', ' ') FROM components WHERE id = new.component), ''),
        new.triggers,
        new.insight
    );
END;
CREATE TRIGGER insights_removed AFTER DELETE ON insights BEGIN
    DELETE FROM documents WHERE rowid = 3 * old.id + 2;
END;
"""


@migrations()
def create_tables(database: Database) -> None:
    """The first schema."""
    database.executescript(TABLES)


@migrations()
def create_search(database: Database) -> None:
    """Names, triggers, insights and abstracts in one index, kept by triggers."""
    database.executescript(SEARCH)


@migrations()
def create_texts(database: Database) -> None:
    """Sections of papers' full texts."""
    database.executescript(TEXTS)


@migrations()
def create_candidates(database: Database) -> None:
    """What was read by whom, what models answered, and the entries that their answers hold."""
    database.executescript(CANDIDATES)


@migrations()
def create_evidence(database: Database) -> None:
    """What searches found."""
    database.executescript(EVIDENCE)
