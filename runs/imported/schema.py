"""Tables and views of an imported run, as migrations: never rename or edit one, add the next.

A search's attempts point to recipes of our language, which foreign programs are not: they have a database of
their own, with views of the same names.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

migrations = Migrations("imported")

TABLES = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY CONSTRAINT one_run_per_database CHECK (id = 1),
    format TEXT NOT NULL,
    source TEXT NOT NULL,
    imported_at TEXT NOT NULL,
    version TEXT NOT NULL
) STRICT;

CREATE TABLE programs (
    id INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL CONSTRAINT generation_is_not_negative CHECK (generation >= 0),
    entry INTEGER,
    identifier TEXT NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    time TEXT NOT NULL,
    score REAL CONSTRAINT a_score_is_finite CHECK (abs(score) < 9e999),
    parameters TEXT NOT NULL,
    summary TEXT NOT NULL,
    motivation TEXT NOT NULL,
    analysis TEXT NOT NULL,
    cognition TEXT NOT NULL,
    log TEXT NOT NULL,
    program TEXT NOT NULL
) STRICT;
CREATE INDEX programs_score ON programs(score DESC, id);
CREATE INDEX programs_name ON programs(name);

CREATE TABLE parents (
    program INTEGER NOT NULL REFERENCES programs(id),
    position INTEGER NOT NULL,
    named TEXT NOT NULL,
    parent INTEGER REFERENCES programs(id),
    problem TEXT NOT NULL CHECK (problem IN ('', 'missing', 'descendant')),
    PRIMARY KEY (program, position),
    CONSTRAINT a_parent_or_a_problem CHECK ((parent IS NULL) = (problem <> ''))
) STRICT;
CREATE INDEX parents_parent ON parents(parent);

CREATE TABLE results (
    program INTEGER NOT NULL REFERENCES programs(id),
    split TEXT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    value REAL CONSTRAINT a_value_is_finite CHECK (abs(value) < 9e999),
    PRIMARY KEY (program, split, position)
) STRICT;
CREATE INDEX results_name ON results(name);

CREATE VIEW genealogy AS
SELECT
    id AS program,
    generation,
    name,
    title,
    coalesce((SELECT group_concat(parent, ' ') FROM
        (SELECT parent FROM parents WHERE parents.program = programs.id ORDER BY position)), '') AS parents,
    coalesce((SELECT group_concat(named, ' ') FROM
        (SELECT named FROM parents WHERE parents.program = programs.id AND problem <> '' ORDER BY position)), '')
        AS unknown_parents,
    score,
    score - (SELECT max(parent.score) FROM parents JOIN programs AS parent ON parent.id = parents.parent
        WHERE parents.program = programs.id) AS gain
FROM programs
ORDER BY generation, id;

CREATE VIEW leaderboard AS
SELECT
    row_number() OVER (ORDER BY score DESC, id) AS rank,
    id AS program,
    generation,
    name,
    title,
    score,
    (SELECT value FROM results WHERE results.program = programs.id AND split = 'train'
        ORDER BY position DESC LIMIT 1) AS loss,
    (SELECT value FROM results WHERE results.program = programs.id AND split = 'test' AND name = 'average')
        AS benchmark,
    parameters
FROM programs
WHERE score IS NOT NULL
ORDER BY score DESC, id;

CREATE VIEW ancestors AS
WITH RECURSIVE line(program, ancestor, distance) AS (
    SELECT DISTINCT program, parent, 1 FROM parents WHERE parent IS NOT NULL
    UNION
    SELECT line.program, parents.parent, line.distance + 1
    FROM line JOIN parents ON parents.program = line.ancestor
    WHERE parents.parent IS NOT NULL
)
SELECT program, ancestor, min(distance) AS distance
FROM line
GROUP BY program, ancestor
ORDER BY program, distance, ancestor;

CREATE VIEW descendants AS
SELECT ancestor AS program, program AS descendant, distance
FROM ancestors
ORDER BY program, distance, descendant;
"""


@migrations()
def create_tables(database: Database) -> None:
    """The first schema."""
    database.executescript(TABLES)
