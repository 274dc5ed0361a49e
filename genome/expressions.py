"""Static expressions: sizes and numbers that are known before training, from settings, sizes and constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from genome.errors import LanguageError

Scalar = int | float | bool | str

INTEGER_LIMIT = 2**20
EXPRESSION_LIMIT = 64
SIZE_NAMES = ("width", "hidden", "vocabulary", "context")


@dataclass(frozen=True, slots=True)
class Name:
    """A setting, or one of `SIZE_NAMES`."""

    name: str


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left operator right` with one of `+ - * / //`; `terms` counts the names and constants in it."""

    operator: str
    left: Expression
    right: Expression
    terms: int = field(default=2, compare=False)


Expression = Scalar | Name | Arithmetic

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2}


def arithmetic(operator: str, left: Expression, right: Expression) -> Expression:
    """Combine two expressions, folding constants.

    Raises LanguageError for a division by zero, a text operand, a number beyond 2^20 or more than 64 terms.
    """
    if isinstance(left, Name | Arithmetic) or isinstance(right, Name | Arithmetic):
        terms = sum(side.terms if isinstance(side, Arithmetic) else 1 for side in (left, right))
        if terms > EXPRESSION_LIMIT:
            raise LanguageError(f"a static expression has at most {EXPRESSION_LIMIT} terms")
        return Arithmetic(operator, left, right, terms)
    if isinstance(left, str) or isinstance(right, str):
        raise LanguageError(f"text cannot be used in arithmetic: {left!r} {operator} {right!r}")
    if operator in ("/", "//") and right == 0:
        raise LanguageError(f"division by zero: {left} {operator} {right}")
    result: int | float
    match operator:
        case "+":
            result = left + right
        case "-":
            result = left - right
        case "*":
            result = left * right
        case "//":
            result = left // right
        case _:
            result = left / right
    return checked(result)


def checked(value: Scalar) -> Scalar:
    """The constant itself (zero without a sign), or LanguageError where a number is beyond 2^20 or not finite."""
    if isinstance(value, int | float) and not abs(value) <= INTEGER_LIMIT:
        raise LanguageError(f"the number {value!s:.20} is too large; numbers up to 2^20 are accepted")
    return 0.0 if value == 0 and isinstance(value, float) else value


def substitute(expression: Expression, values: Mapping[str, Expression]) -> Expression:
    """Replace names by values and fold what becomes constant; other names stay."""
    match expression:
        case Name(name):
            return values.get(name, expression)
        case Arithmetic(operator, left, right):
            return arithmetic(operator, substitute(left, values), substitute(right, values))
    return expression


def names(expression: Expression) -> tuple[str, ...]:
    """Names in the expression, in reading order."""
    match expression:
        case Name(name):
            return (name,)
        case Arithmetic(_, left, right):
            return names(left) + names(right)
    return ()


def text(expression: Expression, level: int = 0) -> str:
    """The expression as source text."""
    match expression:
        case Name(name):
            return name
        case Arithmetic(operator, left, right):
            own = _PRECEDENCE[operator]
            body = f"{text(left, own)} {operator} {text(right, own + 1)}"
            return f"({body})" if own < level else body
    if isinstance(expression, int | float) and not isinstance(expression, bool) and expression < 0 and level:
        return f"({expression!r})"
    return repr(expression)
