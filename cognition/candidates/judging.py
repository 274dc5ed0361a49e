"""Whether an entry becomes a component: legal, new, and trainable, in the order of what the questions cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cognition.candidates.entries import Entry
from cognition.candidates.signature import signature
from genome.component import Component
from genome.errors import GenomeError
from genome.parser import parse_component

Examine = Callable[[Component], str]
"""Why a component cannot be trained, in one line, or "" where it can."""

Same = Callable[[Component, Component], bool]
"""Whether two components of one signature compute the same."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An entry, and the component it became or why it became none; a repetition is not worth repairing."""

    entry: Entry
    component: Component | None = None
    reason: str = ""
    repairable: bool = False


@dataclass
class Judge:
    """Knows every component by name; what it accepts is known from then on."""

    known: dict[str, Component]
    examine: Examine
    same: Same
    _hashes: dict[str, str] = field(init=False)
    _signatures: dict[str, list[Component]] = field(init=False)

    def __post_init__(self) -> None:
        self._hashes, self._signatures = {}, {}
        for component in self.known.values():
            self._remember(component)

    def judge(self, entry: Entry) -> Judged:
        """Parse, compare with what is known, examine."""
        if entry.fault:
            return Judged(entry, reason=entry.fault, repairable=True)
        try:
            component = parse_component(entry.source, self.known)
            own = signature(component)
        except GenomeError as error:
            return Judged(entry, reason=f"source: {error}", repairable=True)
        if component.hash in self._hashes:
            return Judged(entry, reason=f"repeats {self._hashes[component.hash]}: equal canonical hash")
        if (reason := _contradiction(entry, component, self.known)) or (reason := self.examine(component)):
            return Judged(entry, reason=reason, repairable=True)
        for other in self._signatures.get(own, ()):
            if self.same(component, other):
                return Judged(entry, reason=f"repeats {other.name}: equal outputs under equal parameters")
        self.known[component.name] = component
        self._remember(component)
        return Judged(entry, component)

    def _remember(self, component: Component) -> None:
        self._hashes.setdefault(component.hash, component.name)
        self._signatures.setdefault(signature(component), []).append(component)


def _contradiction(entry: Entry, component: Component, known: Mapping[str, Component]) -> str:
    if component.name in known:
        return f"the name {component.name} is that of another component; name it otherwise"
    if entry.name != component.name or entry.kind != component.kind:
        return (
            f"the entry says {entry.name}, a {entry.kind}; its source defines {component.name}, a {component.kind}"
        )
    return ""
