"""What a person sees of a search while it runs and afterwards: a line per generation, a progress bar, tables, ties."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from evaluators.scores import exceeds_noise, standing
from evolve.confirmation import Confirmed
from evolve.naming import NamedRecipe
from evolve.yardstick import Yardstick
from runs.archive import Archive
from runs.records import Attempt
from runs.ties import tied_with_best

_UNSEEN = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")
"""Unicode's categories of characters that terminals obey or hide."""

MOST_TIES = 10
"""Attempts that are named as ties; of more, only the number is told."""


def console(stderr: bool = False) -> Console:
    """The terminal; on a pipe, plain lines without colour or wrapping."""
    target = Console(highlight=False, stderr=stderr)
    if target.is_terminal:
        return target
    return Console(highlight=False, no_color=True, width=200, soft_wrap=True, stderr=stderr)


def printable(text: str) -> str:
    """Text that a terminal shows and does not obey: control and invisible characters as escapes, but for line ends
    and tabs."""
    # A genealogy has millions of characters and few different ones.
    table = {ord(character): own for character in set(text) if (own := _escaped(character)) != character}
    return text.translate(table) if table else text


def _escaped(character: str) -> str:
    shown = character in "\n\t" or unicodedata.category(character) not in _UNSEEN
    return character if shown else character.encode("unicode_escape").decode()


class Watch:
    """Progress of a run: a bar with time left on a terminal, nothing but finished lines on a pipe."""

    def __init__(self, target: Console, generations: int, finished: int, stages: int) -> None:
        """A generation's jobs come in so many stages."""
        self.console = target
        self._stages = stages
        self.generations = generations
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=target,
            transient=True,
            disable=not target.is_terminal,
        )
        self.task: TaskID = self.progress.add_task("noise floor", total=generations + 1, completed=finished)
        self._begin(float(finished), 1)

    def __enter__(self) -> Watch:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def jobs(self, done: int, total: int) -> None:
        """Called as jobs finish, at the start of a stage with none done."""
        if done == 0:
            self._stage += 1
        part = (self._stage - 1 + (done / total if total else 1.0)) / self._of
        self.progress.update(self.task, completed=min(self._floor + part, self.generations + 1.0))

    def stage(self, description: str, finished: float, stages: int) -> None:
        """A new part of the run begins, of so many stages."""
        self._begin(finished, stages)
        self.progress.update(self.task, description=description, completed=finished)

    def _begin(self, finished: float, stages: int) -> None:
        self._floor, self._stage, self._of = finished, 0, stages

    def generation(self, number: int, statistics: dict[str, Any]) -> None:
        """Print the line of a finished generation."""
        self.console.print(generation_line(number, self.generations, statistics))
        self.stage(f"generation {number + 1}", float(number), self._stages)


def generation_line(number: int, generations: int, statistics: dict[str, Any]) -> str:
    """One generation in one line."""
    s = statistics
    return (
        f"generation {number}/{generations}"
        f"  best {_number(s['best'])}  median {_number(s['median'])}"
        f"  valid {_share(s['trained'] - s['failed'], s)}  duplicate {_share(s['duplicate'], s)}"
        f"  operator {s['best_operator'] or '-'}  families {s['families']}  depth {s['depth']}"
        f"  compile {s['compile_seconds']:.0f} s  train {s['train_seconds']:.0f} s"
        f"  elsewhere {s['other_seconds']:.1f} s  ({s['wall_seconds']:.0f} s)"
    )


def confirmation_table(confirmed: Sequence[Confirmed], yardstick: Yardstick, champion: str, seeds: int) -> Table:
    """Champion and published recipes on the sealed split, with spread and what exceeds the noise."""
    table = Table(
        title=f"Sealed split, {seeds} fresh seeds; noise floor {yardstick.noise.score:.4f}, measured on {yardstick.name}",
        title_justify="left",
    )
    for column in (
        "recipe",
        "score",
        "spread",
        *(f"{task} loss" for task in yardstick.tasks),
        "parameters",
        "learning rate",
    ):
        table.add_column(column, justify="left" if column == "recipe" else "right")
    table.add_column("against the champion")
    best = next((result for result in confirmed if result.name == champion), None)
    for result in confirmed:
        if result.failure:
            table.add_row(result.name, *("-" for _ in range(len(table.columns) - 2)), result.failure)
            continue
        losses = [f"{result.losses[task]:.4f}" for task in yardstick.tasks]
        row = [
            result.name,
            f"{result.mean:.4f}",
            f"{result.spread:.4f}",
            *losses,
            f"{result.parameters:,}",
            f"{result.learning_rate:g}",
        ]
        table.add_row(*row, _verdict(best, result, yardstick))
    return table


