"""Typing: from a graph with bound settings and absolute sizes to a program with concrete shapes and costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

from genome.canonical import canonical, digest
from genome.errors import GenomeError, LanguageError
from genome.expressions import SIZE_NAMES, Scalar, text
from genome.graph import Graph, Node
from genome.kinds import KINDS
from genome.operation import ELEMENT_LIMIT, OPERATIONS, PARAMETER_LIMIT, Parameter, Result
from genome.operations.tokens import INPUT_TOKENS
from genome.values import Sizes, Value

if TYPE_CHECKING:
    from genome.component import Component

REFERENCE_SIZES = Sizes(width=64, hidden=128, vocabulary=64, context=32)
"""Sizes at which a component must be well typed with its default settings."""


@dataclass(frozen=True, slots=True)
class TypedNode:
    """A call with concrete options, the type of its result, its parameters by full local name, and what it costs.

    `history` and `recurrent` are those of `genome.operation.Result`.
    """

    operation: str
    inputs: tuple[int | None, ...]
    options: dict[str, Scalar]
    value: Value
    parameters: dict[str, Parameter]
    flops: float
    history: Mapping[str, int]
    recurrent: tuple[int, ...] | None


@dataclass(frozen=True, eq=False)
class Program:
    """A component at concrete sizes: what a backend lowers.

    The first `len(arguments)` nodes are its arguments. `reads` and `writes` map names of values shared
    between blocks to the nodes that read or provide them; `graph` has every option bound, `template` all but
    the names of sizes.
    """

    name: str
    kind: str
    arguments: tuple[Value, ...]
    nodes: tuple[TypedNode, ...]
    output: int
    reads: dict[str, int]
    writes: dict[str, int]
    sizes: Sizes
    graph: Graph
    template: Graph

    @cached_property
    def key(self) -> str:
        """Content digest: programs of equal key compute the same, with parameters of the same names."""
        reads = ",".join(f"{name}:{self.nodes[index].value}" for name, index in self.reads.items())
        types = ";".join(map(str, self.arguments))
        labels = ",".join(self.parameters)
        return digest(self.kind, canonical(self.graph)[0], types, str(self.sizes.context), labels, reads)

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Every learned array by local name, such as "q" or "conv.weight"."""
        return {name: parameter for node in self.nodes for name, parameter in node.parameters.items()}

    @cached_property
    def parameter_count(self) -> int:
        return sum(parameter.elements for parameter in self.parameters.values())

    def flops_per_token(self, context: int) -> float:
        """Floating-point operations of the forward pass per token of one sequence of `context` tokens."""
        return sum(node.flops / (context if node.value.over == "parameter" else 1) for node in self.nodes)

    @cached_property
    def decoded(self) -> frozenset[int]:
        """The nodes that decoding computes: not those on which penalties alone depend."""
        found: set[int] = set()
        pending = [self.output, *self.writes.values()]
        while pending:
            index = pending.pop()
            if index not in found:
                found.add(index)
                node = self.nodes[index]
                inputs = node.inputs[:1] if node.operation == "penalty" else node.inputs
                pending += [i for i in inputs if i is not None]
        return frozenset(found)

    @cached_property
    def histories(self) -> dict[int, int]:
        """How many last positions decoding keeps of a node's values; all that look back at it share them.

        What is the same for every sequence is no state. A program keeps its own: what earlier blocks share with it
        is kept again.
        """
        kept: dict[int, int] = {}
        for node in (self.nodes[index] for index in sorted(self.decoded)):
            ports = OPERATIONS[node.operation].ports if node.history else ()
            for port, index in zip(ports, node.inputs, strict=False):
                positions = node.history.get(port.name, 0)
                if index is not None and positions and self.nodes[index].value.over == "stream":
                    kept[index] = max(kept.get(index, 0), positions)
        return kept

    @cached_property
    def recurrences(self) -> dict[int, tuple[int, ...]]:
        """Shapes of the arrays that nodes carry from position to position in decoding."""
        return {
            index: node.recurrent
            for index, node in enumerate(self.nodes)
            if node.recurrent is not None and node.value.over == "stream" and index in self.decoded
        }

    @property
    def state(self) -> int:
        """Elements that decoding keeps per sequence."""
        looked_back = sum(n * self.nodes[index].value.elements for index, n in self.histories.items())
        return looked_back + sum(map(prod, self.recurrences.values()))


def check_component(component: Component) -> None:
    """Type the component at reference sizes with its defaults; raises LanguageError with the place."""
    settings = {setting.name: setting.default for setting in component.settings}
    program(component.name, component.kind, component.graph.bind(settings), REFERENCE_SIZES)


def program(
    name: str, kind: str, graph: Graph, sizes: Sizes, shared: Mapping[str, Value] | None = None
) -> Program:
    """Type a graph whose settings are bound.

    `shared` holds the types of values that earlier blocks share. Raises LanguageError where a call's
    types do not fit or the result is not what the kind returns.
    """
    graph, reads = _resolve_shared(graph, sizes, shared or {})
    arguments = KINDS[kind].arguments(sizes)
    bound = graph.bind({size: getattr(sizes, size) for size in SIZE_NAMES})
    names = _parameter_names(bound)
    nodes: list[TypedNode] = []
    for index, node in enumerate(bound.nodes):
        if node.operation == "input":
            nodes.append(TypedNode("input", (), {}, arguments[index], {}, 0.0, {}, None))
            continue
        try:
            nodes.append(_typed(node, nodes, names.get(index, ""), sizes, kind, shared or {}))
        except LanguageError as error:
            raise LanguageError(error.reason, error.line or node.line, error.column or node.column) from None
        except GenomeError as error:
            raise LanguageError(str(error), node.line, node.column) from None
    _check_result(name, kind, bound.nodes[bound.output], nodes[bound.output], sizes)
    writes = {str(node.options["name"]): index for index, node in enumerate(nodes) if node.operation == "share"}
    return Program(name, kind, arguments, tuple(nodes), bound.output, reads, writes, sizes, bound, graph)


