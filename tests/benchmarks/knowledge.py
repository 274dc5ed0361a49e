"""How fast the cognition store is with many papers and components.

    python tests/benchmarks/knowledge.py

Prints the time of storing, of opening, of searches, of proposing duplicates and of reading relations from
abstracts. Texts are drawn from a vocabulary whose frequencies fall as in a language (Zipf), 150 words each.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import accumulate
from pathlib import Path
from random import Random

from cognition.duplicates import duplicates
from cognition.statements import Vocabulary, statements
from cognition.store.records import Paper, StoredComponent
from cognition.store.store import CognitionStore

SYLLABLES = [consonant + vowel for consonant in "bcdfghklmnprstvwxz" for vowel in "aeiou"]
QUERIES = ("hyena", "linear attention recall", "a of the in state", "ba ce", "word that nothing has", "memory")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000, help="papers, and as many components")
    rows = parser.parse_args().rows
    random = Random(0)
    words = [
        "the",
        "of",
        "a",
        "in",
        "state",
        "attention",
        "memory",
        "linear",
        "recall",
        "Hyena",
        "replaces",
        "Mamba",
    ]
    words += ["".join(random.choices(SYLLABLES, k=3)) for _ in range(20_000)]
    frequency = list(accumulate(1 / (rank + 1) for rank in range(len(words))))

    def text(count: int) -> str:
        return " ".join(random.choices(words, cum_weights=frequency, k=count)).capitalize() + "."

    papers = [
        Paper(f"2401.{number:05}", 1, text(9), 2024, " ".join(text(15) for _ in range(10)))
        for number in range(rows)
    ]
    components = [
        StoredComponent(f"part_{number}", "component", "mixer", f"{number:x}", "-", insight=text(30))
        for number in range(rows)
    ]
    # One in a hundred is there twice: with another number, or with one word of its text changed.
    papers += [Paper(f"2402.{n:05}", 1, f"{p.title} x", 2024, p.abstract) for n, p in enumerate(papers[::100])]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cognition.db"
        with CognitionStore.open(path) as store:
            vocabulary = Vocabulary(store.names())
            started = time.perf_counter()
            found = {paper: statements(paper.title, paper.abstract, vocabulary) for paper in papers}
            seconds = time.perf_counter() - started
            print(f"relations: {sum(map(len, found.values()))} from {len(papers)} papers, ", end="")
            print(f"{1e3 * seconds / len(papers):.2f} ms a paper")
            started = time.perf_counter()
            for first in range(0, len(papers), 100):
                store.add_papers("q", {paper: found[paper] for paper in papers[first : first + 100]})
            store.add_components(components, "benchmark")
            print(f"storing: {time.perf_counter() - started:.1f} s, {path.stat().st_size / 2**20:.0f} MiB")
        started = time.perf_counter()
        with CognitionStore.open(path) as store:
            print(f"opening: {1e3 * (time.perf_counter() - started):.0f} ms")
            for query in QUERIES:
                started = time.perf_counter()
                count = len(store.search(query))
                print(f"search {query!r}: {1e3 * (time.perf_counter() - started):.1f} ms, {count} results")
            started = time.perf_counter()
            proposed = duplicates(store)
            print(f"duplicates: {time.perf_counter() - started:.1f} s, {len(proposed)} proposed")


if __name__ == "__main__":
    main()
