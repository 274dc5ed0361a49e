"""Tables of extraction: one answer per question, one extraction per paper, reader and material, one row per entry."""

from __future__ import annotations

CANDIDATES = """
CREATE TABLE answers (
    id INTEGER PRIMARY KEY,
    question TEXT NOT NULL UNIQUE,
    reader TEXT NOT NULL,
    paper INTEGER NOT NULL REFERENCES papers(id),
    answer TEXT NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    answered_at TEXT NOT NULL
) STRICT;
CREATE INDEX answers_paper ON answers(paper);

CREATE TABLE extractions (
    paper INTEGER NOT NULL REFERENCES papers(id),
    reader TEXT NOT NULL,
    material TEXT NOT NULL CHECK (material IN ('abstract', 'text')),
    status TEXT NOT NULL CHECK (status IN ('done', 'refused')),
    reason TEXT NOT NULL,
    finished_at TEXT NOT NULL,
    PRIMARY KEY (paper, reader, material),
    CONSTRAINT a_refusal_has_a_reason CHECK (status = 'done' OR reason <> '')
) STRICT;

CREATE TABLE candidates (
    id INTEGER PRIMARY KEY,
    paper INTEGER NOT NULL REFERENCES papers(id),
    reader TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    insight TEXT NOT NULL,
    triggers TEXT NOT NULL,
    builds_on TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('accepted', 'refused')),
    reason TEXT NOT NULL,
    component INTEGER REFERENCES components(id),
    judged_at TEXT NOT NULL,
    CONSTRAINT an_accepted_candidate_is_a_component CHECK ((status = 'accepted') = (component IS NOT NULL)),
    CONSTRAINT a_refused_candidate_has_a_reason CHECK (status = 'accepted' OR reason <> '')
) STRICT;
CREATE INDEX candidates_paper ON candidates(paper);
CREATE INDEX candidates_component ON candidates(component);
"""
