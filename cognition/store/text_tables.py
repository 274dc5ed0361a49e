"""The table of full texts."""

from __future__ import annotations

TEXTS = """
CREATE TABLE sections (
    id INTEGER PRIMARY KEY,
    paper INTEGER NOT NULL REFERENCES papers(id),
    position INTEGER NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    method TEXT NOT NULL CHECK (method IN ('html', 'source', 'pdf')),
    CONSTRAINT one_section_per_place UNIQUE (paper, position)
) STRICT;
"""
