"""From source text to components: a whitelist over Python's syntax tree, in which nothing is ever executed."""

from __future__ import annotations

import ast

from genome import operations as _operations  # noqa: F401  (fills the table of operations)
from genome.builder import GraphBuilder
from genome.component import Component, Library, Provenance
from genome.errors import GenomeError, LanguageError
from genome.expressions import SIZE_NAMES, Expression, arithmetic, checked
from genome.expressions import Name as StaticName
from genome.kinds import KINDS
from genome.operation import OPERATIONS, Operation
from genome.settings import Choice, Domain, Flag, Integer, LogRange, Setting
from genome.text import ALLOWED, checked_name, describe, error_at, read_functions
from genome.typing import check_component

SETTING_LIMIT = 16

_BINARY: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "add"),
    ast.Sub: ("-", "subtract"),
    ast.Mult: ("*", "multiply"),
    ast.Div: ("/", "divide"),
    ast.FloorDiv: ("//", ""),
}


class Static:
    """A static expression met where a value might stand, kept apart from node indices."""

    __slots__ = ("expression",)

    def __init__(self, expression: Expression) -> None:
        self.expression = expression


def parse_component(source: str, library: Library, *, internal: bool = False) -> Component:
    """Parse and type-check the source of one component; other components it calls come from the library.

    `internal` admits the operations that tasks alone may use. Raises LanguageError with line and column for
    anything outside the language.
    """
    functions = read_functions(source)
    if len(functions) != 1:
        raise LanguageError(f"expected one function, found {len(functions)}; {ALLOWED}")
    if functions[0].decorator_list:
        raise error_at(functions[0].decorator_list[0], "decorators are not accepted here")
    return component_from_function(functions[0], library, internal=internal)


def component_from_function(function: ast.FunctionDef, library: Library, *, internal: bool = False) -> Component:
    """The component that a function definition describes, with the provenance its decorator states."""
    provenance = _provenance(function.decorator_list)
    component = _FunctionParser(function, library, internal).component(provenance)
    try:
        check_component(component)
    except LanguageError as error:
        raise error if error.line else error_at(function, error.reason) from None
    return component


def _provenance(decorators: list[ast.expr]) -> Provenance | None:
    if not decorators:
        return None
    call = decorators[0]
    if len(decorators) > 1 or not isinstance(call, ast.Call) or getattr(call.func, "id", "") != "published":
        accepted = "published(arxiv, year, title, answers=, builds_on=, replaces=)"
        raise error_at(call, f"the one decorator accepted is {accepted}")
    try:
        values = [ast.literal_eval(argument) for argument in call.args]
        named = {str(argument.arg): ast.literal_eval(argument.value) for argument in call.keywords}
        for relation in ("builds_on", "replaces"):
            names = named.get(relation, ())
            named[relation] = (names,) if isinstance(names, str) else tuple(names)
        return Provenance(*values, **named)
    except (TypeError, ValueError) as error:
        accepted = "arxiv, year, title, answers=, builds_on=, replaces="
        raise error_at(call, f"published(...) takes {accepted}: {error}") from None


