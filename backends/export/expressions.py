"""The forward pass of one component as statements: a walk over its program, each call by the target's table."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from backends.export.keeping import Keeping, keeping, spread
from backends.export.target import Target
from backends.export.text import Names, identifier, statement
from genome.expressions import SIZE_NAMES, Expression, Name, substitute, text
from genome.operation import OPERATIONS
from genome.typing import Program, TypedNode

SUM, PRODUCT, UNARY, ATOM = 1, 2, 3, 4
"""How tightly an expression binds."""

LONGEST = 60
"""Characters of an expression; longer ones are taken apart."""

_INFIX = {"add": ("+", SUM), "subtract": ("-", SUM), "multiply": ("*", PRODUCT), "divide": ("/", PRODUCT)}
_SCALAR = {name: f"math.{name}({{x}})" for name in ("exp", "log", "sqrt", "tanh", "sin", "cos")}
_PASSES = ("share", "penalty")
"""Calls that pass their first input on."""


@dataclass(frozen=True)
class Operand:
    """An expression: its text, how tightly it binds, whether it is a Python number, and the node it stands for."""

    text: str
    level: int = ATOM
    number: bool = False
    node: int = -1

    def bound(self, level: int) -> str:
        """The text, in brackets where it binds less than `level`."""
        return f"({self.text})" if self.level < level else self.text

    def __format__(self, spec: str) -> str:
        return self.bound(ATOM) if spec == "atom" else self.text


@dataclass(frozen=True)
class Body:
    """Lines of a forward method up to what it returns, the sizes that its class reads from itself, and its penalty.

    `past` is its argument for decoding, "" where it needs none, and `kept` the method that says what it keeps.
    """

    lines: tuple[str, ...]
    returns: tuple[str, ...]
    sizes: tuple[str, ...]
    penalised: bool
    past: str
    kept: tuple[str, ...]


def body(program: Program, attributes: dict[str, str], target: Target, taken: set[str]) -> Body:
    """Statements for a program whose sizes remember their names.

    `attributes` maps calls that own parameters to the attributes that hold them; `taken` are names of the module.
    """
    return _Printer(program, attributes, target, taken).body()


def inputs(program: Program) -> list[str]:
    """Names of the arguments of a program, values shared by earlier blocks last."""
    return [*program.graph.inputs, *tap_names(program).values()]


def tap_names(program: Program) -> dict[str, str]:
    """Names of variables for values that a program reads from earlier blocks."""
    names = Names(program.graph.inputs)
    return {name: names.fresh(identifier(name)) for name in program.reads}


def label(node: TypedNode) -> str:
    """The name of a call that owns parameters."""
    first = next(iter(node.parameters))
    return first if len(node.parameters) == 1 else first.rpartition(".")[0]


class _Printer:
    def __init__(self, program: Program, attributes: dict[str, str], target: Target, taken: set[str]) -> None:
        self.program, self.attributes, self.target = program, attributes, target
        self.nodes, self.graph = program.nodes, program.graph
        self.names: dict[int, str] = dict(enumerate(self.graph.inputs))
        self.scope = Names({*taken, *inputs(program)})
        for name, variable in tap_names(program).items():
            self.names[program.reads[name]] = variable
        self.uses = Counter(
            self._source(i)
            for node in self.nodes
            for i in node.inputs[node.operation in _PASSES :]
            if i is not None
        )
        self.numbers: set[int] = set()
        self.past, self.decodes = self.scope.fresh("past"), False
        self.keeping: Keeping = keeping(program, self._value_name)
        self.lines: list[str] = []
        self.penalties: list[str] = []
        self.written = {self._source(index) for index in program.writes.values()}

    def body(self) -> Body:
        output = self.program.output
        for index, node in enumerate(self.nodes):
            if index in self.names or node.operation == "shared":
                continue
            if node.operation == "penalty":
                self._penalise(node)
            elif node.operation == "split":
                self._split(index)
            elif index in self.written or (index != output and self._stands_alone(index)):
                self._assign(index)
        result = self._operand(output).text
        returns = [result, *(self.names[self._source(index)] for index in self.program.writes.values())]
        if self.penalties:
            returns.append(" + ".join(self.penalties))
        kept = self.keeping.lines if self.keeping.arrays else []
        written = "\n".join([*self.lines, *returns, *kept])
        sizes = tuple(name for name in SIZE_NAMES if re.search(rf"\bself\.{name}\b", written))
        past = self.past if self.decodes else ""
        return Body(tuple(self.lines), tuple(returns), sizes, bool(self.penalties), past, tuple(kept))

    def _source(self, index: int) -> int:
        """The node whose value a chain of calls passes on."""
        while self.nodes[index].operation in _PASSES:
            first = self.nodes[index].inputs[0]
            assert first is not None
            index = first
        return index

    def _stands_alone(self, index: int) -> bool:
        node = self.nodes[index]
        if node.operation in ("input", "constant", "weight", *_PASSES):
            return False
        return bool(self.graph.nodes[index].name) or self.uses[index] > 1

    def _assign(self, index: int) -> None:
        operand = self._operand(index)
        wanted = self.graph.nodes[index].name or self._alias(index) or self.nodes[index].operation
        self.names[index] = name = self.scope.fresh(wanted)
        if operand.number:
            self.numbers.add(index)
        self.lines += statement(f"{name} = {operand.text}", "" if operand.number else self._shape(index))

    def _value_name(self, index: int) -> str:
        """A name for what a node computes: its own, that of its parameters, or that of its operation."""
        node = self.nodes[index]
        own = self.graph.inputs[index] if index < len(self.graph.inputs) else self.graph.nodes[index].name
        return own or self._alias(index) or (label(node) if node.parameters else node.operation)

    def _alias(self, index: int) -> str:
        """The name of a value that was named when it was passed on."""
        names = (
            self.graph.nodes[other].name
            for other, node in enumerate(self.nodes)
            if node.operation in _PASSES and self._source(other) == index
        )
        return next(filter(None, names), "")

    def _penalise(self, node: TypedNode) -> None:
        loss = node.inputs[1]
        assert loss is not None
        weight = node.options.get("weight", OPERATIONS["penalty"].options[0].default)
        name = self.scope.fresh("penalty_term")
        operand = self._array(self._operand(loss))
        self.lines += statement(f"{name} = {weight!r} * {operand:atom}.mean()")
        self.penalties.append(name)

    def _split(self, index: int) -> None:
        node = self.nodes[index]
        parts = node.options["parts"]
        assert isinstance(parts, int)
        targets = ["_"] * parts
        for other, sibling in enumerate(self.nodes):
            if (sibling.operation, sibling.inputs) != ("split", node.inputs) or sibling.options["parts"] != parts:
                continue
            chosen = sibling.options["index"]
            assert isinstance(chosen, int)
            wanted = self.graph.nodes[other].name or f"part_{chosen}"
            self.names[other] = targets[chosen - 1] = self.scope.fresh(wanted)
        places = {"x": self._value(node.inputs[0]), "parts": parts}
        whole = self.target.expressions["split"].format_map(places)
        self.lines += statement(f"{', '.join(targets)} = {whole}", f"each {self._shape(index)}")

    def _shape(self, index: int) -> str:
        value = self.nodes[index].value
        leading = {"stream": ["B", "T"], "position": ["1", "T"], "parameter": []}[value.over]
        return f"[{', '.join([*leading, *(str(int(size)) for size in value.shape)])}]"

    def _operand(self, index: int) -> Operand:
        """The node as an expression, taken apart into statements where it gets too long."""
        if index in self.names:
            return Operand(self.names[index], number=index in self.numbers, node=index)
        while True:
            operand, parts = self._expression(index)
            apart = [p for p in parts if not p.number and p.node not in self.names]
            apart = [p for p in apart if p.level < ATOM or "(" in p.text]
            if len(operand.text) <= LONGEST or not apart:
                return operand
            self._assign(max(apart, key=lambda p: len(p.text)).node)

    def _value(self, index: int | None) -> Operand:
        assert index is not None
        operand = self._operand(index)
        return Operand(operand.text, operand.level, operand.number, index)

    def _expression(self, index: int) -> tuple[Operand, list[Operand]]:
        """The node's call, and the inputs that are written inside it."""
        node = self.nodes[index]
        name = node.operation
        if name == "constant":
            return self._option(index, "value"), []
        if name == "weight":
            return Operand(self.target.read.format(f"self.{self.attributes[label(node)]}")), []
        if name in _PASSES:
            part = self._value(node.inputs[0])
            return part, [part]
        parts = [self._value(i) for i in node.inputs if i is not None]
        if name in _INFIX or name == "negative":
            return self._arithmetic(index, parts), parts
        if parts and all(part.number for part in parts) and name in _SCALAR:
            return Operand(_SCALAR[name].format(x=parts[0]), number=True), parts
        if name in self.target.number and len([part for part in parts if part.number]) == 1:
            number, array = sorted(parts, key=lambda part: not part.number)
            return Operand(self.target.number[name].format(array=array, number=number)), parts
        return self._call(index, [self._array(part) for part in parts]), parts

    def _arithmetic(self, index: int, parts: list[Operand]) -> Operand:
        node = self.nodes[index]
        number = all(part.number for part in parts)
        if node.operation == "negative":
            return Operand(f"-{parts[0].bound(UNARY)}", UNARY, number)
        sign, own = _INFIX[node.operation]
        left, right = (self._aligned(part, index) for part in parts)
        return Operand(f"{left.bound(own)} {sign} {right.bound(own + 1)}", own, number)

    def _aligned(self, part: Operand, index: int) -> Operand:
        """The operand with as many feature axes as the result, so that trailing axes meet."""
        value = self.nodes[part.node].value
        missing = len(self.nodes[index].value.shape) - len(value.shape)
        if value.over == "parameter" or missing <= 0:
            return part
        return Operand(f"{part:atom}[:, :, {', '.join(['None'] * missing)}]", node=part.node)

    def _array(self, part: Operand) -> Operand:
        """A number as an array, where a function takes nothing else."""
        return Operand(f"scalar({part}, {self.graph.inputs[0]})") if part.number else part

    def _call(self, index: int, parts: list[Operand]) -> Operand:
        node = self.nodes[index]
        declared = OPERATIONS[node.operation]
        past = self.keeping.arguments(self.program, index, self.past)
        self.decodes = self.decodes or bool(past)
        if declared.family == "time" or node.operation in ("rope", "last_position"):
            parts = [self._over_time(part, index) for part in parts]
        if node.operation in ("maximum", "minimum", "linear_scan"):
            parts = [self._aligned(part, index) if part.node >= 0 else part for part in parts]
        ports = [port.name for port, i in zip(declared.ports, node.inputs, strict=False) if i is not None]
        places: dict[str, object] = dict(zip(ports, parts, strict=False))
        options = {key: self._option(index, key) for key in node.options}
        defaults = {option.name: option.default for option in declared.options}
        places |= {**defaults, **options, "like": self.graph.inputs[0], "past": past}
        if node.parameters:
            holder = f"self.{self.attributes[label(node)]}"
            places |= {"module": holder, "parameter": self.target.read.format(holder)}
        match node.operation:
            case "attend":
                return Operand(self._attend(index, places))
            case "einsum":
                return Operand(self._einsum(node, parts))
            case "concat":
                return Operand(self._concat(node, parts))
        form = self.target.expressions.get(node.operation)
        if form is None:
            given = [places[option.name] for option in declared.options if places[option.name] is not None]
            arguments = [f"{value}" for value in (*parts, *given)]
            return Operand(f"{node.operation}({', '.join(arguments)}{past})")
        level = PRODUCT if node.operation == "gain" else SUM if node.operation == "offset" else ATOM
        if level < ATOM:
            places["x"] = parts[0].bound(level)
        return Operand(form.format_map(places), level)

    def _over_time(self, part: Operand, index: int) -> Operand:
        """An input that does not vary over time (or, where queries meet keys, over sequences) as one that does."""
        over = spread(self.program, self.nodes[index], part.node)
        if not over:
            return part
        like = self.graph.inputs[0] if over == "sequences" else f"{self.graph.inputs[0]}[:1]"
        features = len(self.nodes[part.node].value.shape)
        return Operand(f"over_time({part}, {like}, {features})", node=part.node)

    def _attend(self, index: int, places: dict[str, object]) -> str:
        arguments = ", ".join(f"{places[name]}" for name in ("q", "k", "v")) + f"{places['past']}"
        window = "" if places["window"] is None else f", window={places['window']}"
        arguments += window
        if self.nodes[index].options.get("alibi"):
            arguments += f", slopes=alibi_slopes({places['q']})"
        if "log_decay" in places:
            name = self.keeping.recurrences[index].name
            arguments += f', bias=decay_bias({places["log_decay"]}, {self.past}, "{name}"{window})'
        if places["scale"] is not None:
            arguments += f", scale={places['scale']}"
        return f"attend({arguments})"

    def _einsum(self, node: TypedNode, parts: list[Operand]) -> str:
        terms, output = str(node.options["equation"]).replace(" ", "").split("->")
        varies = [self.nodes[part.node].value.over != "parameter" if part.node >= 0 else False for part in parts]
        own = [f"...{term}" if v else term for term, v in zip(terms.split(","), varies, strict=True)]
        equation = f"{','.join(own)}->{'...' if any(varies) else ''}{output}"
        places = {"equation": f'"{equation}"', "values": ", ".join(map("{}".format, parts))}
        return self.target.expressions["einsum"].format_map(places)

    def _concat(self, node: TypedNode, parts: list[Operand]) -> str:
        overs = {self.nodes[i].value.over for i in node.inputs if i is not None}
        values = ", ".join(map("{}".format, parts))
        return self.target.expressions["concat"].format(values) if len(overs) == 1 else f"concat({values})"

    def _option(self, index: int, name: str) -> Operand:
        """An option as an expression: sizes are read from the module."""
        expression: Expression = dict(self.program.template.nodes[index].options)[name]
        found = text(substitute(expression, {size: Name(f"self.{size}") for size in SIZE_NAMES}))
        simple = re.fullmatch(r"[\w.]+", found) is not None
        return Operand(found, ATOM if simple else SUM, number=True)
