"""Searches under fire: drivers and workers are killed at random moments, and every search ends as if nothing had been.

    python tests/benchmarks/kills.py

Runs at least 20 searches at the smallest real scale, until there were 200 kills with SIGKILL: of a driver, of one of
its workers, of a driver in the middle of a commit, and at last of one that migrates an older database. Each search is
compared with an unbroken one of the same seed. Prints a line per search and the sums: evaluations lost, trainings
asked for although they were stored, genealogies that differ, searches that `check` refuses. Exit code 1 unless all of
these are 0.
"""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

from tests.evolve.rows import GENEALOGY

COMMAND = [
    "run",
    "--generations",
    "4",
    "--population",
    "4",
    "--scale",
    "micro",
    "--task",
    "recall",
    "--workers",
    "2",
]

DRIVER = """
import sys
from pathlib import Path
from evolve import session
from evolve.cli import main

class Recorded(session.LocalExecutor):
    def run(self, jobs):
        with Path(sys.argv[1]).open("a") as asked:
            asked.writelines(f"{job.key}\\n" for job in jobs)
        return super().run(jobs)

session.LocalExecutor = Recorded
sys.exit(main(sys.argv[2:]))
"""
"""The command line, with every training that it asks for noted in a file."""

MIGRATION = """
import sys
from runs.store import Store
print("ready", flush=True)
sys.stdin.readline()
Store.open(sys.argv[1]).close()
"""

KEYS = (
    "SELECT purpose || '/' || recipe || '/' || task || '/' || seed || '/' || rung || '/' || split FROM evaluations"
)
KINDS = ("driver", "worker", "commit")


@dataclass
class Tally:
    """What befell one search."""

    kills: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    paid_twice: int = 0
    differs: bool = False
    refused: str = ""
    seconds: float = 0.0


def rows(directory: Path, query: str) -> list[tuple]:
    """Rows of a search as they are committed; none where there is no table yet."""
    path = directory / "search.db"
    if not path.is_file():
        return []
    with closing(sqlite3.connect(path, timeout=30)) as database:
        try:
            return database.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []


def start(directory: Path, seed: int) -> subprocess.Popen[bytes]:
    directory.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", DRIVER, str(directory / "asked"), *COMMAND, "--seed", str(seed)]
    log = (directory / "driver.log").open("ab")
    with log:
        return subprocess.Popen([*command, "--out", str(directory)], stdout=log, stderr=log, process_group=0)


def workers_of(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(child) for child in path.read_text().split()]
    return found


def kill_once(process: subprocess.Popen[bytes], directory: Path, kind: str, delay: float, random: Random) -> bool:
    """Kill after a delay; False where the search was over before."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(delay)
        return False
    if kind == "worker":
        workers = workers_of(process.pid)
        if workers:
            with suppress(ProcessLookupError):
                os.kill(random.choice(workers), signal.SIGKILL)
            return True
    if kind == "commit":
        journal, before = directory / "search.db-wal", None
        deadline = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError):
                status = journal.stat()
                now = status.st_size, status.st_mtime_ns
                if before is not None and now != before:
                    break
                before = now
            time.sleep(0.0002)
    if process.poll() is not None:
        return False
    process.kill()
    process.wait()
    return True


def under_fire(directory: Path, seed: int, kills: int, lasting: float, random: Random) -> Tally:
    """One search from its start to its end; `lasting` is the seconds of an unbroken one."""
    tally, started = Tally(), time.monotonic()
    held: dict[tuple, tuple] = {}
    asked_before = 0
    process = start(directory, seed)
    known: set[str] = set()
    while True:
        kind = random.choice(KINDS)
        delay = random.uniform(0.05, 0.35) * lasting
        if sum(tally.kills.values()) < kills and kill_once(process, directory, kind, delay, random):
            tally.kills[kind] += 1
        elif process.wait() != 0:
            tally.refused = f"the driver ended with {process.returncode}: {last_line(directory)}"
            break
        if process.poll() is None:
            continue
        asked = (directory / "asked").read_text().split() if (directory / "asked").exists() else []
        tally.paid_twice += sum(key in known for key in asked[asked_before:])
        asked_before = len(asked)
        stored = {row[:6]: row for row in measurements(directory)}
        tally.lost += sum(stored.get(key) != row for key, row in held.items())
        held = stored
        known = {key for (key,) in rows(directory, KEYS)}
        if process.returncode == 0:
            break
        process = start(directory, seed)
    tally.seconds = time.monotonic() - started
    return tally


def measurements(directory: Path) -> list[tuple]:
    columns = "purpose, recipe, task, seed, rung, split, status, loss, total_seconds"
    return rows(directory, f"SELECT {columns} FROM evaluations")


def last_line(directory: Path) -> str:
    lines = (directory / "driver.log").read_text(errors="replace").splitlines()
    return lines[-1] if lines else ""


def aged(source: Path, target: Path) -> None:
    """A copy of a search's database as the first schema had it, without what that could not hold."""
    from runs.tables import TABLES
    from runs.views import VIEWS

    target.mkdir(parents=True)
    with closing(sqlite3.connect(target / "search.db")) as database:
        database.executescript(TABLES + VIEWS)
        database.execute("ATTACH ? AS whole", [str(source / "search.db")])
        for (table,) in database.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            names = ", ".join(row[1] for row in database.execute(f"PRAGMA main.table_info({table})"))
            kept = "WHERE purpose IN ('search', 'noise', 'confirm')" if table == "evaluations" else ""
            database.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM whole.{table} {kept}")
        database.execute("CREATE TABLE _sqlite_migrations AS SELECT * FROM whole._sqlite_migrations WHERE 0")
        columns = ", ".join(row[1] for row in database.execute("PRAGMA main.table_info(_sqlite_migrations)"))
        database.execute(
            f"INSERT INTO main._sqlite_migrations ({columns}) SELECT {columns} FROM whole._sqlite_migrations "
            "WHERE name IN ('create_tables', 'create_views')"
        )
        database.commit()
        database.execute("DETACH whole")


