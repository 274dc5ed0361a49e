"""Operations on the feature axes of one position."""

from __future__ import annotations

from math import prod

from genome.errors import GenomeError
from genome.operation import PARAMETER_LIMIT, Result, operation
from genome.values import Value, widest


def _needs_axis(name: str, x: Value) -> None:
    if not x.shape or x.tokens:
        raise GenomeError(f"{name} needs a value with a feature axis, not {x}")


@operation()
def split_heads(x: Value, heads: int) -> Result:
    """Cut the last axis into heads: (..., heads, size / heads)."""
    _needs_axis("split_heads", x)
    if x.shape[-1] % heads:
        raise GenomeError(f"split_heads: {heads} heads do not divide {x.shape[-1]} features")
    return Result(x.like((*x.shape[:-1], heads, x.shape[-1] // heads), x.low, x.high))


@operation()
def merge_heads(x: Value) -> Result:
    """Join the last two axes into one."""
    if len(x.shape) < 2:
        raise GenomeError(f"merge_heads needs two feature axes, not {x}")
    return Result(x.like((*x.shape[:-2], x.shape[-2] * x.shape[-1]), x.low, x.high))


@operation()
def split(x: Value, parts: int, index: int) -> Result:
    """Equal parts of the last axis; written `a, b = split(x, 2)`."""
    _needs_axis("split", x)
    if x.shape[-1] % parts or index > parts:
        raise GenomeError(f"split: {x.shape[-1]} features do not fall into {parts} equal parts")
    return Result(x.like((*x.shape[:-1], x.shape[-1] // parts), x.low, x.high))


@operation()
def concat(*values: Value) -> Result:
    """Join values along the last axis."""
    if len(values) < 2:
        raise GenomeError("concat needs at least two values")
    for value in values:
        _needs_axis("concat", value)
    first = values[0].shape[:-1]
    if any(value.shape[:-1] != first for value in values):
        raise GenomeError(f"concat: the leading axes differ: {', '.join(str(v.shape) for v in values)}")
    low, high = min(v.low for v in values), max(v.high for v in values)
    return Result(Value((*first, sum(v.shape[-1] for v in values)), widest(values), low, high))


@operation()
def expand(x: Value) -> Result:
    """Add a last axis of size one, so that one number per head meets all of a head's features."""
    if x.tokens:
        raise GenomeError("expand needs features, not tokens")
    return Result(x.like((*x.shape, 1), x.low, x.high))


@operation()
def repeat(x: Value, times: int) -> Result:
    """Repeat the values of the last axis in turn: (a, b) twice is (a, b, a, b)."""
    _needs_axis("repeat", x)
    return Result(x.like((*x.shape[:-1], x.shape[-1] * times), x.low, x.high))


@operation()
def einsum(equation: str, *values: Value) -> Result:
    """Einstein summation over feature axes of one to three values, such as einsum("hk,hkv->hv", q, state)."""
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if not arrow or len(terms) != len(values) or not 1 <= len(values) <= 3:
        raise GenomeError(
            f"einsum {equation!r} does not name {len(values)} values and a result, as 'hk,hkv->hv' does"
        )
    sizes: dict[str, int] = {}
    for term, value in zip(terms, values, strict=True):
        if value.tokens or len(term) != len(value.shape) or len(set(term)) != len(term):
            raise GenomeError(f"einsum {equation!r}: {term!r} does not name the axes of {value}")
        for letter, size in zip(term, value.shape, strict=True):
            if not letter.islower() or sizes.setdefault(letter, size) != size:
                raise GenomeError(f"einsum {equation!r}: axis {letter!r} has no single size")
    if len(set(output)) != len(output) or not set(output) <= set(sizes):
        raise GenomeError(f"einsum {equation!r}: the result {output!r} must name axes of the inputs, each once")
    work = prod(sizes.values())
    if work > PARAMETER_LIMIT:
        raise GenomeError(f"einsum {equation!r} multiplies {work} elements per position; that is too many")
    shape = tuple(sizes[letter] for letter in output)
    return Result(Value(shape, widest(values)), flops=2 * work if len(values) > 1 else work)


@operation()
def softmax(x: Value) -> Result:
    """Positive weights that sum to one over the last axis."""
    _needs_axis("softmax", x)
    return Result(x.like(low=0.0, high=1.0), flops=4 * x.elements)


@operation()
def total(x: Value) -> Result:
    """The sum over the last axis, which it drops."""
    _needs_axis("total", x)
    size = x.shape[-1]
    low = x.low * size if x.low else 0.0
    high = x.high * size if x.high else 0.0
    return Result(x.like(x.shape[:-1], low, high), flops=x.elements)


@operation()
def mean(x: Value) -> Result:
    """The mean over the last axis, which it drops."""
    _needs_axis("mean", x)
    return Result(x.like(x.shape[:-1], x.low, x.high), flops=x.elements)


@operation()
def rms_normalize(x: Value) -> Result:
    """Divide by the root mean square of the last axis (1910.07467)."""
    _needs_axis("rms_normalize", x)
    bound = x.shape[-1] ** 0.5
    return Result(x.like(low=-bound, high=bound), flops=3 * x.elements)


@operation()
def standardize(x: Value) -> Result:
    """Subtract the mean of the last axis and divide by its standard deviation (1607.06450)."""
    _needs_axis("standardize", x)
    bound = x.shape[-1] ** 0.5
    return Result(x.like(low=-bound, high=bound), flops=5 * x.elements)


@operation()
def l2_normalize(x: Value) -> Result:
    """Divide by the Euclidean length of the last axis."""
    _needs_axis("l2_normalize", x)
    return Result(Value(x.shape, x.over, -1.0, 1.0, unit=True), flops=3 * x.elements)


@operation()
def clip(x: Value, low: float, high: float) -> Result:
    """Hold values between two numbers."""
    if x.tokens or low >= high:
        raise GenomeError(f"clip needs features and low < high, not {low} and {high}")
    return Result(x.like(low=max(low, min(x.low, high)), high=min(high, max(x.high, low))), flops=2 * x.elements)


@operation()
def ramp(size: int, first: float, last: float) -> Result:
    """Fixed numbers from first to last in equal steps."""
    return Result(Value((size,), "parameter", min(first, last), max(first, last)))
