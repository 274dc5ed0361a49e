"""A component: a named graph of a kind, with settings and the publication it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from genome.canonical import canonical, digest
from genome.expressions import Scalar
from genome.graph import Graph
from genome.settings import Setting, complete


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a published component comes from, and the weakness it answers (a skill, or "cost").

    `builds_on` names components whose idea it takes further, `replaces` those of its kind whose place it was
    published to take.
    """

    arxiv: str
    year: int
    title: str
    answers: str = ""
    builds_on: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Component:
    """A function of the language of components: data, never code."""

    name: str
    kind: str
    settings: tuple[Setting, ...]
    graph: Graph
    doc: str = ""
    provenance: Provenance | None = None

    @cached_property
    def hash(self) -> str:
        """Content hash: names and the order of independent statements do not matter."""
        text, names = self._canonical
        return digest(self.kind, text, *(self._described[name] for name in names))

    def __hash__(self) -> int:
        return hash((self.name, self.hash))

    @property
    def setting_order(self) -> tuple[str, ...]:
        """Names of the settings in canonical order: components of equal hash pair their settings by it."""
        return self._canonical[1]

    @property
    def _described(self) -> dict[str, str]:
        return {setting.name: f"{setting.domain} = {setting.default!r}" for setting in self.settings}

    @cached_property
    def _canonical(self) -> tuple[str, tuple[str, ...]]:
        return canonical(self.graph, self._described)

    @cached_property
    def source(self) -> str:
        """The component as source text."""
        from genome.printer import component_source

        return component_source(self)

    def bind(self, given: Mapping[str, Scalar]) -> Graph:
        """The graph with every setting replaced by its given value or default.

        Raises GenomeError for an unknown setting or a value outside its domain.
        """
        return self.graph.bind(complete(self.settings, given, self.name))


Library = Mapping[str, Component]
