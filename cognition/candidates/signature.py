"""What two components must have in common before it is worth asking whether they compute the same."""

from __future__ import annotations

from genome.canonical import digest
from genome.component import Component
from genome.typing import REFERENCE_SIZES, program


def signature(component: Component) -> str:
    """Equal for components of one kind with the same domains and defaults of settings and shapes of parameters.

    Shapes are those at the reference sizes, in no order; names do not matter. Raises GenomeError for a component
    that is not well typed there.
    """
    defaults = {setting.name: setting.default for setting in component.settings}
    typed = program(component.name, component.kind, component.graph.bind(defaults), REFERENCE_SIZES)
    shapes = sorted(str(parameter.shape) for parameter in typed.parameters.values())
    settings = sorted(f"{setting.domain} = {setting.default!r}" for setting in component.settings)
    return digest(component.kind, *settings, "parameters", *shapes)
