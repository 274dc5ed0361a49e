"""A search of 100,000 attempts: how long it takes to go on from it, to ask it things, and what memory that needs.

    python tests/benchmarks/large_store.py --out DIR

Makes the store in DIR, or uses the one there, by the interface that a search itself uses: a first generation of a
real search, whose training is replaced by a number, and then children of it by the search's own mutations. Their
sizes are their founder's, for sizing would take most of the time. Then prints the figures, each measured in a
process of its own beside its target.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from candidates import Instant

from cognition.loader import load_library
from evolve.__main__ import COLLECTION_THRESHOLD
from evolve.configuration import Configuration
from evolve.llm.briefing import Briefing
from evolve.proposals import Drafted, Proposer
from evolve.prospect import Losses
from evolve.search import Search
from evolve.session import laboratory, prepare, search_store
from evolve.strategies import make_strategy
from evolve.variation import MUTATIONS
from evolve.yardstick import Yardstick, training_seed
from genome.component import Component
from genome.edits import apply, edits_to_json
from genome.recipe import Recipe, recipe_hash
from runs import records
from runs.contract import SearchStore
from runs.genealogy import tree, tree_lines
from runs.ledger import Ledger
from runs.report.data import gather
from runs.report.page import page
from runs.store import Store

POPULATION = 100
FATES = (("screened", 0.62), ("evaluated", 0.15), ("duplicate", 0.13), ("rejected", 0.07), ("diverged", 0.03))
"""What attempts become, about as in a search of the default configuration."""

OPERATORS = [name for name in MUTATIONS if name != "rewrite"]
"""Mutations that define no component."""

TARGETS = {
    "resume": (3.0, "s"),
    "proposals": (50.0, "ms each"),
    "questions": (1.0, "s"),
    "best": (1.0, "s"),
    "tree": (1.0, "s"),
    "lineage": (1.0, "s"),
    "ancestors": (1.0, "s"),
    "status": (1.0, "s"),
    "report": (20.0, "s"),
    "memory": (500.0, "MB"),
}


@dataclass(frozen=True, slots=True)
class Known:
    """One attempt that may be a parent, with its losses at every rung."""

    attempt: int
    recipe: Recipe
    hash: str
    family: str
    sizes: tuple[int, int, int]
    losses: tuple[float, ...]


def configuration(generations: int) -> Configuration:
    return Configuration(generations=generations, population=POPULATION, task=("recall",))


def opened(folder: Path, generations: int) -> Search:
    """The search in a folder with so many generations as its target, or a new one."""
    prepared = prepare(configuration(generations))
    store = search_store(folder, prepared)
    library = dict(load_library())
    return Search(prepared.configuration, laboratory(prepared, store, Instant(), library), prepared.tasks, library)


def build(folder: Path, attempts: int) -> None:
    """Add generations until there are so many attempts."""
    search = opened(folder, 1)
    yardstick = search.run()
    store, random = search.laboratory.store, Random(0)
    rungs = len(search.laboratory.scale.rungs)
    pool = [
        Known(
            own.attempt,
            own.recipe,
            own.hash,
            own.family,
            (store.attempt(own.attempt).parameters or 0, round(own.flops_per_token), own.state_bytes),
            tuple(losses["recall"] for losses in own.prospect.curve),
        )
        for own in search.history.ranked
    ]
    hashes = set(search.history.hashes)
    while (first := store.attempt_count() + 1) <= attempts:
        pool = add_generation(store, search.library, yardstick, pool, hashes, random, first, rungs)
        if first // 10_000 != (first - POPULATION) // 10_000:
            print(f"{first - 1} attempts", flush=True)
    store.finish_run("stopped")
    store.close()


def add_generation(
    store: SearchStore,
    library: dict[str, Component],
    yardstick: Yardstick,
    pool: list[Known],
    hashes: set[str],
    random: Random,
    first: int,
    rungs: int,
) -> list[Known]:
    """Propose, measure and settle one generation; returns the pool of the next one's parents."""
    generation = store.generation_count() + 1
    proposals: list[records.Proposal] = []
    fresh: list[tuple[Known, str]] = []
    while len(proposals) < POPULATION:
        number, parent = first + len(proposals), random.choice(pool)
        operator = random.choice(OPERATORS)
        try:
            edits = tuple(MUTATIONS[operator][0](parent.recipe, library, random))
            applied = apply(parent.recipe, edits, library)
        except ValueError:
            continue
        digest = recipe_hash(applied.recipe, library)
        fate = random.choices([name for name, _ in FATES], [share for _, share in FATES])[0]
        if not edits or (digest in hashes and fate != "duplicate"):
            continue
        texts = [
            records.Edit(edit.kind, edits_to_json([edit])[1:-1], line)
            for edit, line in zip(edits, applied.descriptions, strict=False)
        ]
        recipe = records.Recipe(digest, applied.recipe.json_text, texts[-1].description[:80])
        values = {"operator": operator, "parents": (parent.attempt,), "edits": tuple(texts), "label": recipe.label}
        if fate == "rejected":
            proposals.append(records.Proposal(recipe=None, status="rejected", reason="too large", **values))
            continue
        if fate == "duplicate":
            repeated = records.Recipe(parent.hash, parent.recipe.json_text)
            reason = f"equals attempt {parent.attempt}"
            proposals.append(records.Proposal(recipe=repeated, status="duplicate", reason=reason, **values))
            continue
        hashes.add(digest)
        sizes = dict(zip(("parameters", "flops_per_token", "state_bytes"), parent.sizes, strict=True))
        proposals.append(records.Proposal(recipe=recipe, family=parent.family, **values, **sizes))
        factor = random.lognormvariate(0.0, 0.02)
        losses = tuple(loss * factor * random.lognormvariate(0.0, 0.005) for loss in parent.losses)
        fresh.append((Known(number, applied.recipe, digest, parent.family, parent.sizes, losses), fate))
    store.propose(generation, proposals, {"next_attempt": first + len(proposals)})
    settled = [measured(store, yardstick, known, fate, rungs) for known, fate in fresh]
    gained = records.OperatorCredit("tune", len(settled), 1, 0.001, 1e12)
    statistics = {
        "best": max(own.score or 0.0 for own in settled),
        "proposed": len(proposals),
        "depth": generation,
    }
    store.finish_generation(generation, settled, [gained], statistics)
    young = [known for known, fate in fresh if fate != "diverged"]
    return (pool + young)[-5 * POPULATION :]


