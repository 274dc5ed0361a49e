"""Do workers wait for language models? A server that thinks for some seconds over every answer, beside no model.

    python tests/benchmarks/overlap.py [--seconds 5] [--generations 6] [--scale tiny]

Runs the same search without a model, with a model that answers at once, and with one that takes its time, each with a
cold compile cache. The last two have the same genealogy, so that what one idles more than the other is waiting alone.
Counted are the trainings of generations that a model can be asked for, from the third on. A model's time is hidden as
long as a generation trains for longer than a question and its repair take. Exit code 1 where idle time grows by more
than a tenth over no model.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

from evolve.llm.proposers import LAG
from tests.evolve.llm.scripted import analysis, mediocre
from tests.evolve.llm.servers import Asked, Reply, serving_openai

ACCEPTED = 1.10
SUMS = """
SELECT total(idle_seconds), total(total_seconds), count(*) FROM evaluations JOIN attempts ON attempts.id = attempt
WHERE purpose = 'search' AND generation > ?
"""
CALLS = "SELECT count(*), total(seconds) FROM calls WHERE state = 'answered'"


@dataclass(frozen=True)
class Measured:
    """One search: seconds that workers waited and worked, trainings, calls, the calls' and the search's seconds."""

    idle: float
    busy: float
    trainings: int
    calls: int
    asked: float
    wall: float

    @property
    def share(self) -> float:
        return self.idle / (self.idle + self.busy)


def replied(asked: Asked, seconds: float) -> Reply:
    """A legal proposal or analysis, a function of the question, after so many seconds."""
    turn = asked.body["messages"][-1]["content"]
    data = json.loads(turn[turn.index("{") :])
    text = analysis(data) if "results" in data else mediocre(data, Random(asked.text))
    return Reply(text, silence=seconds)


def measured(options: list[str], seconds: float | None) -> Measured:
    """Run a search with a model that takes so many seconds, or None for no model."""
    with tempfile.TemporaryDirectory() as folder, serving_openai() as server:
        directory = Path(folder) / "search"
        server.otherwise = lambda asked: replied(asked, seconds or 0.0)
        model = [] if seconds is None else ["--llm", f"openai:slow@{server.url}"]
        command = [sys.executable, "-m", "evolve", "run", *options, *model, "--out", str(directory)]
        environment = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
        environment["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        began = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        wall = time.monotonic() - began
        with closing(sqlite3.connect(directory / "search.db")) as database:
            idle, busy, trainings = database.execute(SUMS, [LAG]).fetchone()
            calls, asked = database.execute(CALLS).fetchone()
    return Measured(idle, busy, trainings, calls, asked, wall)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of every answer")
    parser.add_argument("--generations", type=int, default=6)
    parser.add_argument("--population", type=int, default=8)
    parser.add_argument("--scale", default="tiny")
    parser.add_argument("--task", default="recall")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.generations <= LAG:
        parser.error(f"--generations: {LAG + 1} or more: no model is asked for the first {LAG}")
    names = ("generations", "population", "scale", "task", "seed")
    options = [text for name in names for text in (f"--{name}", str(getattr(arguments, name)))]
    found = {}
    for name, seconds in (("no model", None), ("at once", 0.0), (f"{arguments.seconds:g} s", arguments.seconds)):
        own = found[name] = measured(options, seconds)
        print(
            f"{name}: {own.trainings} trainings, workers idle {own.idle:.1f} s and busy {own.busy:.1f} s "
            f"({own.share:.1%} idle), {own.calls} answers in {own.asked:.1f} s, search {own.wall:.1f} s",
            flush=True,
        )
    none, instant, slow = found.values()
    ratio = slow.idle / none.idle
    print(f"idle time with the slow model: {ratio:.2f} of that without one (at most {ACCEPTED:.2f} wanted)")
    print(f"{slow.idle / instant.idle:.2f} of that of the same search answered at once")
    sys.exit(ratio > ACCEPTED)


if __name__ == "__main__":
    main()
