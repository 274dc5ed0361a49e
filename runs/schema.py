"""Tables and views of a search, as migrations.

A migration's name is its function's name and is recorded in every database: never rename or edit one, add the
next. Every table is strict, so a value of another type is refused. Constraints are named as sentences,
because SQLite's error quotes the name.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from runs import knowledge
from runs.calls import TABLES as CALLS
from runs.evidence import tables as evidence

migrations = Migrations("runs")

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

VIEWS = """
CREATE VIEW genealogy AS
SELECT
    attempts.id AS attempt,
    generation,
    operator,
    coalesce((SELECT group_concat(parent, ' ') FROM
        (SELECT parent FROM parents WHERE parents.attempt = attempts.id ORDER BY position)), '') AS parents,
    coalesce((SELECT group_concat(description, '; ') FROM
        (SELECT description FROM edits WHERE edits.attempt = attempts.id ORDER BY position)), '') AS edits,
    status,
    score,
    score - (SELECT max(parent.score) FROM parents JOIN attempts AS parent ON parent.id = parents.parent
        WHERE parents.attempt = attempts.id AND parent.rung IS attempts.rung) AS gain
FROM attempts
ORDER BY attempts.id;

CREATE VIEW leaderboard AS
SELECT
    row_number() OVER (ORDER BY score DESC, id) AS rank,
    id AS attempt,
    generation,
    label,
    family,
    score,
    operator,
    parameters,
    state_bytes,
    substr(recipe, 1, 12) AS recipe
FROM attempts
WHERE status = 'evaluated'
ORDER BY score DESC, id;

CREATE VIEW failures AS
SELECT id AS attempt, generation, operator, status, reason
FROM attempts
WHERE status IN ('rejected', 'failed', 'diverged', 'timeout')
ORDER BY id;
"""


ANCESTRY_VIEWS = """
CREATE VIEW ancestors AS
WITH RECURSIVE line(attempt, ancestor, distance) AS (
    SELECT DISTINCT attempt, parent, 1 FROM parents
    UNION
    SELECT line.attempt, parents.parent, line.distance + 1
    FROM line JOIN parents ON parents.attempt = line.ancestor
)
SELECT attempt, ancestor, min(distance) AS distance
FROM line
GROUP BY attempt, ancestor
ORDER BY attempt, distance, ancestor;

CREATE VIEW descendants AS
SELECT ancestor AS attempt, attempt AS descendant, distance
FROM ancestors
ORDER BY attempt, distance, descendant;
"""

YARDSTICK = """
CREATE TABLE yardstick (
    id INTEGER PRIMARY KEY CONSTRAINT one_yardstick_per_search CHECK (id = 1),
    recipe TEXT NOT NULL,
    seeds INTEGER NOT NULL CONSTRAINT noise_needs_two_seeds CHECK (seeds >= 2),
    noise REAL NOT NULL CONSTRAINT noise_is_finite_and_not_negative CHECK (noise >= 0 AND noise < 9e999)
) STRICT;

CREATE TABLE yardstick_tasks (
    task TEXT PRIMARY KEY NOT NULL,
    chance REAL NOT NULL CONSTRAINT chance_is_finite_and_positive CHECK (chance > 0 AND chance < 9e999),
    loss REAL NOT NULL CONSTRAINT loss_is_finite_and_not_negative CHECK (loss >= 0 AND loss < 9e999),
    noise REAL NOT NULL CONSTRAINT noise_is_finite_and_not_negative CHECK (noise >= 0 AND noise < 9e999)
) STRICT;

DROP VIEW leaderboard;
CREATE VIEW leaderboard AS
SELECT
    row_number() OVER (ORDER BY score DESC, id) AS rank,
    id AS attempt,
    generation,
    label,
    family,
    score,
    max(score) OVER () - score <= 2 * (SELECT noise FROM yardstick) AS tie,
    operator,
    parameters,
    state_bytes,
    substr(recipe, 1, 12) AS recipe
FROM attempts
WHERE status = 'evaluated'
ORDER BY score DESC, id;
"""


@migrations()
def create_tables(database: Database) -> None:
    """The first schema."""
    database.executescript(TABLES)


@migrations()
def create_views(database: Database) -> None:
    """What people read with sqlite-utils or Datasette."""
    database.executescript(VIEWS)


@migrations()
def create_ancestry_views(database: Database) -> None:
    """Who descends from whom over any number of generations, by the shortest way."""
    database.executescript(ANCESTRY_VIEWS)


@migrations()
def add_purposes(database: Database) -> None:
    """Evaluations of a search's best on a fresh seed, and of what was stopped early trained to the end.

    SQLite changes a constraint by a new table alone.
    """
    (table,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'evaluations'").fetchone()
    wider = table.replace(
        "'search', 'noise', 'confirm'", "'search', 'retest', 'noise', 'sweep', 'confirm', 'proxy'"
    )
    database.execute(wider.replace("CREATE TABLE evaluations", "CREATE TABLE wider", 1))
    database.execute("INSERT INTO wider SELECT * FROM evaluations")
    database.execute("DROP TABLE evaluations")
    database.execute("ALTER TABLE wider RENAME TO evaluations")
    for column in ("attempt", "recipe"):
        database.execute(f"CREATE INDEX evaluations_{column} ON evaluations({column})")


@migrations()
def create_yardstick(database: Database) -> None:
    """What scores are measured by, and with its noise, which attempts tie with the best: `exceeds_noise` in SQL."""
    database.executescript(YARDSTICK)


@migrations()
def add_trace_and_idle_seconds(database: Database) -> None:
    """Where an evaluation's time went besides: the part of compilation that traces, and the wait before the job."""
    database.execute("ALTER TABLE evaluations ADD COLUMN trace_seconds REAL")
    database.execute("ALTER TABLE evaluations ADD COLUMN idle_seconds REAL")


@migrations()
def create_calls(database: Database) -> None:
    """What language models were asked, answered, expected and found, and credit for what they proposed in vain."""
    database.executescript(CALLS)


@migrations()
def create_evidence(database: Database) -> None:
    """What a finished search teaches: neighbours, ordered configurations, edits."""
    database.executescript(evidence.TABLES)


@migrations()
def create_guidance(database: Database) -> None:
    """What a guided search knew of published components when it began."""
    database.executescript(knowledge.TABLES)
