"""What early stopping loses and saves: searches that train every candidate in full, thinned out afterwards.

    python tests/benchmarks/rungs.py [--seeds 5] [--generations 8] [--data FILE] [--keep DIR]

Every candidate is trained to the end with its losses noted at each of `PARTS`. Then plans of rungs decide, generation
by generation and by the rule of the search, who would have gone on. Printed are how well scores expected at each of
`PARTS` rank the children, and for each plan its share of the tokens, and how far the best it would have kept lies behind
the best of all, in units of the noise floor (0 is the same champion, up to 2 is a tie). With `--keep`, searches that are
there are read and not run again.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from candidates import whole_search

from evaluators.scales import RUNGS, Rung
from evolve.configuration import Configuration
from evolve.correlation import Correlation, rank_correlation
from evolve.history import PARENTAL
from evolve.prospect import Losses, Prospect, losses_by_rung, prospect, survivors
from evolve.session import prepare
from evolve.variation import SEED
from evolve.yardstick import Yardstick
from runs.archive import Archive
from runs.store import Store

PARTS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)

PLANS = {
    "as shipped": RUNGS,
    "twice as wide": (Rung(1 / 16, 1.0), Rung(1 / 4, 0.5), Rung(1.0, 0.25)),
    "1/16, 1/4": (Rung(1 / 16, 1.0), Rung(1 / 4, 0.375), Rung(1.0, 0.125)),
    "1/16, 1/2": (Rung(1 / 16, 1.0), Rung(1 / 2, 0.25), Rung(1.0, 0.125)),
    "1/8, 1/4": (Rung(1 / 8, 1.0), Rung(1 / 4, 0.5), Rung(1.0, 0.125)),
    "1/8, 1/2": (Rung(1 / 8, 1.0), Rung(1 / 2, 0.25), Rung(1.0, 0.125)),
    "1/16 alone": (Rung(1 / 16, 1.0), Rung(1.0, 0.125)),
    "1/8 alone": (Rung(1 / 8, 1.0), Rung(1.0, 0.125)),
    "1/4 alone": (Rung(1 / 4, 1.0), Rung(1.0, 0.125)),
}
"""Rungs with the share of a generation that reaches them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate of a search: losses at every one of `PARTS`, and the score of the whole training."""

    attempt: int
    generation: int
    parent: int | None
    published: bool
    curve: tuple[Losses, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Replay:
    """What a plan would have made of a search: share of the tokens, and how far its champion lies behind."""

    tokens: float
    behind: float


def search(seed: int, generations: int, data: str | None, folder: Path) -> None:
    """A search that stops nobody."""
    prepared = prepare(Configuration(generations=generations, seed=seed, data=data))
    rungs = tuple(Rung(part, 1.0) for part in PARTS)
    prepared = replace(prepared, scale=replace(prepared.scale, rungs=rungs))
    whole_search(prepared, folder)


def candidates(archive: Archive) -> list[Candidate]:
    """All that were trained to the end, in the order of their proposal."""
    losses = losses_by_rung(archive.losses("search"))
    return [
        Candidate(
            attempt.id,
            attempt.generation,
            attempt.parents[0] if attempt.parents else None,
            attempt.operator == SEED,
            tuple(losses[attempt.id]),
            attempt.score or 0.0,
        )
        for attempt in archive.attempts()
        if attempt.status in PARENTAL
    ]


def replayed(known: Sequence[Candidate], plan: Sequence[Rung], yardstick: Yardstick) -> Replay:
    """Thin out every generation by the plan; what a child is expected to reach follows from what its parent showed."""
    columns = [PARTS.index(rung.part) for rung in plan]
    prospects: dict[int, Prospect] = {}
    trained, finished = 0.0, []
    for generation in sorted({candidate.generation for candidate in known}):
        own = {c.attempt: c for c in known if c.generation == generation}
        published = [c.attempt for c in own.values() if c.published]
        standing, before = set(own), 0.0
        for number, rung in enumerate(plan):
            if number:
                promise = {attempt: prospects[attempt].score for attempt in standing}
                standing = survivors(promise, published, max(1, round(rung.share * len(own))))
            trained += len(standing) * (rung.part - before)
            before = rung.part
            for attempt in standing:
                candidate = own[attempt]
                seen = [candidate.curve[column] for column in columns[: number + 1]]
                parent = prospects.get(candidate.parent) if candidate.parent is not None else None
                prospects[attempt] = prospect(seen, parent, yardstick.references, [rung.part for rung in plan])
        finished += [own[attempt] for attempt in standing]
    best = max(candidate.score for candidate in known)
    behind = best - max(candidate.score for candidate in finished)
    return Replay(trained / len(known), behind / yardstick.noise.score)


def agreement(
    searches: Sequence[Sequence[Candidate]], yardsticks: Sequence[Yardstick], column: int
) -> Correlation:
    """Spearman's correlation over all children between the score expected at one of `PARTS` and that of the end.

    The parent's training is known whole.
    """
    expected, scores = [], []
    for known, yardstick in zip(searches, yardsticks, strict=True):
        candidates = {candidate.attempt: candidate for candidate in known}
        for child in known:
            if child.parent in candidates:
                parent = Prospect(candidates[child.parent].curve)
                seen = child.curve[: column + 1]
                expected.append(prospect(seen, parent, yardstick.references, PARTS).score)
                scores.append(child.score)
    return rank_correlation(expected, scores)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--generations", type=int, default=8)
    parser.add_argument("--data")
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        archives = []
        for seed in range(arguments.seeds):
            if not (folder / str(seed)).exists():
                search(seed, arguments.generations, arguments.data, folder / str(seed))
            archives.append(Store.read(folder / str(seed)))
        print()
        found, searches, yardsticks = {}, [], []
        for archive in archives:
            yardstick = archive.yardstick
            assert yardstick is not None
            known = candidates(archive)
            searches.append(known)
            yardsticks.append(yardstick)
            print(f"{len(known)} candidates, noise floor {yardstick.noise.score:.4f}")
            for name, plan in PLANS.items():
                found.setdefault(name, []).append(replayed(known, plan, yardstick))
    for column, part in enumerate(PARTS[:-1]):
        rank = agreement(searches, yardsticks, column)
        print(
            f"ranks expected after {part:.1%} of the training agree with those of its end by {rank.value:.2f} (Spearman)"
        )
    print(f"{'plan':20} {'tokens':>7} {'ties':>6} {'median':>7}  behind, in noise floors")
    for name, replays in found.items():
        behind = [replay.behind for replay in replays]
        print(
            f"{name:20} {sum(r.tokens for r in replays) / len(replays):7.1%} "
            f"{sum(b <= 2 for b in behind)} of {len(behind)} {median(behind):7.1f}  "
            + " ".join(f"{b:.1f}" for b in behind)
        )


if __name__ == "__main__":
    main()