def migrations_under_fire(source: Path, directory: Path, kills: int, random: Random) -> tuple[int, bool]:
    """Kill the opening of an older database until it has been killed so often; whether its rows are as a clean one's."""
    clean, killed, done = directory / "clean", directory / "killed", 0
    aged(source, clean)
    subprocess.run(
        [sys.executable, "-c", MIGRATION, str(clean)], input=b"\n", check=True, stdout=subprocess.DEVNULL
    )
    for attempt in range(kills):
        target = killed / str(attempt)
        aged(source, target)
        command = [sys.executable, "-c", MIGRATION, str(target)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.readline()
            process.stdin.write(b"\n")
            process.stdin.flush()
            time.sleep(random.uniform(0.0, 0.08))
            process.kill()
            done += process.wait() == -signal.SIGKILL
        subprocess.run(
            [sys.executable, "-c", MIGRATION, str(target)], input=b"\n", check=True, stdout=subprocess.DEVNULL
        )
        schema = "SELECT name, sql FROM sqlite_master ORDER BY name"
        if any(rows(target, query) != rows(clean, query) for query in (*GENEALOGY, schema)):
            return done, False
    return done, True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=20, help="at least so many")
    parser.add_argument("--kills", type=int, default=200, help="of all of them")
    parser.add_argument("--seeds", type=int, default=2, help="different searches, each with one unbroken run")
    parser.add_argument("--migrations", type=int, default=10, help="kills of migrations, at the end")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no further search after this time")
    arguments = parser.parse_args()
    random, begun = Random(arguments.seed), time.monotonic()
    tallies: list[Tally] = []

    def minutes() -> float:
        return (time.monotonic() - begun) / 60

    with tempfile.TemporaryDirectory() as folder:
        unbroken: dict[int, tuple[Path, float]] = {}
        print("| search | seed | kills | lost | paid twice | genealogy | check | seconds |")
        print("|---|---|---|---|---|---|---|---|")
        each = -(-arguments.kills // arguments.searches)
        for number in count():
            done = sum(sum(tally.kills.values()) for tally in tallies) + arguments.migrations
            if (number >= arguments.searches and done >= arguments.kills) or minutes() > arguments.minutes:
                break
            seed = number % arguments.seeds
            if seed not in unbroken:
                directory, started = Path(folder) / f"unbroken-{seed}", time.monotonic()
                if start(directory, seed).wait() != 0:
                    raise SystemExit(f"the unbroken search of seed {seed} failed: {last_line(directory)}")
                unbroken[seed] = directory, time.monotonic() - started
            whole, lasting = unbroken[seed]
            directory = Path(folder) / f"killed-{number}"
            tally = under_fire(directory, seed, each, lasting, random)
            tally.differs = [rows(directory, query) for query in GENEALOGY] != [
                rows(whole, query) for query in GENEALOGY
            ]
            checked = subprocess.run(
                [sys.executable, "-m", "evolve", "check", "--out", str(directory)], capture_output=True, text=True
            )
            if checked.returncode:
                tally.refused += checked.stdout.strip().splitlines()[0]
            tallies.append(tally)
            kinds = ", ".join(f"{often} {kind}" for kind, often in sorted(tally.kills.items()))
            print(
                f"| {number} | {seed} | {kinds} | {tally.lost} | {tally.paid_twice} | "
                f"{'differs' if tally.differs else 'equal'} | {tally.refused or 'holds'} | {tally.seconds:.0f} |",
                flush=True,
            )
        migrated, sound = migrations_under_fire(
            unbroken[0][0], Path(folder) / "migrated", arguments.migrations, random
        )
    kills = sum((tally.kills for tally in tallies), Counter[str]())
    faults = sum(tally.lost + tally.paid_twice + tally.differs + bool(tally.refused) for tally in tallies)
    print(
        f"{len(tallies)} searches, {sum(kills.values()) + migrated} kills ({dict(kills)}, {migrated} of migrations): "
        f"{sum(tally.lost for tally in tallies)} evaluations lost, {sum(tally.paid_twice for tally in tallies)} paid "
        f"twice, {sum(tally.differs for tally in tallies)} genealogies differ, "
        f"{sum(bool(tally.refused) for tally in tallies)} refused; migrations {'whole' if sound else 'BROKEN'}; "
        f"{minutes():.1f} minutes"
    )
    sys.exit(1 if faults or not sound else 0)


if __name__ == "__main__":
    main()
