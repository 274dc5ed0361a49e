"""Tables and views of a search, as migrations; the SQL of each stands in the module of its topic.

A migration's name is its function's name and is recorded in every database: never rename or edit one, add the
next. Every table is strict, so a value of another type is refused. Constraints are named as sentences,
because SQLite's error quotes the name.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from runs import calls, knowledge, tables, views, yardstick
from runs.evidence import tables as evidence

migrations = Migrations("runs")


@migrations()
def create_tables(database: Database) -> None:
    """The first schema."""
    database.executescript(tables.TABLES)


@migrations()
def create_views(database: Database) -> None:
    """What people read with sqlite-utils or Datasette."""
    database.executescript(views.VIEWS)


@migrations()
def create_ancestry_views(database: Database) -> None:
    """Who descends from whom over any number of generations, by the shortest way."""
    database.executescript(views.ANCESTRY)


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
    database.executescript(yardstick.TABLES)


@migrations()
def add_trace_and_idle_seconds(database: Database) -> None:
    """Where an evaluation's time went besides: the part of compilation that traces, and the wait before the job."""
    database.execute("ALTER TABLE evaluations ADD COLUMN trace_seconds REAL")
    database.execute("ALTER TABLE evaluations ADD COLUMN idle_seconds REAL")


@migrations()
def create_calls(database: Database) -> None:
    """What language models were asked, answered, expected and found, and credit for what they proposed in vain."""
    database.executescript(calls.TABLES)


@migrations()
def create_evidence(database: Database) -> None:
    """What a finished search teaches: neighbours, ordered configurations, edits."""
    database.executescript(evidence.TABLES)


@migrations()
def create_guidance(database: Database) -> None:
    """What a guided search knew of published components when it began."""
    database.executescript(knowledge.TABLES)
