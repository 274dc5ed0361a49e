"""Arithmetic and pointwise functions, with the intervals of their results."""

from __future__ import annotations

from collections.abc import Callable
from math import exp as e
from math import inf, log1p, nan, sqrt
from math import log as ln
from math import tanh as th

from genome.errors import GenomeError
from genome.operation import Result, operation, register
from genome.values import Value, broadcast, widest

Interval = tuple[float, float]


def _increasing(function: Callable[[float], float]) -> Callable[[float, float], Interval]:
    return lambda low, high: (function(low), function(high))


def _exp(x: float) -> float:
    try:
        return e(x)
    except OverflowError:
        return inf


def _sigmoid(x: float) -> float:
    return 1 / (1 + _exp(-x))


def _softplus(x: float) -> float:
    return x if x > 30 else log1p(_exp(x))


def _log(x: float) -> float:
    return ln(x) if 0 < x < inf else (inf if x > 0 else -inf)


def _root(x: float) -> float:
    return sqrt(x) if x > 0 else 0.0


def _even(low: float, high: float, function: Callable[[float], float]) -> Interval:
    top = max(function(low), function(high))
    return (0.0 if low <= 0 <= high else min(function(low), function(high))), top


_FUNCTIONS: dict[str, tuple[str, float, Callable[[float, float], Interval]]] = {
    "exp": ("The exponential.", 0, _increasing(_exp)),
    "log": ("The natural logarithm; only of values known to be positive or zero.", 0, _increasing(_log)),
    "sqrt": ("The square root; only of values known to be positive or zero.", 0, _increasing(_root)),
    "rsqrt": (
        "One over the square root; only of values known to be positive or zero.",
        0,
        lambda a, b: (0.0, inf),
    ),
    "square": ("The square.", 1, lambda a, b: _even(a, b, lambda x: x * x)),
    "absolute": ("The absolute value.", 1, lambda a, b: _even(a, b, abs)),
    "sigmoid": ("One over one plus exp(-x), between 0 and 1.", 3, _increasing(_sigmoid)),
    "log_sigmoid": ("The logarithm of the sigmoid, at most 0.", 8, _increasing(lambda x: -_softplus(-x))),
    "softplus": ("log(1 + exp(x)), at least 0.", 6, _increasing(_softplus)),
    "tanh": ("The hyperbolic tangent, between -1 and 1.", 0, _increasing(th)),
    "relu": ("The positive part.", 1, _increasing(lambda x: max(0.0, x))),
    "silu": (
        "x times its sigmoid (2017, 1710.05941).",
        4,
        lambda a, b: (max(-0.2785, -abs(min(a, 0.0))), max(b, 0.0)),
    ),
    "gelu": (
        "x times the normal distribution function, tanh form (1606.08415).",
        8,
        lambda a, b: (-0.1701, max(b, 0.0)),
    ),
    "sin": ("The sine.", 0, lambda a, b: (-1.0, 1.0)),
    "cos": ("The cosine.", 0, lambda a, b: (-1.0, 1.0)),
    "negative": ("Minus x; written -x.", 1, lambda a, b: (-b, -a)),
}

_NON_NEGATIVE = ("log", "sqrt", "rsqrt")


def _pointwise(name: str, flops: float, interval: Callable[[float, float], Interval]) -> Callable[..., Result]:
    def rule(x: Value) -> Result:
        if x.tokens:
            raise GenomeError(f"{name} needs features, not tokens")
        if name in _NON_NEGATIVE and x.low < 0:
            raise GenomeError(f"{name} needs values known to be at least 0; try softplus, square or exp first")
        low, high = interval(x.low, x.high)
        return Result(x.like(low=low, high=high), flops=flops * x.elements)

    rule.__module__ = __name__
    return rule


for _name, (_doc, _flops, _interval) in _FUNCTIONS.items():
    register(_name, _pointwise(_name, _flops, _interval), doc=_doc)


@operation()
def constant(value: float) -> Result:
    """A number; written as itself."""
    return Result(Value((), "parameter", value, value))


def _binary(name: str, left: Value, right: Value, low: float, high: float) -> Result:
    if left.tokens or right.tokens:
        raise GenomeError(f"{name} needs features, not tokens")
    shape = broadcast(left, right)
    if shape is None:
        raise GenomeError(f"{name} of shapes {left.shape} and {right.shape}: the trailing axes do not fit")
    low, high = (-inf if low != low else low), (inf if high != high else high)
    value = Value(shape, widest((left, right)), low, high)
    return Result(value, flops=value.elements)


def _product(a: float, b: float) -> float:
    return 0.0 if 0 in (a, b) else a * b


def _corners(left: Value, right: Value) -> list[float]:
    return [_product(a, b) for a in (left.low, left.high) for b in (right.low, right.high)]


@operation(commutative=True)
def add(left: Value, right: Value) -> Result:
    """Left plus right, features aligned at their last axis; written left + right."""
    return _binary("+", left, right, left.low + right.low, left.high + right.high)


@operation()
def subtract(left: Value, right: Value) -> Result:
    """Left minus right; written left - right."""
    return _binary("-", left, right, left.low - right.high, left.high - right.low)


@operation(commutative=True)
def multiply(left: Value, right: Value) -> Result:
    """Left times right; written left * right."""
    corners = _corners(left, right)
    return _binary("*", left, right, min(corners), max(corners))


@operation()
def divide(left: Value, right: Value) -> Result:
    """Left over right; written left / right."""
    if right.low <= 0 <= right.high:
        if right.low == right.high:
            raise GenomeError("division by zero")
        return _binary("/", left, right, 0.0 if left.low >= 0 and right.low >= 0 else nan, nan)
    inverse = Value(right.shape, right.over, 1 / right.high, 1 / right.low)
    corners = _corners(left, inverse)
    return _binary("/", left, right, min(corners), max(corners))


@operation(commutative=True)
def maximum(left: Value, right: Value) -> Result:
    """The larger of two values."""
    return _binary("maximum", left, right, max(left.low, right.low), max(left.high, right.high))


@operation(commutative=True)
def minimum(left: Value, right: Value) -> Result:
    """The smaller of two values."""
    return _binary("minimum", left, right, min(left.low, right.low), min(left.high, right.high))