def _typed(
    node: Node, nodes: list[TypedNode], label: str, sizes: Sizes, kind: str, shared: Mapping[str, Value]
) -> TypedNode:
    operation = OPERATIONS[node.operation]
    if operation.family == "time" and not KINDS[kind].mixes_positions:
        raise GenomeError(f"{operation.name} mixes positions, which a {kind} may not")
    options: dict[str, Scalar] = {}
    for key, value in node.options:
        if not isinstance(value, int | float | str | bool):
            raise GenomeError(f"{operation.name}: {text(value)} is not known")
        options[key] = value
    variadic_options = [value for key, value in options.items() if "." in key]
    named = {key: value for key, value in options.items() if "." not in key}
    for option in operation.options:
        for value in variadic_options if option.variadic else [named.get(option.name, option.default)]:
            option.check(value, operation.name)
    values = [None if i is None else nodes[i].value for i in node.inputs]
    if node.operation == "shared" and named["name"] in shared:
        result = Result(shared[str(named["name"])])
    elif any(port.variadic for port in operation.ports):
        leading = [named.pop(option.name) for option in operation.options if option.required]
        result = _infer(operation.infer, operation.takes_sizes, sizes, [*leading, *values], named)
    elif variadic_options:
        result = _infer(operation.infer, operation.takes_sizes, sizes, variadic_options, named)
    else:
        ports = {port.name: value for port, value in zip(operation.ports, values, strict=True)}
        result = _infer(operation.infer, operation.takes_sizes, sizes, [], {**ports, **named})
    learned = result.value.over == "parameter"
    limit, where = (PARAMETER_LIMIT, "") if learned else (ELEMENT_LIMIT, " per position")
    if result.value.elements > limit:
        raise GenomeError(f"{operation.name} makes {result.value.elements} numbers{where}; up to {limit}")
    single = len(result.parameters) == 1
    parameters = {label if single else f"{label}.{p.name}": p for p in result.parameters}
    costs = result.flops, result.history, result.recurrent
    return TypedNode(node.operation, node.inputs, options, result.value, parameters, *costs)


def _infer(rule, takes_sizes: bool, sizes: Sizes, values: list, options: dict) -> Result:
    return rule(*values, **options, sizes=sizes) if takes_sizes else rule(*values, **options)


def _check_result(name: str, kind: str, node: Node, typed: TypedNode, sizes: Sizes) -> None:
    expected = KINDS[kind].returns(sizes)
    optimizer = KINDS[kind].result == "optimizer"
    if optimizer != (node.operation == "optimizer"):
        reason = "return optimizer(...)" if optimizer else f"return features, not {node.operation}(...)"
        raise LanguageError(f"a {kind} must {reason}", node.line, node.column)
    if optimizer:
        return
    if typed.value.shape != expected or typed.value.tokens:
        what = f"features of shape {expected} (at width {sizes.width}, vocabulary {sizes.vocabulary})"
        raise LanguageError(f"{name}: kind {kind} returns {what}, not {typed.value}", node.line, node.column)
    if typed.value.over != "stream":
        raise LanguageError(f"{name}: the result does not depend on the input", node.line, node.column)


def _resolve_shared(graph: Graph, sizes: Sizes, shared: Mapping[str, Value]) -> tuple[Graph, dict[str, int]]:
    """Drop reads of values that nobody shares: they mean their own argument. The rest keep no argument.

    Every read of one name is one node. The model's tokens are shared with all.
    """
    if not any(node.operation in ("shared", INPUT_TOKENS) for node in graph.nodes):
        return graph, {}
    alias: dict[int, int] = {}
    first: dict[str, int] = {}
    nodes = []
    for index, node in enumerate(graph.nodes):
        inputs = tuple(None if i is None else alias.get(i, i) for i in node.inputs)
        if node.operation == "shared":
            name = str(dict(node.options)["name"])
            if name in shared:
                alias[index] = first.setdefault(name, index)
                inputs = ()
            else:
                assert inputs[0] is not None
                alias[index] = inputs[0]
        nodes.append(replace(node, inputs=inputs))
    output = alias.get(graph.output, graph.output)
    resolved = Graph(graph.inputs, tuple(nodes), output).pruned()
    reads = {
        INPUT_TOKENS if node.operation == INPUT_TOKENS else str(dict(node.options)["name"]): index
        for index, node in enumerate(resolved.nodes)
        if node.operation in ("shared", INPUT_TOKENS)
    }
    return resolved, reads


def _parameter_names(graph: Graph) -> dict[int, str]:
    """A name for every call that owns parameters: the assigned name, "output" for the result.

    Calls nested inside an assignment take its name with a number.
    """
    names: dict[int, str] = {}
    taken: set[str] = set()
    pending: list[int] = []
    for index, node in enumerate(graph.nodes):
        owns = node.operation in OPERATIONS and OPERATIONS[node.operation].owns
        if owns:
            pending.append(index)
        statement = "output" if index == graph.output else node.name
        if statement and node.operation != "input":
            for position, call in enumerate(reversed(pending)):
                own = call == index or (position == 0 and not owns)
                names[call] = _fresh(statement if own else f"{statement}_{position + 1}", taken)
            pending = []
    for call in pending:
        names[call] = _fresh(f"output_{graph.nodes[call].operation}", taken)
    return names


def _fresh(name: str, taken: set[str]) -> str:
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name}_{count}"
    taken.add(candidate)
    return candidate
