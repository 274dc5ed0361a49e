"""The first tables of a search: itself, recipes, attempts with their parents and edits, evaluations, generations."""

from __future__ import annotations

TABLES = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY CONSTRAINT one_search_per_database CHECK (id = 1),
    name TEXT NOT NULL,
    created_at TEXT NOT NULL,
    seed INTEGER NOT NULL,
    configuration TEXT NOT NULL,
    version TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'stopped')),
    generations INTEGER NOT NULL CONSTRAINT generations_are_not_negative CHECK (generations >= 0),
    random_state TEXT NOT NULL
) STRICT;

CREATE TABLE recipes (
    hash TEXT PRIMARY KEY NOT NULL,
    recipe TEXT NOT NULL,
    label TEXT NOT NULL
) STRICT;

CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    operator TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN
        ('proposed', 'rejected', 'duplicate', 'failed', 'diverged', 'timeout', 'screened', 'evaluated')),
    reason TEXT NOT NULL,
    recipe TEXT REFERENCES recipes(hash),
    duplicate_of INTEGER REFERENCES attempts(id),
    label TEXT NOT NULL,
    score REAL,
    rung INTEGER,
    family TEXT,
    parameters INTEGER,
    flops_per_token INTEGER,
    state_bytes INTEGER,
    step_seconds REAL,
    created_at TEXT NOT NULL,
    seconds REAL,
    CONSTRAINT only_a_rejected_attempt_has_no_recipe CHECK (recipe IS NOT NULL OR status = 'rejected'),
    CONSTRAINT only_a_duplicate_names_another_attempt CHECK ((status = 'duplicate') = (duplicate_of IS NOT NULL)),
    CONSTRAINT a_duplicate_names_an_earlier_attempt CHECK (duplicate_of < id),
    CONSTRAINT a_failure_has_a_reason
        CHECK (status NOT IN ('rejected', 'failed', 'diverged', 'timeout') OR reason <> ''),
    CONSTRAINT only_a_measured_attempt_has_a_score
        CHECK (score IS NULL OR status IN ('screened', 'evaluated')),
    CONSTRAINT an_evaluated_attempt_has_a_score CHECK (score IS NOT NULL OR status <> 'evaluated'),
    CONSTRAINT a_score_is_finite CHECK (abs(score) < 9e999)
) STRICT;
CREATE INDEX attempts_generation ON attempts(generation);
CREATE INDEX attempts_status ON attempts(status);
CREATE INDEX attempts_recipe ON attempts(recipe);
CREATE INDEX attempts_score ON attempts(score DESC, id) WHERE status = 'evaluated';
CREATE UNIQUE INDEX attempts_paid_once ON attempts(recipe)
    WHERE status IN ('proposed', 'screened', 'evaluated');

CREATE TABLE components (
    name TEXT PRIMARY KEY NOT NULL,
    hash TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('library', 'derived', 'proposed')),
    arxiv TEXT,
    first_attempt INTEGER REFERENCES attempts(id)
) STRICT;
CREATE INDEX components_hash ON components(hash);

CREATE TABLE parents (
    attempt INTEGER NOT NULL REFERENCES attempts(id),
    position INTEGER NOT NULL,
    parent INTEGER NOT NULL REFERENCES attempts(id),
    PRIMARY KEY (attempt, position),
    CONSTRAINT a_parent_is_an_earlier_attempt CHECK (parent < attempt)
) STRICT;
CREATE INDEX parents_parent ON parents(parent);

CREATE TABLE edits (
    attempt INTEGER NOT NULL REFERENCES attempts(id),
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    edit TEXT NOT NULL,
    description TEXT NOT NULL,
    PRIMARY KEY (attempt, position)
) STRICT;

CREATE TABLE adjustments (
    attempt INTEGER NOT NULL REFERENCES attempts(id),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    original TEXT NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (attempt, position)
) STRICT;

CREATE TABLE evaluations (
    id INTEGER PRIMARY KEY,
    attempt INTEGER REFERENCES attempts(id),
    recipe TEXT NOT NULL REFERENCES recipes(hash),
    purpose TEXT NOT NULL CHECK (purpose IN ('search', 'noise', 'confirm')),
    task TEXT NOT NULL,
    seed INTEGER NOT NULL,
    rung INTEGER NOT NULL,
    split TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('evaluated', 'failed', 'diverged', 'timeout')),
    reason TEXT NOT NULL,
    loss REAL,
    accuracy REAL,
    macro_accuracy REAL,
    compile_seconds REAL,
    train_seconds REAL,
    total_seconds REAL,
    backend TEXT NOT NULL,
    device TEXT NOT NULL,
    CONSTRAINT an_evaluation_has_a_loss_and_a_failure_none
        CHECK ((status = 'evaluated') = (loss IS NOT NULL)),
    CONSTRAINT a_failure_has_a_reason CHECK (status = 'evaluated' OR reason <> ''),
    CONSTRAINT a_loss_is_finite CHECK (abs(loss) < 9e999),
    CONSTRAINT paid_once UNIQUE (purpose, recipe, task, seed, rung, split)
) STRICT;
CREATE INDEX evaluations_attempt ON evaluations(attempt);
CREATE INDEX evaluations_recipe ON evaluations(recipe);

CREATE TABLE operator_credit (
    generation INTEGER NOT NULL REFERENCES generations(generation),
    operator TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    improved INTEGER NOT NULL,
    gain REAL NOT NULL,
    cost_flops REAL NOT NULL,
    PRIMARY KEY (generation, operator)
) STRICT;

CREATE TABLE generations (
    generation INTEGER PRIMARY KEY,
    best REAL,
    median REAL,
    statistics TEXT NOT NULL,
    finished_at TEXT NOT NULL
) STRICT;

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX events_kind ON events(kind);
"""
