"""New components made from others or from source, under names that carry their hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from genome.component import Component, Library
from genome.errors import EditError
from genome.expressions import Scalar
from genome.graph import Graph
from genome.operation import OPERATIONS
from genome.parser import parse_component
from genome.recipe import Gene
from genome.text import NAME_LIMIT

SUFFIX = 6


def named_by_hash(component: Component, library: Library) -> Component:
    """The library's component of the same kind and hash, or else this one as `<base>_<hash>`.

    A new component has the form that its printed source parses to, so that reading it back gives the same.
    """
    for other in library.values():
        if other.kind == component.kind and other.hash == component.hash:
            return other
    base = base_name(component.name, library)
    candidates = (
        f"{base[: NAME_LIMIT - n - 1]}_{component.hash[:n]}" for n in range(SUFFIX, len(component.hash) + 1)
    )
    name = next((candidate for candidate in candidates if candidate not in library), None)
    if name is None:
        raise EditError(f"the library has a different component {base}_{component.hash}")
    return parse_component(replace(component, name=name, provenance=None).source, {})


def base_name(name: str, library: Library) -> str:
    """The name without the hash that an earlier derivation gave it."""
    component = library.get(name)
    base, _, suffix = name.rpartition("_")
    derived = component is not None and len(suffix) >= SUFFIX and component.hash.startswith(suffix)
    return base if derived and base else name


def renamed_gene(gene: Gene, written: Component, stored: Component) -> Gene:
    """A gene of one component as a gene of an equal one, whose settings may have other names."""
    names_of = dict(zip(written.setting_order, stored.setting_order, strict=True))
    settings = {names_of.get(name, name): value for name, value in gene.settings.items()}
    return Gene(component=stored.name, settings=settings)


def rewritten(component: Component, index: int, name: str, options: Mapping[str, Scalar | None]) -> Component:
    """The component with one operation changed; settings that nothing uses any more go.

    Raises EditError where the operation does not fit there, LanguageError where the result is badly typed.
    """
    nodes, inputs = component.graph.nodes, component.graph.inputs
    if not len(inputs) <= index < len(nodes):
        raise EditError(f"{component.name} has operations {len(inputs)} to {len(nodes) - 1}, not {index}")
    node, operation = nodes[index], OPERATIONS.get(name)
    if operation is None or operation.internal or name == "split":
        raise EditError(f"{name!r} is not an operation that can take the place of {node.operation}")
    variadic = any(port.variadic for port in operation.ports)
    if not variadic and len(operation.ports) != len(node.inputs):
        raise EditError(f"{operation.signature} does not take the {len(node.inputs)} inputs of {node.operation}")
    kept = {k: v for k, v in node.options if operation.option(k.partition(".")[0]) is not None}
    for key, value in options.items():
        option = operation.option(key)
        if option is None or option.variadic:
            accepted = ", ".join(o.name for o in operation.options if not o.variadic) or "none"
            raise EditError(f"{name} has no option {key!r}; it has: {accepted}")
        option.check(value, name)
        kept.pop(key, None)
        if value is not None:
            kept[key] = value
    rank = {key: position for position, key in enumerate(operation.order)}
    ordered = operation.given(tuple(sorted(kept.items(), key=lambda pair: rank[pair[0].partition(".")[0]])))
    changed = replace(node, operation=name, options=ordered)
    if changed == node:
        raise EditError(f"operation {index} of {component.name} is {name} with these options already")
    graph = Graph(inputs, (*nodes[:index], changed, *nodes[index + 1 :]), component.graph.output)
    used = graph.names()
    settings = tuple(setting for setting in component.settings if setting.name in used)
    return parse_component(replace(component, settings=settings, graph=graph).source, {})
