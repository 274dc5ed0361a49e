"""From a graph back to source text."""

from __future__ import annotations

import keyword
from collections import Counter

from genome.component import Component
from genome.expressions import Expression, text
from genome.graph import Graph, Node
from genome.kinds import KINDS
from genome.operation import OPERATIONS

_INFIX = {"add": ("+", 1), "subtract": ("-", 1), "multiply": ("*", 2), "divide": ("/", 2)}
_LINE = 100


def component_source(component: Component) -> str:
    """The component as a function definition that parses to an equal graph."""
    arguments = [*component.graph.inputs, *map(str, component.settings)]
    lines = [f"def {component.name}({', '.join(arguments)}) -> {component.kind}:"]
    if component.doc:
        lines.append(f'    """{component.doc}"""')
    lines += [f"    {statement}" for statement in _Printer(component).statements()]
    return "\n".join(lines) + "\n"


class _Printer:
    def __init__(self, component: Component) -> None:
        self.graph: Graph = component.graph
        self.uses = Counter(i for node in self.graph.nodes for i in node.values)
        taken = {setting.name for setting in component.settings} | {
            "width",
            "hidden",
            "vocabulary",
            "context",
            "_",
        }
        self.taken = taken | set(OPERATIONS) | set(KINDS) | {component.name}
        self.names: dict[int, str] = dict(enumerate(self.graph.inputs))
        self.taken.update(self.graph.inputs)

    def statements(self) -> list[str]:
        lines: list[str] = []
        for index, node in enumerate(self.graph.nodes):
            if index == self.graph.output:
                continue
            if node.operation == "split":
                if index not in self.names:
                    lines.append(self._split(index))
            elif self._stands_alone(index):
                expression = self._call(index)
                self.names[index] = self._fresh(node.name or node.operation)
                lines.append(f"{self.names[index]} = {expression}")
        if self.graph.nodes[self.graph.output].operation == "split" and self.graph.output not in self.names:
            lines.append(self._split(self.graph.output))
        lines.append(f"return {self._value(self.graph.output)}")
        return lines

    def _stands_alone(self, index: int) -> bool:
        node = self.graph.nodes[index]
        if node.operation in ("input", "constant"):
            return False
        return bool(node.name) or self.uses[index] > 1 or len(self._call(index)) > _LINE

    def _split(self, index: int) -> str:
        node = self.graph.nodes[index]
        options = dict(node.options)
        parts = options["parts"]
        assert isinstance(parts, int)
        targets = ["_"] * parts
        for other in range(index, len(self.graph.nodes)):
            sibling = self.graph.nodes[other]
            chosen = dict(sibling.options).get("index")
            if sibling.operation == "split" and sibling.inputs == node.inputs and isinstance(chosen, int):
                if dict(sibling.options)["parts"] != parts:
                    continue
                self.names[other] = targets[chosen - 1] = self._fresh(sibling.name or f"part_{chosen}")
        return f"{', '.join(targets)} = split({self._value(node.values[0])}, {parts})"

    def _fresh(self, name: str) -> str:
        candidate, count = name, 1
        while candidate in self.taken or keyword.iskeyword(candidate):
            count += 1
            candidate = f"{name}_{count}"
        self.taken.add(candidate)
        return candidate

    def _value(self, index: int, level: int = 0) -> str:
        return self.names[index] if index in self.names else self._call(index, level)

    def _call(self, index: int, level: int = 0) -> str:
        node = self.graph.nodes[index]
        if node.operation == "constant":
            return text(dict(node.options)["value"], level)
        if node.operation in _INFIX:
            sign, own = _INFIX[node.operation]
            left, right = (i for i in node.values)
            body = f"{self._value(left, own)} {sign} {self._value(right, own + 1)}"
            return f"({body})" if own < level else body
        if node.operation == "negative":
            return f"-{self._value(node.values[0], 3)}" if level < 3 else f"(-{self._value(node.values[0], 3)})"
        return f"{node.operation}({', '.join(self._arguments(node))})"

    def _arguments(self, node: Node) -> list[str]:
        operation = OPERATIONS[node.operation]
        options: dict[str, Expression] = dict(node.options)
        ports = dict(zip((port.name for port in operation.ports), node.inputs, strict=False))
        arguments: list[str] = []
        named = False
        for name in operation.order:
            option = operation.option(name)
            if option is not None and option.variadic:
                arguments += [text(v) for k, v in node.options if k.startswith(f"{name}.")]
            elif option is not None:
                if name not in options:
                    named = True
                    continue
                value = text(options[name])
                arguments.append(f"{name}={value}" if named or not option.required else value)
            elif next(port for port in operation.ports if port.name == name).variadic:
                arguments += [self._value(i) for i in node.values]
            else:
                index = ports[name]
                if index is None:
                    named = True
                    continue
                port_is_optional = next(port for port in operation.ports if port.name == name).optional
                value = self._value(index)
                arguments.append(f"{name}={value}" if named or port_is_optional else value)
        return arguments
