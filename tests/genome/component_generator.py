"""Random legal components: straight-line programs drawn from the table of operations, typed as they grow."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random
from string import ascii_lowercase

from genome import operations as _operations  # noqa: F401  (fills the table of operations)
from genome.errors import GenomeError
from genome.expressions import Scalar
from genome.kinds import KINDS
from genome.operation import OPERATIONS, Operation, Option
from genome.typing import REFERENCE_SIZES
from genome.values import Value

MOST_ELEMENTS = 4096
_WORD = re.compile(r"\b[a-z_]\w*\b(?!=)")
WIDTH = REFERENCE_SIZES.width
COMPONENT_KINDS = tuple(name for name in KINDS if name != "training")
_INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
_UNWRITTEN = ("constant", "optimizer", "split")
_INTEGERS: tuple[tuple[str, int], ...] = (
    *((str(n), n) for n in (1, 2, 3, 4, 8, 16)),
    ("heads", 4),
    ("heads", 4),
    ("width", WIDTH),
    ("width // 2", WIDTH // 2),
    ("width // heads", WIDTH // 4),
    ("hidden // (2 * heads)", REFERENCE_SIZES.hidden // 8),
)
_FLOATS: tuple[tuple[str, float], ...] = (
    *((repr(number), number) for number in (0.5, 1.0, 2.0, 0.01, -1.0, 10000.0)),
    ("rate", 0.1),
    ("rate / 2", 0.05),
    ("1.0 - rate", 0.9),
)


_SETTINGS = {"heads": "heads: choice(1, 2, 4, 8) = 4", "rate": "rate: log_range(0.01, 1.0) = 0.1"}
_PREPARED = (
    ("split_heads(linear(x), heads)", Value((4, WIDTH // 4))),
    ("split_heads(linear(x), heads)", Value((4, WIDTH // 4))),
    ("l2_normalize(split_heads(linear(x), heads))", Value((4, WIDTH // 4), low=-1.0, high=1.0, unit=True)),
    ("sigmoid(linear(x, heads))", Value((4,), low=0.0, high=1.0)),
    ("log_sigmoid(linear(x, heads))", Value((4,), high=0.0)),
    ("exp(-softplus(linear(x)))", Value((WIDTH,), low=0.0, high=1.0)),
    ("surprise(linear(x, vocabulary), input_tokens())", Value((), low=0.0)),
)
"""What mixers often feed to operations over time."""

_MIXED = (
    ("lookup(weight(512, width), ngram(input_tokens(), 3, 512))", Value((WIDTH,))),
    (
        "delta_rule(split_heads(linear(x), heads), l2_normalize(split_heads(linear(x), heads)), "
        "split_heads(linear(x), heads), sigmoid(linear(x, heads)))",
        Value((4, WIDTH // 4)),
    ),
    (
        "delta_rule(split_heads(linear(x), heads), l2_normalize(split_heads(linear(x), heads)), "
        "split_heads(linear(x), heads), sigmoid(linear(x, heads)), log_decay=log_sigmoid(linear(x, heads)))",
        Value((4, WIDTH // 4)),
    ),
    (
        "delta_rule(split_heads(linear(x), heads), l2_normalize(split_heads(linear(x), heads)), "
        "split_heads(linear(x), heads), sigmoid(linear(x, heads)), "
        "log_decay=split_heads(log_sigmoid(linear(x)), heads))",
        Value((4, WIDTH // 4)),
    ),
    (
        "delta_rule(split_heads(linear(x), heads), l2_normalize(split_heads(linear(x, 2 * width), 2 * heads)), "
        "split_heads(linear(x), 2 * heads), 2 * sigmoid(linear(x, 2 * heads)), "
        "log_decay=log_sigmoid(linear(x, heads)))",
        Value((4, WIDTH // 8)),
    ),
    (
        "generalized_delta_rule(split_heads(linear(x), heads), split_heads(linear(x), heads), "
        "split_heads(linear(x), heads), l2_normalize(split_heads(linear(x), heads)), "
        "split_heads(sigmoid(linear(x)), heads), split_heads(log_sigmoid(linear(x)), heads))",
        Value((4, WIDTH // 4)),
    ),
    ("linear_scan(exp(-softplus(linear(x))), linear(x))", Value((WIDTH,))),
    (
        "lstm(split_heads(linear(x), heads), split_heads(linear(x), heads), split_heads(linear(x), heads), "
        "split_heads(linear(x), heads), exponential=True)",
        Value((4, WIDTH // 4), low=-1.0, high=1.0),
    ),
)
"""Calls whose arguments chance seldom brings together."""


@dataclass
class ComponentWriter:
    """Writes one component; `values` holds the text and the type of everything that can be an argument."""

    random: Random
    kind: str
    values: list[tuple[str, Value]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def source(self, name: str, steps: int) -> str:
        """The component's source after a number of random calls."""
        arguments = ("x", "y")[: KINDS[self.kind].inputs]
        self.values = list(zip(arguments, KINDS[self.kind].arguments(REFERENCE_SIZES), strict=True))
        if self.kind == "embedding":
            self._assign("lookup(weight(vocabulary, width), x)", Value((WIDTH,)))
        for _ in range(steps):
            self._step()
        body = [*self.lines, f"return {self._result()}"]
        words, live = live_part(body)
        settings = {word: text for word, text in _SETTINGS.items() if word in words}
        if any(word in _WORD.findall(line) for line in body for word in _SETTINGS if word not in settings):
            body = live
        text = "\n".join(f"    {line}" for line in body)
        return f"def {name}({', '.join([*arguments, *settings.values()])}) -> {self.kind}:\n{text}\n"

    def _step(self) -> None:
        names = [name for name, operation in OPERATIONS.items() if self._writable(operation)]
        names += 3 * [name for name in names if OPERATIONS[name].family == "time"]
        if self.kind != "embedding" and self.random.random() < 0.3:
            mixed = KINDS[self.kind].mixes_positions and self.random.random() < 0.2
            self._assign(*self.random.choice(_MIXED if mixed else _PREPARED))
            return
        while True:
            name = self.random.choice(names)
            for _ in range(20):
                if name == "split":
                    made = self._split()
                elif name == "einsum":
                    made = self._einsum()
                else:
                    made = self._call(OPERATIONS[name])
                if made:
                    return

    def _writable(self, operation: Operation) -> bool:
        mixes = operation.family == "time" and not KINDS[self.kind].mixes_positions
        return not operation.internal and not mixes and operation.name not in _UNWRITTEN[:2]

    def _value(self, like: tuple[str, Value] | None = None) -> tuple[str, Value]:
        """An earlier value, more often a late one, or one of the shape of another."""
        late = max(self.random.randrange(len(self.values)) for _ in range(2))
        alike = [pair for pair in self.values if like is not None and pair[1].shape == like[1].shape]
        return self.random.choice(alike) if alike and self.random.random() < 0.7 else self.values[late]

    def _call(self, operation: Operation) -> bool:
        number = operation.name in _INFIX and self.random.random() < 0.25
        ports: list[tuple[str, Value] | None] = []
        for port in operation.ports:
            count = self.random.randint(2, 3) if port.variadic else 1
            absent = port.optional and self.random.random() < 0.7
            ports += [None] if absent else [self._value(ports[0] if ports else None) for _ in range(count)]
        if number:
            text, constant = self.random.choice(_FLOATS)
            ports[self.random.randrange(2)] = (f"({text})", Value((), "parameter", constant, constant))
        options, texts = self._options(operation)
        values = [None if port is None else port[1] for port in ports]
        result = infer(operation, values, options)
        if result is None:
            return False
        given = [None if port is None else port[0] for port in ports]
        self._assign(self._text(operation, given, texts), result)
        return True

    def _options(self, operation: Operation) -> tuple[dict[str, Scalar], dict[str, str]]:
        values: dict[str, Scalar] = {}
        texts: dict[str, str] = {}
        for option in operation.options:
            if not option.required and not option.variadic and self.random.random() < 0.6:
                continue
            for i in range(self.random.randint(1, 3) if option.variadic else 1):
                name = f"{option.name}.{i}" if option.variadic else option.name
                texts[name], values[name] = self._option(option)
        return values, texts

    def _option(self, option: Option) -> tuple[str, Scalar]:
        if option.choices or str in option.types:
            text = self.random.choice(option.choices or ("memory", "keys"))
            return repr(text), text
        if bool in option.types:
            flag = self.random.random() < 0.5
            return repr(flag), flag
        return self.random.choice(_INTEGERS if int in option.types else _FLOATS)

    def _text(self, operation: Operation, ports: list[str | None], options: dict[str, str]) -> str:
        if operation.name in _INFIX:
            return f"({ports[0]} {_INFIX[operation.name]} {ports[1]})"
        if operation.name == "negative":
            return f"(-{ports[0]})"
        variadic = any(port.variadic for port in operation.ports)
        given = dict(zip((port.name for port in operation.ports), ports, strict=False))
        positional, named = [], []
        for name in operation.order:
            option = operation.option(name)
            if option is None and variadic:
                positional += [str(port) for port in ports]
            elif option is None:
                if given[name] is not None:
                    target = named if named or self.random.random() < 0.2 else positional
                    target.append(given[name] if target is positional else f"{name}={given[name]}")
            elif option.variadic:
                positional += [text for key, text in options.items() if key.startswith(f"{name}.")]
            elif name in options:
                named.append(f"{name}={options[name]}")
            if option is None and not variadic and given[name] is None:
                named.append(f"{name}=None")
        return f"{operation.name}({', '.join([*positional, *named])})"

    def _split(self) -> bool:
        text, value = self._value()
        parts = self.random.choice((2, 3, 4))
        result = infer(OPERATIONS["split"], [value], {"parts": parts, "index": 1})
        if result is None:
            return False
        names = [self._name() for _ in range(parts)]
        shown = ["_" if self.random.random() < 0.2 else name for name in names]
        self.lines.append(f"{', '.join(shown)} = split({text}, {parts})")
        self.values += [(name, result) for name in shown if name != "_"]
        return True

    def _einsum(self) -> bool:
        chosen = [self._value() for _ in range(self.random.randint(1, 3))]
        letters: dict[str, int] = {}
        terms = []
        for _, value in chosen:
            term = ""
            for size in value.shape:
                known = [k for k, s in letters.items() if s == size and k not in term]
                letter = self.random.choice([*known, ascii_lowercase[len(letters)]])
                letters[letter] = size
                term += letter
            terms.append(term)
        kept = self.random.sample(sorted(letters), self.random.randint(0, min(3, len(letters))))
        equation = f"{','.join(terms)}->{''.join(kept)}"
        result = infer(OPERATIONS["einsum"], [value for _, value in chosen], {"equation": equation})
        if result is None:
            return False
        self._assign(f"einsum({equation!r}, {', '.join(text for text, _ in chosen)})", result)
        return True

    def _assign(self, text: str, value: Value) -> None:
        """Give the expression a name, or (short ones, now and then) leave it to be nested where it is used."""
        if len(text) < 40 and self.random.random() < 0.3:
            self.values.append((text, value))
            return
        name = self._name()
        self.lines.append(f"{name} = {text}")
        self.values.append((name, value))

    def _name(self) -> str:
        return f"{self.random.choice(('gate', 'value', 'state', 'key'))}_{len(self.values)}_{len(self.lines)}" + (
            self.random.choice(ascii_lowercase)
        )

    def _result(self) -> str:
        """The sum of some late values, brought to the shape that the kind returns."""
        size = "vocabulary" if self.kind == "head" else "width"
        late = [pair for pair in self.values if not pair[1].tokens][-4:]
        chosen = self.random.sample(late, self.random.randint(1, len(late)))
        terms = [self._featured(text, value, size) for text, value in chosen]
        if all(value.over != "stream" for _, value in chosen):
            terms.append(f"linear({self.values[1][0] if self.kind == 'embedding' else 'x'}, {size})")
        return " + ".join(terms)

    def _featured(self, text: str, value: Value, size: str) -> str:
        shape = value.shape
        if not shape:
            text, shape = f"expand({text})", (1,)
        while len(shape) > 1:
            text, shape = f"merge_heads({text})", (*shape[:-2], shape[-2] * shape[-1])
        return text if shape == (WIDTH,) and size == "width" else f"linear({text}, {size})"


