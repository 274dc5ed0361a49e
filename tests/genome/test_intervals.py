"""The interval that typing computes contains what the operation computes, for every pointwise operation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome import operations as _operations  # noqa: F401  (fills the table of operations)
from genome.errors import GenomeError
from genome.operation import OPERATIONS
from genome.values import Value

POINTWISE = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "square": np.square,
    "absolute": np.abs,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "log_sigmoid": lambda x: -np.logaddexp(0, -x),
    "softplus": lambda x: np.logaddexp(0, x),
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "gelu": lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "sin": np.sin,
    "cos": np.cos,
    "negative": np.negative,
}
ARITHMETIC = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
ENDS = st.one_of(st.sampled_from([-math.inf, -1.0, 0.0, 1.0, math.inf]), st.floats(-1e6, 1e6), st.floats(-3, 3))


@st.composite
def points(draw: st.DrawFn) -> tuple[Value, float]:
    """A value known to lie in an interval, and a number of that interval."""
    low, high = sorted((draw(ENDS), draw(ENDS)))
    low = (-1e6 if low == math.inf else low) + 0.0
    high = (1e6 if high == -math.inf else high) + 0.0
    within = st.floats(max(low, -1e9), min(high, 1e9))
    return Value((3,), low=low, high=high), draw(
        st.one_of(within, st.sampled_from([max(low, -1e9), min(high, 1e9)]))
    )


def contains(value: Value, number: float) -> bool:
    """Whether the number lies in the interval, to within rounding."""
    slack = 1e-9 * max(1.0, abs(number)) if math.isfinite(number) else 0.0
    return bool(value.low - slack <= number <= value.high + slack)


def test_every_pointwise_operation_is_tested() -> None:
    declared = {name for name, operation in OPERATIONS.items() if operation.family == "pointwise"}
    assert declared == {*POINTWISE, *ARITHMETIC, "constant"}


@pytest.mark.parametrize("name", POINTWISE)
@given(point=points())
def test_functions_of_one_value(name: str, point: tuple[Value, float]) -> None:
    value, number = point
    try:
        result = OPERATIONS[name].infer(value).value
    except GenomeError:
        assert name in ("log", "sqrt", "rsqrt")
        assert value.low < 0
        return
    with np.errstate(all="ignore"):
        exact = float(POINTWISE[name](np.float64(number)))
    assert result.low <= result.high
    assert math.isnan(exact) or contains(result, exact)
    assert (result.shape, result.over) == (value.shape, value.over)


@pytest.mark.parametrize("name", ARITHMETIC)
@given(left=points(), right=points())
def test_arithmetic(name: str, left: tuple[Value, float], right: tuple[Value, float]) -> None:
    try:
        result = OPERATIONS[name].infer(left[0], right[0]).value
    except GenomeError:
        assert name == "divide"
        assert right[0].low == right[0].high == 0
        return
    with np.errstate(all="ignore"):
        exact = float(ARITHMETIC[name](np.float64(left[1]), np.float64(right[1])))
    assert result.low <= result.high
    assert math.isnan(exact) or contains(result, exact)


@given(points(), st.floats(-10, 10), st.floats(-10, 10))
def test_clip(point: tuple[Value, float], low: float, high: float) -> None:
    if low < high:
        result = OPERATIONS["clip"].infer(point[0], low, high).value
        assert contains(result, min(high, max(low, point[1])))
        assert low <= result.low <= result.high <= high


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("softmax", lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum()),
        ("total", np.sum),
        ("mean", np.mean),
        ("rms_normalize", lambda x: x / np.sqrt(np.mean(x**2) + 1e-12)),
        ("standardize", lambda x: (x - x.mean()) / np.sqrt(x.var() + 1e-12)),
        ("l2_normalize", lambda x: x / np.sqrt(np.sum(x**2) + 1e-12)),
    ],
)
@given(low=st.floats(-100, 100), span=st.floats(0, 100), data=st.data())
def test_functions_of_a_vector(name: str, function, low: float, span: float, data: st.DataObject) -> None:
    numbers = np.array(data.draw(st.lists(st.floats(low, low + span), min_size=4, max_size=4)))
    result = OPERATIONS[name].infer(Value((4,), low=low, high=low + span)).value
    for number in np.atleast_1d(function(numbers)):
        assert contains(result, float(number))


@pytest.mark.parametrize(
    "decay",
    [
        "sigmoid(linear(x))",
        "tanh(linear(x))",
        "exp(-softplus(linear(x)))",
        "exp(-exp(linear(x)))",
        "1 - sigmoid(x)",
    ],
)
def test_usual_ways_of_writing_a_decay_are_known_to_be_one(decay: str) -> None:
    from genome.parser import parse_component

    assert parse_component(f"def f(x) -> mixer:\n    return linear_scan({decay}, x)\n", {}).kind == "mixer"
