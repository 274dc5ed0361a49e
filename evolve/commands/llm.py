"""`llm`: what language models did in a search, and what it cost."""

from __future__ import annotations

from rich.table import Table

from evolve.commands.inspect import Out, opened
from evolve.display import console, printable
from runs.language_models import Summary, summary

CALL_COLUMNS = ("answered", "refused", "failed", "skipped", "lost")
TOKEN_COLUMNS = ("input", "cached", "written", "output")


def llm(out: Out = None) -> None:
    """Say what language models were asked and answered, what their proposals achieved, and what it cost."""
    target = console()
    with opened(out) as archive, archive.snapshot():
        found = summary(archive)
        if not found.roles:
            target.print(f"{archive.directory}: purely evolutionary: no language model was asked", markup=False)
            return
        running = archive.run.status == "running"
    target.print(_calls(found, running))
    target.print(_proposals(found))
    target.print(_predictions(found))


def _calls(found: Summary, running: bool) -> Table:
    columns = [*CALL_COLUMNS[:-1], "in flight" if running else CALL_COLUMNS[-1]]
    table = Table("model", "role", "calls", *columns, *(f"{name} tokens" for name in TOKEN_COLUMNS))
    table.add_column("dollars")
    table.add_column("seconds")
    for own in found.roles:
        counts = (own.answered, own.refused, own.failed, own.skipped, own.started)
        tokens = (own.input, own.cached, own.written, own.output)
        dollars = _money(own.dollars) + (" and unknown" if own.unknown and own.dollars is not None else "")
        calls = f"{own.calls}" + (f" ({own.replayed} replayed)" if own.replayed else "")
        numbers = [str(count) for count in counts] + [f"{count:,}" for count in tokens]
        table.add_row(printable(own.name), own.role, calls, *numbers, dollars, f"{own.seconds:.1f}")
    return table


def _proposals(found: Summary) -> Table:
    table = Table("model", "proposals", "accepted", "trained", "improved", "gain", "gain per call")
    table.add_column("dollars per improvement")
    for own in found.models:
        accepted = f"{own.accepted} ({own.acceptance:.0%})"
        numbers = (str(own.trained), str(own.improved), f"{own.gain:.4f}", f"{own.gain_per_call:.5f}")
        table.add_row(
            printable(own.name), str(own.proposals), accepted, *numbers, _money(own.dollars_per_improvement)
        )
    return table


def _predictions(found: Summary) -> str:
    judged = len(found.verdicts)
    if not judged:
        return f"predictions: {len(found.predictions)}, none judged (an attempt and its parent trained in full)"
    by_effect = ", ".join(
        f"{effect} {sum(v.held for v in own)} of {len(own)}"
        for effect in ("better", "same", "worse")
        if (own := [v for v in found.verdicts if v.prediction.effect == effect])
    )
    return f"predictions: {len(found.predictions)}, {judged} judged, {found.held} held ({by_effect})"


def _money(dollars: float | None) -> str:
    return "-" if dollars is None else f"{dollars:.4f}"
