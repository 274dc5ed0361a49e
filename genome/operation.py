"""What an operation is: a function from the types of its inputs to the type of its result, with its cost.

An operation of the language is declared once, as a Python function whose signature is the operation's
signature: parameters of type `Value` take values of the component, the others take static options.
The docstring is its documentation line; the returned `Result` holds type, parameters and cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import Parameter as Argument
from inspect import signature
from math import prod
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from genome.errors import GenomeError
from genome.expressions import Expression, Scalar
from genome.values import Sizes, Value

ELEMENT_LIMIT = 2**20
"""Numbers that a value may have at each position."""

PARAMETER_LIMIT = 2**30
"""Numbers that a value of parameters alone may have: a table of 262,144 tokens at a width of 4,096.

An einsum may multiply as many per position, so that such a table can score.
"""

Options = tuple[tuple[str, Expression], ...]
Initial = Literal["normal", "zeros", "ones", "uniform"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A learned array: its name within the operation, shape, and how it starts.

    `initial` "normal" draws with standard deviation `scale`, "uniform" in [-scale, scale].
    """

    name: str
    shape: tuple[int, ...]
    initial: Initial
    scale: float = 1.0

    @property
    def elements(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Result:
    """Type and cost of one call.

    `flops` counts the forward pass per position where the result varies over positions, else once for a whole
    sequence. It follows XLA's cost analysis: two per multiply-add of a product, one per element for arithmetic,
    comparison and selection, none for transcendental functions (exp, log, tanh, roots, sine), which XLA counts
    as a category of their own.

    What decoding keeps per sequence from one position to the next: of the inputs named in `history` their values at
    so many last positions, and an array of shape `recurrent`.
    """

    value: Value
    parameters: tuple[Parameter, ...] = ()
    flops: float = 0.0
    history: Mapping[str, int] = field(default_factory=dict)
    recurrent: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Port:
    """A parameter of an operation that takes a value."""

    name: str
    optional: bool = False
    variadic: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """A parameter of an operation that takes a static expression."""

    name: str
    types: tuple[type, ...]
    choices: tuple[str, ...]
    default: Any
    required: bool
    variadic: bool = False

    def check(self, value: Scalar | None, owner: str) -> None:
        """Raise GenomeError where the value is not one this option takes."""
        if value is None and not self.required:
            return
        if self.choices:
            if value not in self.choices:
                raise GenomeError(f"{owner}: {self.name} is {value!r}; accepted: {', '.join(self.choices)}")
            return
        exact = int if isinstance(value, int) and not isinstance(value, bool) else type(value)
        if exact not in self.types and not (exact is int and float in self.types):
            accepted = " or ".join(t.__name__ for t in self.types)
            raise GenomeError(f"{owner}: {self.name} is {value!r}; accepted: {accepted}")
        if exact is int and float not in self.types and int(value or 0) < 1:
            raise GenomeError(f"{owner}: {self.name} is {value}; it must be at least 1")


@dataclass(frozen=True, slots=True)
class Operation:
    """A declared operation of the language."""

    name: str
    family: str
    doc: str
    ports: tuple[Port, ...]
    options: tuple[Option, ...]
    order: tuple[str, ...]
    infer: Callable[..., Result]
    takes_sizes: bool
    commutative: bool
    owns: bool
    internal: bool

    def option(self, name: str) -> Option | None:
        return next((option for option in self.options if option.name == name), None)

    def given(self, options: Options) -> Options:
        """The options that differ from their defaults: an option given its default is the same call."""
        defaults = {option.name: option.default for option in self.options}
        return tuple(
            (name, value)
            for name, value in options
            if name not in defaults or value != defaults[name] or type(value) is not type(defaults[name])
        )

    @property
    def signature(self) -> str:
        """The call as documentation shows it."""
        parts = []
        for name in self.order:
            option = self.option(name)
            if option is None:
                port = next(port for port in self.ports if port.name == name)
                parts.append(f"*{name}" if port.variadic else f"{name}=None" if port.optional else name)
            elif option.variadic:
                parts.append(f"*{name}")
            else:
                parts.append(name if option.required else f"{name}={option.default!r}")
        return f"{self.name}({', '.join(parts)})"


OPERATIONS: dict[str, Operation] = {}


def operation(
    *, commutative: bool = False, owns: bool = False, internal: bool = False
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Declare an operation of the language by its typing and cost rule.

    `owns` says that each call has learned parameters of its own (or is otherwise distinct from an equal
    call); `internal` operations are used by tasks and cannot be written in component source.
    """

    def declare(rule: Callable[..., Result]) -> Callable[..., Result]:
        register(rule.__name__, rule, commutative=commutative, owns=owns, internal=internal)
        return rule

    return declare


def register(
    name: str,
    rule: Callable[..., Result],
    *,
    doc: str | None = None,
    commutative: bool = False,
    owns: bool = False,
    internal: bool = False,
) -> None:
    """Add an operation to the table under a name. Raises ValueError for a name declared twice."""
    if name in OPERATIONS:
        raise ValueError(f"operation {name!r} is declared twice")
    hints = get_type_hints(rule)
    ports, options, order = [], [], []
    for argument in signature(rule).parameters.values():
        hint = hints[argument.name]
        types = get_args(hint) or (hint,)
        if hint is Sizes:
            continue
        order.append(argument.name)
        variadic = argument.kind is Argument.VAR_POSITIONAL
        if Value in types:
            ports.append(Port(argument.name, NoneType in types, variadic))
        else:
            options.append(_option(argument, hint, variadic))
    OPERATIONS[name] = Operation(
        name,
        rule.__module__.rpartition(".")[2],
        doc or (rule.__doc__ or "").strip(),
        tuple(ports),
        tuple(options),
        tuple(order),
        rule,
        Sizes in hints.values(),
        commutative,
        owns,
        internal,
    )


def _option(argument: Argument, hint: Any, variadic: bool) -> Option:
    required = argument.default is Argument.empty and not variadic
    default = None if argument.default is Argument.empty else argument.default
    if get_origin(hint) is Literal:
        return Option(argument.name, (str,), get_args(hint), default, required)
    types = tuple(t for t in (get_args(hint) or (hint,)) if t is not NoneType)
    return Option(argument.name, types, (), default, required, variadic)
