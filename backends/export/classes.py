"""One class for each distinct component of a recipe: its parameters, its forward pass, what it reads and shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isclose

from backends.export.expressions import body, inputs, label
from backends.export.reserved import RESERVED_ATTRIBUTES
from backends.export.sizes import named_sizes, size_text
from backends.export.target import Target
from backends.export.text import INDENT, Names, bracketed, camel, docstring
from genome.component import Library
from genome.instance import Instance
from genome.operation import Parameter
from genome.typing import Program, TypedNode
from genome.typing import program as typed_program
from genome.values import Value


@dataclass(frozen=True)
class Signature:
    """How a class is called: values it reads from earlier blocks, values it shares, whether it has a penalty.

    `past` says whether it takes what decoding knows of earlier positions, and `keeps` whether it adds to that.
    """

    name: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    penalised: bool = False
    past: bool = False
    keeps: bool = False

    @property
    def plain(self) -> bool:
        """Whether it takes and gives nothing but its arguments and its result."""
        return not (self.reads or self.writes or self.penalised)


@dataclass(frozen=True)
class ComponentClass:
    """The text of a class and how it is called."""

    signature: Signature
    lines: tuple[str, ...]


def renamed_labels(instance: Instance) -> dict[str, str]:
    """Names of parameters that modules of the frameworks have taken, with the attributes that stand for them."""
    labels = {label(node) for placed in instance.programs() for node in placed.program.nodes if node.parameters}
    renamed = {}
    for name in sorted(labels & RESERVED_ATTRIBUTES):
        attribute = f"{name}_"
        while attribute in labels:
            attribute += "_"
        renamed[name] = attribute
    return renamed


def component_classes(
    instance: Instance, library: Library, target: Target, names: Names, renamed: Mapping[str, str]
) -> dict[str, ComponentClass]:
    """Classes by the key of their programs (`class_key`), in the order in which they first run."""
    found: dict[str, ComponentClass] = {}
    shared: dict[str, Value] = {}
    sizes = named_sizes(instance.sizes)
    module = names.taken | {name for statement in target.imports for name in statement.split()}
    for placed in instance.programs():
        own = placed.program
        program = typed_program(own.name, own.kind, own.template, sizes, shared)
        shared |= {name: program.nodes[index].value for name, index in program.writes.items()}
        if class_key(own) not in found:
            name = names.fresh(camel(own.name))
            found[class_key(own)] = _class(program, name, library, target, set(module), renamed)
    return found


def class_key(program: Program) -> str:
    """Programs of equal key are objects of one class."""
    return f"{program.name} {program.key}"


def _class(
    program: Program, name: str, library: Library, target: Target, taken: set[str], renamed: Mapping[str, str]
) -> ComponentClass:
    owners = [node for node in program.nodes if node.parameters]
    attributes = {label(node): renamed.get(label(node), label(node)) for node in owners}
    forward = body(program, attributes, target, taken)
    declared = [f"self.{size} = config.{size}" for size in forward.sizes]
    declared += [f"self.{attributes[label(node)]} = {_declaration(node, target)}" for node in owners]
    component = library.get(program.name)
    lines = [f"class {name}({target.base}):"]
    about = component.doc if component is not None and component.doc else f"The component {program.name}."
    lines += docstring([about], 1)
    lines += ["", *constructor(target, declared)]
    arguments = [f"{argument}: {target.array}" for argument in inputs(program)]
    if forward.past:
        arguments.append(past_argument(forward.past))
    lines += ["", *method(target.method, arguments, target.array, len(forward.returns)), *forward.lines]
    lines.append(f"{INDENT * 2}return {', '.join(forward.returns)}")
    lines += ["", *forward.kept] if forward.kept else []
    taps = tuple(program.reads), tuple(program.writes)
    signature = Signature(name, *taps, forward.penalised, bool(forward.past), bool(forward.kept))
    return ComponentClass(signature, tuple(lines))


def past_argument(name: str = "past") -> str:
    """What is known of earlier positions: the last argument of a method, for decoding."""
    return f"{name}: Past | None = None"


def constructor(target: Target, statements: list[str]) -> Iterator[str]:
    """An `__init__` that makes parameters and modules."""
    yield from bracketed("def __init__(", ["self", *target.parameters], ") -> None:", 1)
    for line in [*target.prepare, *statements] or ["pass"]:
        yield f"{INDENT * 2}{line}"


def method(name: str, arguments: list[str], array: str, results: int) -> list[str]:
    """The first line of a method that takes arrays and returns one or several."""
    returned = array if results == 1 else f"tuple[{', '.join([array] * results)}]"
    return bracketed(f"def {name}(", ["self", *arguments], f") -> {returned}:", 1)


def _declaration(node: TypedNode, target: Target) -> str:
    """The call that makes the parameters of an operation, at their initial values."""
    if node.operation == "linear":
        weight = next(iter(node.parameters.values()))
        bias = ", bias=True" if len(node.parameters) > 1 else ""
        return target.drawn(f"linear({_shape(weight)}{bias})")
    if node.operation == "mixture_of_experts":
        return target.drawn(f"Experts({_shape(next(iter(node.parameters.values())))})")
    (parameter,) = node.parameters.values()
    shape, scale = _shape(parameter), float(parameter.scale)
    match parameter.initial:
        case "zeros":
            return f"constant({shape}, value=0.0)"
        case "ones":
            return f"constant({shape}, value={scale!r})"
        case "uniform":
            return target.drawn(f"uniform({shape}, scale={scale!r})")
    inner = len(parameter.shape) > 1 and isclose(scale, int(parameter.shape[-2]) ** -0.5)
    return target.drawn(f"normal({shape})" if inner else f"normal({shape}, scale={scale!r})")


def _shape(parameter: Parameter) -> str:
    return ", ".join(size_text(size, "config") for size in parameter.shape)