def live_part(body: list[str]) -> tuple[set[str], list[str]]:
    """Names and lines that the last line depends on; the name of a keyword argument is none."""
    words, lines = set(_WORD.findall(body[-1])), [body[-1]]
    for line in reversed(body[:-1]):
        targets, _, expression = line.partition(" = ")
        if words & set(_WORD.findall(targets)):
            words.update(_WORD.findall(expression))
            lines.insert(0, line)
    return words, lines


def infer(operation: Operation, values: list[Value | None], options: dict[str, Scalar]) -> Value | None:
    """The type of a call's result at the reference sizes, or None where the call is not legal."""
    sizes = {"sizes": REFERENCE_SIZES} if operation.takes_sizes else {}
    named = {name: value for name, value in options.items() if "." not in name}
    try:
        for option in operation.options:
            option.check(named.get(option.name, 1 if option.variadic else option.default), operation.name)
        if any(port.variadic for port in operation.ports):
            leading = [named.pop(option.name) for option in operation.options if option.required]
            result = operation.infer(*leading, *values, **named, **sizes)
        elif any("." in name for name in options):
            shape = [value for name, value in options.items() if "." in name]
            result = operation.infer(*shape, **named, **sizes)
        else:
            ports = {port.name: value for port, value in zip(operation.ports, values, strict=True)}
            result = operation.infer(**ports, **named, **sizes)
    except GenomeError:
        return None
    elements = max([result.value.elements, *(parameter.elements for parameter in result.parameters)])
    return result.value if elements <= 64 * MOST_ELEMENTS and result.value.elements <= MOST_ELEMENTS else None


def random_component(seed: int, kind: str = "") -> str:
    """Source of a legal component that depends on the seed alone."""
    random = Random(seed)
    kind = kind or random.choice((*COMPONENT_KINDS, "mixer", "mixer", "mixer"))
    return ComponentWriter(random, kind).source(f"generated_{seed}", random.randint(1, 14))
