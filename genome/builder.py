"""Building a graph node by node: equal pure calls become one node, limits are kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from genome.errors import LanguageError
from genome.expressions import arithmetic
from genome.graph import NODE_LIMIT, Graph, Node
from genome.operation import OPERATIONS, Options

_FOLDED = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "negative": "-"}


@dataclass
class GraphBuilder:
    """Nodes so far, with an index from pure calls to the node that already computes them."""

    inputs: tuple[str, ...]
    nodes: list[Node] = field(default_factory=list)
    _known: dict[tuple, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.nodes = [Node("input", (), (("index", i + 1),), name) for i, name in enumerate(self.inputs)]

    def add(
        self,
        operation: str,
        inputs: tuple[int | None, ...],
        options: Options = (),
        name: str = "",
        line: int = 0,
        column: int = 0,
    ) -> int:
        """Index of the call's value. Raises LanguageError where the component grows beyond 128 operations."""
        if operation in _FOLDED and all(i is not None and self.nodes[i].operation == "constant" for i in inputs):
            return self._fold(operation, inputs, line, column)
        owns, options = OPERATIONS[operation].owns, OPERATIONS[operation].given(options)
        key = (operation, inputs, tuple((k, (type(v), v)) for k, v in options))
        if not owns and key in self._known:
            return self._known[key]
        if len(self.nodes) - len(self.inputs) >= NODE_LIMIT:
            raise LanguageError(f"a component has at most {NODE_LIMIT} operations", line, column)
        self.nodes.append(Node(operation, inputs, options, name, line, column))
        index = len(self.nodes) - 1
        if not owns:
            self._known[key] = index
        return index

    def _fold(self, operation: str, inputs: tuple[int | None, ...], line: int, column: int) -> int:
        """Arithmetic of constants is a constant, as it is in the source."""
        values = [dict(self.nodes[i].options)["value"] for i in inputs if i is not None]
        try:
            value = arithmetic(_FOLDED[operation], *([0, *values] if len(values) == 1 else values))
        except LanguageError as error:
            raise LanguageError(error.reason, line, column) from None
        return self.add("constant", (), (("value", value),), "", line, column)

    def rename(self, index: int, name: str) -> None:
        """Give a value its assigned name, unless it has one already."""
        if index >= len(self.inputs) and not self.nodes[index].name:
            self.nodes[index] = replace(self.nodes[index], name=name)

    def inline(self, graph: Graph, arguments: tuple[int, ...], prefix: str, line: int, column: int) -> int:
        """Copy another component's graph, its arguments replaced by values of this one."""
        moved: dict[int, int] = dict(enumerate(arguments))
        for index in range(len(graph.inputs), len(graph.nodes)):
            node = graph.nodes[index]
            inputs = tuple(None if i is None else moved[i] for i in node.inputs)
            moved[index] = self.add(node.operation, inputs, node.options, "", line, column)
            if node.name and index != graph.output:
                self.rename(moved[index], f"{prefix}_{node.name}" if prefix else node.name)
        return moved[graph.output]

    def graph(self, output: int) -> Graph:
        """The finished graph, without what the output does not need."""
        return Graph(self.inputs, tuple(self.nodes), output).pruned()