class _FunctionParser:
    def __init__(self, function: ast.FunctionDef, library: Library, internal: bool) -> None:
        self.function, self.library, self.internal = function, library, internal
        self.values: dict[str, int | Static] = {}
        self.settings: tuple[Setting, ...] = ()
        self.target = ""

    def component(self, provenance: Provenance | None) -> Component:
        function = self.function
        name = checked_name(function.name, function)
        if getattr(function, "type_params", ()):  # Python before 3.12 does not parse them
            raise error_at(function, "type parameters are not part of the language")
        returns = function.returns
        if not isinstance(returns, ast.Name) or returns.id not in KINDS:
            raise error_at(returns or function, f"the return annotation names the kind: {', '.join(KINDS)}")
        inputs = self._arguments(returns.id)
        self.builder = GraphBuilder(inputs)
        self.values.update({name: i for i, name in enumerate(inputs)})
        body = list(function.body)
        doc = ast.get_docstring(function)
        if doc is not None:
            body = body[1:]
        if not body or not isinstance(body[-1], ast.Return) or body[-1].value is None:
            raise error_at(body[-1] if body else function, f"the last statement must be a return; {ALLOWED}")
        for statement in body[:-1]:
            self._assign(statement)
        self.target = ""
        output = self._node(body[-1].value)
        graph = self.builder.graph(output)
        unused = [setting.name for setting in self.settings if setting.name not in graph.names()]
        if unused:
            raise error_at(function, f"the result does not depend on the setting {unused[0]!r}")
        clean = " ".join((doc or "").replace('"', "'").replace("\\", "").split())
        return Component(name, returns.id, self.settings, graph, clean, provenance)

    def _arguments(self, kind: str) -> tuple[str, ...]:
        arguments = self.function.args
        others = [arguments.vararg, arguments.kwarg, *arguments.posonlyargs, *arguments.kwonlyargs]
        if any(other is not None for other in others):
            raise error_at(
                self.function, "arguments are plain: values first, then settings with a domain and a default"
            )
        count = KINDS[kind].inputs
        plain, settings = arguments.args[:count], arguments.args[count:]
        if len(plain) < count or any(argument.annotation is not None for argument in plain):
            raise error_at(self.function, f"a {kind} takes {count} value(s) without annotation, then settings")
        if len(settings) != len(arguments.defaults) or len(settings) > SETTING_LIMIT:
            raise error_at(self.function, f"up to {SETTING_LIMIT} settings, each with a domain and a default")
        pairs = zip(settings, arguments.defaults, strict=True)
        self.settings = tuple(self._setting(argument, default) for argument, default in pairs)
        names = [checked_name(argument.arg, argument) for argument in arguments.args]
        for argument in arguments.args:
            if argument.arg in SIZE_NAMES or argument.arg in OPERATIONS or names.count(argument.arg) > 1:
                raise error_at(argument, f"the name {argument.arg!r} is taken")
        self.values = {setting.name: Static(StaticName(setting.name)) for setting in self.settings}
        self.values.update({size: Static(StaticName(size)) for size in SIZE_NAMES})
        return tuple(argument.arg for argument in plain)

    def _setting(self, argument: ast.arg, default: ast.expr) -> Setting:
        annotation = argument.annotation
        domain = self._domain(annotation) if annotation is not None else None
        if domain is None:
            accepted = "choice(...), integer(low, high), log_range(low, high) or flag"
            raise error_at(annotation or argument, f"the setting {argument.arg!r} needs a domain: {accepted}")
        value = self._constant(default)
        if not domain.contains(value):
            raise error_at(default, f"the default {value!r} is not in {domain}")
        return Setting(argument.arg, domain, value)

    def _domain(self, annotation: ast.expr) -> Domain | None:
        if isinstance(annotation, ast.Name) and annotation.id == "flag":
            return Flag()
        if (
            not isinstance(annotation, ast.Call)
            or annotation.keywords
            or not isinstance(annotation.func, ast.Name)
        ):
            return None
        values = [self._constant(argument) for argument in annotation.args]
        match annotation.func.id, values:
            case "choice", [_, *_]:
                return Choice(tuple(values))
            case "integer", [int(low), int(high)] if low <= high:
                return Integer(low, high)
            case "log_range", [int() | float() as low, int() | float() as high] if 0 < low <= high:
                return LogRange(low, high)
        return None

    def _constant(self, node: ast.expr) -> int | float | bool | str:
        sign = 1
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            sign, node = -1, node.operand
        if not isinstance(node, ast.Constant) or not isinstance(node.value, int | float | str):
            raise error_at(node, "expected a number, True, False or an option name")
        if isinstance(node.value, str):
            if len(node.value) > 64 or not node.value.isascii() or not node.value.isprintable() or sign < 0:
                raise error_at(node, "text is accepted as a short option name only")
            return node.value
        try:
            return checked(-node.value if sign < 0 else node.value)
        except LanguageError as error:
            raise error_at(node, error.reason) from None

    def _assign(self, statement: ast.stmt) -> None:
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            raise error_at(statement, f"{describe(statement)} is not accepted; {ALLOWED}")
        target, value = statement.targets[0], statement.value
        if isinstance(target, ast.Tuple):
            self._split(target, value)
        elif isinstance(target, ast.Name):
            name = self._target(target)
            self.target = name
            result = self._expression(value)
            self.values[name] = result
            if isinstance(result, int):
                self.builder.rename(result, name)
        else:
            raise error_at(target, f"{describe(target)} cannot be assigned to; use a name")

    def _target(self, target: ast.expr) -> str:
        if not isinstance(target, ast.Name):
            raise error_at(target, "expected a name")
        name = checked_name(target.id, target)
        taken = name in SIZE_NAMES or name in OPERATIONS or name in KINDS
        if taken or any(setting.name == name for setting in self.settings):
            raise error_at(target, f"the name {name!r} is taken")
        return name

    def _split(self, target: ast.Tuple, value: ast.expr) -> None:
        match value:
            case ast.Call(func=ast.Name(id="split"), args=[whole_node, parts], keywords=[]):
                pass
            case _:
                raise error_at(value, "several names are assigned by split alone: a, b = split(x, 2)")
        if len(target.elts) < 2:
            raise error_at(target, "split gives at least two parts: a, b = split(x, 2)")
        if self._constant(parts) != len(target.elts):
            raise error_at(value, f"split into {len(target.elts)} names needs {len(target.elts)} parts")
        whole = self._node(whole_node)
        for i, element in enumerate(target.elts, 1):
            if isinstance(element, ast.Name) and element.id == "_":
                continue
            name = self._target(element)
            options: tuple[tuple[str, Expression], ...] = (("parts", len(target.elts)), ("index", i))
            part = self.builder.add("split", (whole,), options, name, value.lineno, value.col_offset + 1)
            self.values[name] = part

    def _node(self, node: ast.expr) -> int:
        """A value; static expressions become constants."""
        result = self._expression(node)
        if isinstance(result, int):
            return result
        if isinstance(result.expression, str | bool):
            raise error_at(node, f"{result.expression!r} stands where a value is needed")
        options = (("value", result.expression),)
        return self.builder.add("constant", (), options, "", node.lineno, node.col_offset + 1)

    def _expression(self, node: ast.expr) -> int | Static:
        place = (getattr(node, "lineno", 0), getattr(node, "col_offset", -1) + 1)
        match node:
            case ast.Name(id=name):
                if name not in self.values:
                    known = ", ".join(k for k, v in self.values.items() if isinstance(v, int))
                    raise error_at(node, f"{name!r} is not a value here; values so far: {known}")
                return self.values[name]
            case ast.Constant():
                return Static(self._constant(node))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self._expression(operand)
                if isinstance(inner, Static):
                    return Static(self._fold("-", 0, inner.expression, node))
                return self.builder.add("negative", (inner,), (), "", *place)
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _BINARY:
                sign, name = _BINARY[type(operator)]
                a, b = self._expression(left), self._expression(right)
                if isinstance(a, Static) and isinstance(b, Static):
                    return Static(self._fold(sign, a.expression, b.expression, node))
                if not name:
                    raise error_at(node, "// is for sizes; use / between values")
                return self.builder.add(name, (self._lift(a, left), self._lift(b, right)), (), "", *place)
            case ast.Call(func=ast.Name(id=name)):
                return self._call(node, name)
        raise error_at(node, f"{describe(node)} is not accepted; {ALLOWED}")

    def _lift(self, value: int | Static, node: ast.expr) -> int:
        return value if isinstance(value, int) else self._node(node)

    def _fold(self, sign: str, left: Expression, right: Expression, node: ast.expr) -> Expression:
        try:
            return arithmetic(sign, left, right)
        except LanguageError as error:
            raise error_at(node, error.reason) from None

    def _call(self, node: ast.Call, name: str) -> int:
        if any(isinstance(argument, ast.Starred) for argument in node.args) or any(
            k.arg is None for k in node.keywords
        ):
            raise error_at(node, "* and ** are not accepted in calls")
        operation = OPERATIONS.get(name)
        written = name not in ("constant", "split", "negative")
        if operation is not None and written and (self.internal or not operation.internal):
            return self._operation(node, operation)
        if name == "split":
            raise error_at(node, "split is assigned to as many names as parts: a, b = split(x, 2)")
        component = self.library.get(name)
        if component is None or component.kind == "training":
            raise error_at(node, f"{name!r} is not an operation or component; {_nearest(name, self.library)}")
        return self._inline(node, component)

    def _operation(self, node: ast.Call, operation: Operation) -> int:
        given = self._bind(node, operation.order, operation)
        inputs: list[int | None] = []
        options: list[tuple[str, Expression]] = []
        for name in operation.order:
            option = operation.option(name)
            arguments = given.get(name, [])
            if option is None:
                port = next(port for port in operation.ports if port.name == name)
                if not arguments and not port.variadic and not port.optional:
                    raise error_at(node, f"{operation.signature}: {name} is missing")
                values = [self._node(argument) for argument in arguments if not _is_none(argument)]
                inputs += values if values or port.variadic else [None]
            elif option.variadic:
                options += [(f"{name}.{i}", self._static(a, operation)) for i, a in enumerate(arguments)]
            elif arguments and not _is_none(arguments[0]):
                options.append((name, self._static(arguments[0], operation)))
            elif option.required:
                raise error_at(node, f"{operation.signature}: {name} is missing")
        return self.builder.add(
            operation.name, tuple(inputs), tuple(options), "", node.lineno, node.col_offset + 1
        )

    def _bind(self, node: ast.Call, order: tuple[str, ...], operation: Operation) -> dict[str, list[ast.expr]]:
        """Arguments by parameter name, as Python would bind them."""
        given: dict[str, list[ast.expr]] = {}
        variadic = {p.name for p in operation.ports if p.variadic} | {
            o.name for o in operation.options if o.variadic
        }
        position = 0
        for argument in node.args:
            if position >= len(order):
                raise error_at(argument, f"too many arguments: {operation.signature}")
            given.setdefault(order[position], []).append(argument)
            if order[position] not in variadic:
                position += 1
        for keyword_argument in node.keywords:
            name = str(keyword_argument.arg)
            if name not in order or name in given or name in variadic:
                raise error_at(keyword_argument.value, f"{name!r} is not accepted (again): {operation.signature}")
            given[name] = [keyword_argument.value]
        return given

    def _static(self, node: ast.expr, operation: Operation) -> Expression:
        result = self._expression(node)
        if isinstance(result, int):
            raise error_at(
                node, f"{operation.signature}: a number known before training is needed here, not a value"
            )
        return result.expression

    def _inline(self, node: ast.Call, component: Component) -> int:
        inputs = component.graph.inputs
        if len(node.args) < len(inputs):
            raise error_at(node, f"{component.name} takes {len(inputs)} value(s): {', '.join(inputs)}")
        arguments = tuple(self._node(argument) for argument in node.args[: len(inputs)])
        settings = {setting.name: setting for setting in component.settings}
        given: dict[str, Expression] = {name: setting.default for name, setting in settings.items()}
        named = list(zip(settings, node.args[len(inputs) :], strict=False))
        if len(node.args) - len(inputs) > len(settings):
            raise error_at(node, f"{component.name} has {len(settings)} settings: {', '.join(settings)}")
        named += [(str(k.arg), k.value) for k in node.keywords]
        for name, argument in named:
            if name not in settings:
                raise error_at(
                    argument, f"{component.name} has no setting {name!r}; it has: {', '.join(settings)}"
                )
            value = self._expression(argument)
            if isinstance(value, int):
                raise error_at(argument, f"the setting {name!r} needs a number known before training, not a value")
            given[name] = value.expression
        try:
            graph = component.graph.bind(given)
        except GenomeError as error:
            raise error_at(node, str(error)) from None
        return self.builder.inline(graph, arguments, self.target, node.lineno, node.col_offset + 1)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _nearest(name: str, library: Library) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, [*(o for o in OPERATIONS if not OPERATIONS[o].internal), *library], 3)
    return (
        f"did you mean {' or '.join(close)}?" if close else "`python -m evolve components --operations` lists them"
    )