def measured(store: SearchStore, yardstick: Yardstick, known: Known, fate: str, rungs: int) -> records.Settlement:
    """Record the evaluations of one attempt; returns its outcome."""
    seed = training_seed(0)
    if fate == "diverged":
        reason = "the loss reached inf nats by step 50"
        store.record_evaluation(
            records.Evaluation(
                known.hash, "search", "recall", seed, 0, "validation", 1, "diverged", known.attempt, reason
            )
        )
        return records.Settlement(known.attempt, "diverged", reason)
    last = rungs - 1 if fate == "evaluated" else 0
    for rung, loss in enumerate(known.losses[: last + 1]):
        store.record_evaluation(
            records.Evaluation(
                known.hash, "search", "recall", seed, rung, "validation", 1, "evaluated", known.attempt, loss=loss
            )
        )
    losses: Losses = {"recall": known.losses[last]}
    status = "evaluated" if fate == "evaluated" else "screened"
    return records.Settlement(known.attempt, status, "", yardstick.score(losses), last)


def seconds(action: Callable[[], object]) -> tuple[float, float]:
    """By the wall, and of this process on a processor, which a busy machine does not stretch as much."""
    started, used = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - started, time.process_time() - used


def measure(folder: Path, name: str) -> tuple[float, float]:
    """One figure by the wall and of the processor, in the unit of its target; memory is twice the same."""
    if name in ("resume", "proposals", "questions", "memory"):
        with Store.read(folder) as archive:
            generations = archive.generation_count()
        search = opened(folder, generations)
        spent = seconds(search.run)
        if name == "resume":
            return spent
        if name == "questions":
            _ask(search, generations - 1)
            return seconds(partial(_ask, search, generations))  # of a search that has asked before
        if name == "memory":
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
            return most, most
        first, lab = search.laboratory.store.attempt_count() + 1, search.laboratory
        spent, used, drafts = 0.0, 0.0, 1
        for _ in range(2):  # a search that has proposed before, with ranks that are all new to its strategy
            proposer = Proposer(0, 8, make_strategy("uct", 8), lab)
            made: list[Drafted] = []
            spent, used = seconds(partial(_draft, proposer, made, search, generations + 1, first))
            drafts = len(made)
        return 1e3 * spent / drafts, 1e3 * used / drafts
    with Store.read(folder) as archive:
        best = archive.best(1)[0].id
        actions: dict[str, Callable[[], object]] = {
            "best": lambda: archive.best(10),
            "tree": lambda: deque(tree_lines(tree(archive.genealogy())), 0),
            "lineage": lambda: archive.lineage(best),
            "ancestors": lambda: (archive.ancestors(best), archive.descendants(1)),
            "status": lambda: (archive.status_counts(), archive.credit_totals()),
            "report": lambda: page(gather(archive, "")),
        }
        return seconds(actions[name])


def _ask(search: Search, last: int) -> None:
    """What a generation's questions tell, an analyst's and those of as many planners as there may be."""
    store, past = search.laboratory.store, search.history.until(last)
    yardstick = store.yardstick
    assert yardstick is not None
    with Ledger.open(store.directory) as ledger:
        partners, guide = search.proposer.partners(past), search.guide(past)
        briefing = Briefing(
            store, ledger, past, search.library, yardstick, search.laboratory.scale, last, [], guide, partners
        )
        told = [briefing.of_results, *(briefing.of_parent(own) for own in partners[: POPULATION // 2])]
        assert all(told)


def _draft(proposer: Proposer, made: list[Drafted], search: Search, generation: int, first: int) -> None:
    made.extend(proposer.draft(generation, first, search.history, search.credit, search.guide(search.history)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--attempts", type=int, default=100_000)
    parser.add_argument("--figure", choices=TARGETS, help="measure this one alone, in this process")
    arguments = parser.parse_args()
    if arguments.figure:
        gc.set_threshold(COLLECTION_THRESHOLD)  # as the command line does
        print(json.dumps(measure(arguments.out, arguments.figure)))
        return
    if not Store.exists(arguments.out):
        print(f"built in {seconds(lambda: build(arguments.out, arguments.attempts))[0]:.0f} s")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print("| figure | by the wall | of the processor | target |\n|---|---|---|---|")
    for name, (target, unit) in TARGETS.items():
        command = [sys.executable, __file__, "--out", str(arguments.out), "--figure", name]
        wall, used = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(f"| {name} | {wall:.3g} {unit} | {used:.3g} {unit} | {target:g} {unit} |", flush=True)


if __name__ == "__main__":
    main()
