"""A recipe as one Python module of a framework."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from backends.export.classes import component_classes, renamed_labels
from backends.export.functions import definitions, needed
from backends.export.target import Target
from backends.export.text import INDENT, Names, docstring
from backends.export.wiring import block_classes, bounded, model_class, repeated
from genome.component import Library
from genome.expressions import SIZE_NAMES
from genome.instance import Instance


def module_text(
    instance: Instance,
    library: Library,
    target: Target,
    title: str,
    recipe: Sequence[str],
    lineage: Sequence[str] = (),
) -> str:
    """The module: docstring, `Config`, decoding, operations, components, blocks, `Model` and `load`.

    `recipe` holds the lines of the ordered list, `lineage` those of the edits that led to it. The text is
    formatted, and the same for the same arguments.
    """
    renamed = renamed_labels(instance)
    functions = {**definitions(target.decoding), **definitions(target.operations)}
    imported = {word for name in target.imports for word in name.split(".")}
    names = Names({*functions, *imported, "Config", "Model", "load", "RENAMED"})
    components = component_classes(instance, library, target, names, renamed)
    blocks, order = block_classes(instance, components, target, names)
    classes = [own.lines for own in (*components.values(), *blocks.values())]
    classes.append(tuple(model_class(instance, components, order, target)))
    written = "\n".join("\n".join(lines) for lines in classes)
    words = set(re.findall(r"\w+", written))
    held = needed(functions, {*words, *definitions(target.decoding), "parameter_count", "fill"})
    parts = [_config(instance, written, len(order) // len(repeated(order) or order))]
    parts += [definition.text for definition in held.values()]
    parts += ["\n".join(lines) for lines in classes]
    parts.append(_load(target, renamed))
    about = docstring(
        [
            f"{' '.join(title.split())}: a sequence model in {target.title}.",
            *_about(instance, library, target, recipe, lineage),
        ],
        0,
    )
    whole = "\n\n\n".join(parts)
    return "\n".join([*about, "", *_imports(target, whole), "", "", whole, ""])


def _about(
    instance: Instance, library: Library, target: Target, recipe: Sequence[str], lineage: Sequence[str]
) -> list[str]:
    sizes = ", ".join(f"{name} {int(getattr(instance.sizes, name))}" for name in SIZE_NAMES)
    facts = f"{instance.cost.parameters:,} parameters at {sizes}. Shapes in comments are those at these sizes."
    end = f"up to {int(instance.sizes.context)} positions" if bounded(instance) else "without end"
    facts += f" Decoding goes on {end} and keeps {instance.cost.state_bytes:,} bytes of a sequence in float32."
    paragraphs = [_listed(recipe), facts, f"Use:\n{_listed(target.usage)}"]
    papers = []
    for name in dict.fromkeys(placed.program.name for placed in instance.programs()):
        component = library.get(name)
        source = component.provenance if component is not None else None
        if source is not None and source.title:
            where = f"arXiv {source.arxiv}" if source.arxiv else str(source.year)
            papers.append(f"{name}: {where}, {source.title}")
    if papers:
        paragraphs.append(f"Papers:\n{_listed(papers)}")
    if lineage:
        paragraphs.append(f"Lineage:\n{_listed(lineage)}")
    return paragraphs


def _listed(lines: Sequence[str]) -> str:
    """Indented lines, each of one line whatever it holds."""
    return "\n".join("  " + line.replace("\n", " ") for line in lines)


def _config(instance: Instance, written: str, depth: int) -> str:
    values = {**{name: int(getattr(instance.sizes, name)) for name in SIZE_NAMES}, "depth": depth}
    always = ("vocabulary", "width", "context")
    used = [name for name in _SIZES if name in always or re.search(rf"\bconfig\.{name}\b", written)]
    fields = [f"{INDENT}{name}: int = {values[name]}  # {_SIZES[name]}" for name in used]
    about = "Sizes of the model; settings of a component, such as heads, stand in its class."
    return "\n".join(["@dataclass(frozen=True)", "class Config:", *docstring([about], 1), "", *fields])


_SIZES = {
    "vocabulary": "tokens",
    "width": "features of the stream between blocks",
    "hidden": "features inside of channel mixers",
    "context": "positions of a training sequence",
    "depth": "how often the blocks are repeated",
}


def _load(target: Target, renamed: Mapping[str, str]) -> str:
    lines = []
    if renamed:
        entries = [f'{INDENT}"{name}": "{attribute}",' for name, attribute in renamed.items()]
        lines += ["RENAMED = {", *entries, "}"]
        lines += [*docstring(["Names in weight files that modules have taken."], 0), "", ""]
    lines.append("def load(path: str | Path, config: Config | None = None) -> Model:")
    lines += docstring(["The model with the parameters of a safetensors file of archevolve."], 1)
    lines.append(f"{INDENT}model = {target.empty}")
    lines.append(f"{INDENT}fill(model, path{', RENAMED' if renamed else ''})")
    return "\n".join([*lines, f"{INDENT}return model"])


def _imports(target: Target, text: str) -> list[str]:
    """Imports that the text needs: the standard library's, then the others, each with plain imports first."""
    words = set(re.findall(r"\w+", text))
    used = [target.imports[name] for name in target.imports if name in words]
    groups: list[list[str]] = []
    for group in (_STANDARD, None):
        own = [line for line in dict.fromkeys(used) if (line.split()[1] in _STANDARD) == (group is not None)]
        groups.append(sorted(own, key=lambda line: (line.startswith("from"), line.lower())))
    return [*groups[0], "", *groups[1]]


_STANDARD = frozenset({"collections.abc", "dataclasses", "math", "pathlib", "typing"})
