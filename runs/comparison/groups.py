"""Which searches are alike but for their seed, and whether scores of all of them mean the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runs.comparison.traces import Trace
from runs.errors import StoreError

DERIVED = ("task_data", "rungs")
"""Parts of a configuration that follow from others: a group is not named after them where something else differs."""


def require_comparable(traces: Sequence[Trace]) -> None:
    """Raise StoreError in one line where scores of two searches do not mean the same, or a search is given twice."""
    first = traces[0]
    for trace in traces[1:]:
        for what, value in trace.measured_by.items():
            if value != first.measured_by[what]:
                raise StoreError(
                    f"{first.directory} and {trace.directory} do not compare: {what} {first.measured_by[what]} "
                    f"and {value}"
                )
    seen: dict[tuple[tuple[str, str], ...], str] = {}
    for trace in traces:
        key = (*sorted(trace.configuration.items()), ("seed", str(trace.seed)))
        if key in seen:
            raise StoreError(
                f"{seen[key]} and {trace.directory} have one configuration and seed {trace.seed}; give one of them"
            )
        seen[key] = trace.directory


def grouped(traces: Sequence[Trace]) -> dict[str, list[Trace]]:
    """Searches by group, each by seed; a group is named by what tells it from the others, in the order given."""
    keys = {key for trace in traces for key in trace.configuration}
    differing = sorted(key for key in keys if len({trace.configuration.get(key) for trace in traces}) > 1)
    named = [key for key in differing if key.partition(".")[0] not in DERIVED] or differing
    groups: dict[tuple[str | None, ...], list[Trace]] = {}
    for trace in traces:
        groups.setdefault(tuple(trace.configuration.get(key) for key in differing), []).append(trace)
    return {
        _name(own[0].configuration, named): sorted(own, key=lambda trace: trace.seed) for own in groups.values()
    }


def _name(configuration: Mapping[str, str], keys: Sequence[str]) -> str:
    return ", ".join(f"{key} {configuration.get(key, 'absent')}" for key in keys) or "all"