def _verdict(champion: Confirmed | None, other: Confirmed, yardstick: Yardstick) -> str:
    if champion is None or champion.failure or other.name == champion.name:
        return ""
    difference = champion.mean - other.mean
    found = standing(difference, yardstick.noise.score, champion.error, other.error)
    if found == "tie":
        return "tie: within twice the noise"
    if found == "unclear":
        return f"unclear: {difference:+.4f}, within twice its error"
    return f"champion {found} by {abs(difference):.4f}"


def best_table(archive: Archive, count: int) -> Table:
    """The best fully trained attempts, and which of them are no worse than the first as far as the noise tells."""
    table = Table("attempt", "generation", "score", "against the first")
    for column in ("family", "operator", "parameters", "state bytes", "label"):
        table.add_column(column)
    yardstick, ranked = archive.yardstick, archive.best(count)
    for attempt in ranked:
        below = (ranked[0].score or 0.0) - (attempt.score or 0.0)
        against = "" if attempt is ranked[0] else f"{-below:+.4f}"
        if against and yardstick is not None and not exceeds_noise(below, yardstick.noise.score):
            against = "tie"
        numbers = (str(attempt.id), str(attempt.generation), f"{attempt.score:.4f}", against)
        sizes = (f"{attempt.parameters:,}", f"{attempt.state_bytes:,}")
        table.add_row(*numbers, attempt.family or "", attempt.operator, *sizes, attempt.label)
    return table


def tie_line(archive: Archive) -> str:
    """Which attempts tie with the best one; "" without a fully trained attempt."""
    best, yardstick = archive.best(1), archive.yardstick
    if not best:
        return ""
    line = f"best: attempt {best[0].id} with {best[0].score:.4f}"
    if yardstick is None:
        return f"{line}; the noise floor is not known, so no tie is shown"
    tied = tied_with_best(archive)
    names = ", ".join(str(number) for number in tied[:MOST_TIES]) or "none"
    more = f" and {len(tied) - MOST_TIES} more" if len(tied) > MOST_TIES else ""
    return f"{line}; ties, within {_floor(yardstick)} ({yardstick.name}, {yardstick.noise.seeds} seeds): {names}{more}"


def score_line(left: Attempt, right: Attempt, yardstick: Yardstick | None) -> str:
    """The scores of two attempts and whether they differ; "" where one has none."""
    if left.score is None or right.score is None:
        return ""
    difference = left.score - right.score
    line = f"score: {left.score:.4f} and {right.score:.4f}, difference {difference:+.4f}"
    if {left.status, right.status} != {"evaluated"}:
        return f"{line} (not both fully trained, and the noise floor is of full training)"
    if yardstick is None:
        return f"{line} (one seed, and the noise floor is not known; `confirm` says what counts)"
    if exceeds_noise(difference, yardstick.noise.score):
        return f"{line}, beyond {_floor(yardstick)} (one seed; `confirm` says what counts)"
    return f"{line}, a tie: within {_floor(yardstick)} (one seed; `confirm` says what counts)"


def _floor(yardstick: Yardstick) -> str:
    return f"twice the noise floor of {yardstick.noise.score:.4f}"


def _share(count: int, statistics: dict[str, Any]) -> str:
    return f"{count / max(1, statistics['proposed']):.0%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def difference_lines(left: NamedRecipe, right: NamedRecipe) -> list[str]:
    """Two recipes side by side in their order: "=" where a line is the same, "|" where it differs."""
    from difflib import SequenceMatcher

    a, b = ([line.partition(": ")[2] for line in named.recipe.lines()] for named in (left, right))
    width = max(map(len, (*a, left.name)))
    lines = [f"{left.name:<{width}}     {right.name}"]
    for tag, i, j, k, m in SequenceMatcher(a=a, b=b, autojunk=False).get_opcodes():
        for row in range(max(j - i, m - k)):
            one = a[i + row] if i + row < j else ""
            two = b[k + row] if k + row < m else ""
            lines.append(f"{one:<{width}}  {'=' if tag == 'equal' else '|'}  {two}")
    return lines
