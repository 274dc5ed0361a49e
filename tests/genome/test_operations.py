"""Typing rules of the operations: what each accepts and returns, what it refuses, and that time is causal by type."""

from __future__ import annotations

from dataclasses import replace

import pytest

from genome import operations as _operations  # noqa: F401  (fills the table of operations)
from genome.errors import GenomeError, LanguageError
from genome.kinds import KINDS
from genome.operation import OPERATIONS, Result
from genome.parser import parse_component
from genome.typing import REFERENCE_SIZES, program
from genome.values import Sizes, Value

WIDTH = REFERENCE_SIZES.width
X = Value((WIDTH,))
HEADS = Value((4, 16))
UNIT = Value((4, 16), low=-1.0, high=1.0, unit=True)
RATES = Value((4, 16), low=0.0, high=1.0)
PAIRS = Value((8, 16), low=-1.0, high=1.0, unit=True)
RATE = Value((4,), low=0.0, high=1.0)
DECAY = Value((4,), high=0.0)
TOKENS = Value((), low=0, high=63, tokens=True)
TABLE = Value((64, 32), "parameter")


def infer(name: str, *values: Value | int | float | str | None, **options: object) -> Result:
    operation = OPERATIONS[name]
    sizes = {"sizes": REFERENCE_SIZES} if operation.takes_sizes else {}
    return operation.infer(*values, **options, **sizes)


GOOD: list[tuple[str, tuple, dict, tuple[int, ...]]] = [
    ("linear", (X,), {}, (64,)),
    ("linear", (X, 7), {}, (7,)),
    ("linear", (HEADS, 5), {}, (4, 5)),
    ("weight", (3, 4), {}, (3, 4)),
    ("gain", (HEADS,), {}, (4, 16)),
    ("offset", (X,), {}, (64,)),
    ("lookup", (TABLE, TOKENS), {}, (32,)),
    ("position_embedding", (), {}, (64,)),
    ("position_embedding", (8,), {}, (8,)),
    ("split_heads", (X, 8), {}, (8, 8)),
    ("merge_heads", (HEADS,), {}, (64,)),
    ("split", (X, 4, 4), {}, (16,)),
    ("concat", (X, Value((3,))), {}, (67,)),
    ("concat", (HEADS, HEADS, HEADS), {}, (4, 48)),
    ("expand", (RATE,), {}, (4, 1)),
    ("repeat", (X, 2), {}, (128,)),
    ("einsum", ("hk,hk->h", HEADS, HEADS), {}, (4,)),
    ("einsum", ("hk->kh", HEADS), {}, (16, 4)),
    ("einsum", ("a,b,c->abc", RATE, RATE, RATE), {}, (4, 4, 4)),
    ("einsum", ("a->", RATE), {}, ()),
    ("softmax", (HEADS,), {}, (4, 16)),
    ("total", (HEADS,), {}, (4,)),
    ("mean", (X,), {}, ()),
    ("rms_normalize", (X,), {}, (64,)),
    ("standardize", (X,), {}, (64,)),
    ("l2_normalize", (HEADS,), {}, (4, 16)),
    ("clip", (X, -1.0, 1.0), {}, (64,)),
    ("ramp", (5, 0.0, 1.0), {}, (5,)),
    ("add", (X, Value(())), {}, (64,)),
    ("multiply", (HEADS, Value((4, 1))), {}, (4, 16)),
    ("divide", (Value((4, 1)), Value((16,))), {}, (4, 16)),
    ("shift", (HEADS, 3), {}, (4, 16)),
    ("causal_conv", (X, 64), {}, (64,)),
    ("long_conv", (X, Value((64,), "position")), {}, (64,)),
    ("cumulative_sum", (X,), {}, (64,)),
    ("linear_scan", (Value((64,), low=0.0, high=1.0), X), {}, (64,)),
    ("linear_scan", (Value((16,), low=-1.0, high=1.0), HEADS), {}, (4, 16)),
    ("lstm", (HEADS, HEADS, HEADS, HEADS), {}, (4, 16)),
    ("lstm", (HEADS, HEADS, HEADS, Value((4, 16), "parameter"), True), {}, (4, 16)),
    ("attend", (HEADS, HEADS, HEADS), {}, (4, 16)),
    ("attend", (HEADS, Value((2, 16)), Value((2, 8))), {"window": 8, "alibi": True}, (4, 8)),
    ("attend", (HEADS, HEADS, HEADS), {"log_decay": DECAY}, (4, 16)),
    ("linear_attention", (HEADS, HEADS, Value((4, 32))), {}, (4, 32)),
    ("linear_attention", (HEADS, HEADS, HEADS, DECAY), {}, (4, 16)),
    ("linear_attention", (HEADS, HEADS, HEADS, Value((4, 16), high=0.0)), {}, (4, 16)),
    ("delta_rule", (HEADS, UNIT, HEADS, RATE), {}, (4, 16)),
    ("delta_rule", (HEADS, UNIT, HEADS, Value((4,), low=0.0, high=2.0), DECAY), {}, (4, 16)),
    ("delta_rule", (HEADS, UNIT, HEADS, RATE, Value((4, 16), high=0.0)), {}, (4, 16)),
    ("delta_rule", (HEADS, PAIRS, Value((8, 8)), Value((8,), low=0.0, high=2.0)), {}, (4, 8)),
    ("delta_rule", (HEADS, PAIRS, Value((8, 16)), Value((8,), low=0.0, high=1.0), DECAY), {}, (4, 16)),
    ("generalized_delta_rule", (HEADS, HEADS, Value((4, 8)), UNIT, RATE, DECAY), {}, (4, 8)),
    ("generalized_delta_rule", (HEADS, HEADS, HEADS, UNIT, RATES, Value((4, 16), high=0.0)), {}, (4, 16)),
    ("rope", (HEADS,), {}, (4, 16)),
    ("position", (), {}, (1,)),
    ("sinusoid", (6,), {}, (6,)),
    ("top_k", (RATE, 4), {}, (4,)),
    ("mixture_of_experts", (X, RATE, 32), {}, (64,)),
    ("penalty", (X, RATE), {}, (64,)),
    ("share", (X, "v"), {}, (64,)),
    ("shared", (X, "v"), {}, (64,)),
    ("input_tokens", (), {}, ()),
    ("ngram", (TOKENS, 3, 500), {}, ()),
    ("surprise", (Value((64,)), TOKENS), {}, ()),
]

BAD: list[tuple[str, tuple, dict, str]] = [
    ("linear", (TOKENS,), {}, "needs a value with a feature axis, not tokens"),
    ("linear", (Value(()),), {}, "needs a value with a feature axis"),
    ("weight", (1, 2, 3, 4), {}, "one to three sizes, not 4"),
    ("gain", (TOKENS,), {}, "not tokens"),
    ("offset", (TOKENS,), {}, "not tokens"),
    ("lookup", (X, TOKENS), {}, "needs a table of two axes"),
    ("lookup", (Value((64, 32)), TOKENS), {}, "needs a table of two axes"),
    ("lookup", (TABLE, X), {}, "lookup needs tokens"),
    ("split_heads", (X, 7), {}, "7 heads do not divide 64 features"),
    ("split_heads", (Value(()), 1), {}, "feature axis"),
    ("merge_heads", (X,), {}, "needs two feature axes"),
    ("split", (X, 5, 1), {}, "do not fall into 5 equal parts"),
    ("split", (X, 2, 3), {}, "equal parts"),
    ("concat", (X,), {}, "at least two values"),
    ("concat", (X, HEADS), {}, "the leading axes differ"),
    ("expand", (TOKENS,), {}, "not tokens"),
    ("repeat", (Value(()), 2), {}, "feature axis"),
    ("einsum", ("hk,hk->h", HEADS), {}, "does not name 1 values"),
    ("einsum", ("h,hk->h", HEADS, HEADS), {}, "does not name the axes"),
    ("einsum", ("hk,kh->h", HEADS, HEADS), {}, "has no single size"),
    ("einsum", ("hk->hh", HEADS), {}, "each once"),
    ("einsum", ("hk->z", HEADS), {}, "must name axes of the inputs"),
    ("softmax", (TOKENS,), {}, "feature axis"),
    ("total", (Value(()),), {}, "feature axis"),
    ("clip", (X, 1.0, 1.0), {}, "low < high"),
    ("add", (X, Value((63,))), {}, "the trailing axes do not fit"),
    ("multiply", (TOKENS, X), {}, "not tokens"),
    ("divide", (X, Value((), low=0.0, high=0.0)), {}, "division by zero"),
    ("log", (X,), {}, "known to be at least 0; try softplus"),
    ("sqrt", (Value((3,), low=-0.001),), {}, "known to be at least 0"),
    ("rsqrt", (X,), {}, "known to be at least 0"),
    ("silu", (TOKENS,), {}, "not tokens"),
    ("shift", (TOKENS,), {}, "not tokens"),
    ("causal_conv", (X, 65), {}, "kernels of up to 64"),
    ("long_conv", (X, HEADS), {}, "the filter has shape (4, 16)"),
    ("linear_scan", (X, X), {}, r"known to lie in [-1, 1]; try sigmoid"),
    ("linear_scan", (Value((64,), low=0.0, high=1.001), X), {}, "known to lie in"),
    ("linear_scan", (RATE, X), {}, "does not fit"),
    ("lstm", (X, X, X, X), {}, "try split_heads"),
    ("lstm", (HEADS, HEADS, Value((4, 1)), HEADS), {}, "gates of shapes (4, 16) and (4, 1) do not fit"),
    ("attend", (X, X, X), {}, "try split_heads"),
    ("attend", (HEADS, Value((3, 16)), Value((3, 16))), {}, "do not fit"),
    ("attend", (HEADS, Value((4, 8)), HEADS), {}, "do not fit"),
    ("attend", (HEADS, HEADS, HEADS), {"log_decay": RATE}, "known to be at most 0"),
    ("attend", (HEADS, HEADS, HEADS), {"log_decay": Value((4, 16), high=0.0)}, "accepted: (4,)"),
    ("linear_attention", (HEADS, Value((2, 16)), HEADS), {}, "do not fit"),
    ("linear_attention", (HEADS, HEADS, HEADS, Value((64,), high=0.0)), {}, "accepted: (4,) or (4, 16)"),
    ("delta_rule", (HEADS, HEADS, HEADS, RATE), {}, "keys of length one; try l2_normalize"),
    ("delta_rule", (HEADS, UNIT, HEADS, Value((4,), low=0.0)), {}, "known to lie in [0, 2]"),
    ("delta_rule", (HEADS, UNIT, HEADS, Value((4, 16), low=0.0, high=1.0)), {}, "beta of shape (4,)"),
    ("delta_rule", (HEADS, UNIT, HEADS, RATE, Value((16,), high=0.0)), {}, "accepted: (4,) or (4, 16)"),
    ("delta_rule", (HEADS, PAIRS, Value((4, 16)), RATE), {}, "do not fit"),
    ("delta_rule", (HEADS, PAIRS, Value((8, 16)), RATE), {}, "beta of shape (8,)"),
    ("delta_rule", (PAIRS, UNIT, HEADS, RATE), {}, "do not fit"),
    ("delta_rule", (Value((1, 16)), Value((17, 16), unit=True), Value((17, 16)), RATE), {}, "up to 16 updates"),
    ("generalized_delta_rule", (HEADS, PAIRS, HEADS, UNIT, RATE, DECAY), {}, "do not fit"),
    ("generalized_delta_rule", (HEADS, HEADS, HEADS, HEADS, RATE, DECAY), {}, "of length one; try l2_normalize"),
    ("generalized_delta_rule", (HEADS, HEADS, HEADS, UNIT, Value((4,), low=0.0), DECAY), {}, "lie in [0, 1]"),
    ("generalized_delta_rule", (HEADS, HEADS, HEADS, UNIT, Value((16,), low=0.0, high=1.0), DECAY), {}, "(4, 16)"),
    ("generalized_delta_rule", (HEADS, HEADS, HEADS, UNIT, RATE, RATE), {}, "known to be at most 0"),
    ("rope", (Value((4, 1)),), {}, "at least two features"),
    ("top_k", (RATE, 5), {}, "cannot keep 5"),
    ("mixture_of_experts", (X, Value((4,)), 32), {}, "known to be at least 0; try softmax"),
    ("mixture_of_experts", (HEADS, RATE, 32), {}, "of one axis"),
    ("penalty", (X, TOKENS), {}, "not tokens"),
    ("share", (X, "input_tokens"), {}, "read it by input_tokens()"),
    ("shared", (X, "input_tokens"), {}, "read it by input_tokens()"),
    ("ngram", (X,), {}, "needs tokens"),
    ("ngram", (TOKENS, 1), {}, "order 1, size 1024; accepted: 2 to 8, and up to 65536"),
    ("ngram", (TOKENS, 2, 65537), {}, "accepted: 2 to 8, and up to 65536"),
    ("surprise", (X, RATE), {}, "needs tokens of the vocabulary"),
    ("surprise", (Value((64,)), replace(TOKENS, high=999)), {}, "needs tokens of the vocabulary"),
    ("surprise", (Value((65,)), TOKENS), {}, "needs scores of all tokens"),
    ("surprise", (Value((64,), "parameter"), TOKENS), {}, "needs scores of all tokens"),
]


@pytest.mark.parametrize(("name", "values", "options", "shape"), GOOD)
def test_accepts_and_returns(name: str, values: tuple, options: dict, shape: tuple[int, ...]) -> None:
    assert infer(name, *values, **options).value.shape == shape


@pytest.mark.parametrize(("name", "values", "options", "reason"), BAD)
def test_refuses_in_one_line(name: str, values: tuple, options: dict, reason: str) -> None:
    with pytest.raises(GenomeError) as caught:
        infer(name, *values, **options)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_operation_is_documented_and_named_in_its_signature() -> None:
    for name, operation in OPERATIONS.items():
        assert operation.doc, name
        assert operation.signature.startswith(f"{name}("), name
        assert operation.order == tuple(dict.fromkeys(operation.order)), name


def _time_call(name: str) -> str:
    """A legal call over time whose result has the stream's shape."""
    heads = "split_heads(linear(x), 4)"
    unit = f"l2_normalize({heads})"
    return {
        "ngram": "lookup(weight(vocabulary, width), ngram(input_tokens()))",
        "long_conv": "long_conv(x, linear(position_embedding(), width))",
        "linear_scan": "linear_scan(sigmoid(x), x)",
        "lstm": f"merge_heads(lstm({heads}, {heads}, {heads}, {heads}))",
        "attend": f"merge_heads(attend({heads}, {heads}, {heads}))",
        "linear_attention": f"merge_heads(linear_attention({heads}, {heads}, {heads}))",
        "generalized_delta_rule": (
            f"merge_heads(generalized_delta_rule({heads}, {heads}, {heads}, {unit}, sigmoid(linear(x, 4)), "
            "log_sigmoid(linear(x, 4))))"
        ),
        "delta_rule": f"merge_heads(delta_rule({heads}, {unit}, {heads}, sigmoid(linear(x, 4))))",
    }.get(name, f"{name}(x)")


TIME = sorted(name for name, operation in OPERATIONS.items() if operation.family == "time")


@pytest.mark.parametrize("name", TIME)
def test_only_kinds_that_mix_positions_may_use_operations_over_time(name: str) -> None:
    for kind in KINDS.values():
        if kind.result != "width" or kind.name == "embedding":
            continue
        arguments = ", ".join(("x", "y")[: kind.inputs])
        source = f"def f({arguments}) -> {kind.name}:\n    return {_time_call(name)}\n"
        if kind.mixes_positions:
            assert parse_component(source, {}).kind == kind.name
        else:
            with pytest.raises(LanguageError, match=f"{name} mixes positions, which a {kind.name} may not"):
                parse_component(source, {})


@pytest.mark.parametrize("name", TIME)
def test_the_result_of_an_operation_over_time_is_no_parameter(name: str) -> None:
    """Even over parameters alone, what mixes positions varies over them."""
    sizes = {"sizes": REFERENCE_SIZES} if OPERATIONS[name].takes_sizes else {}
    known = {"k": UNIT, "beta": RATE, "decay": RATES, "remove": UNIT, "rate": RATE, "log_decay": DECAY}
    known["tokens"] = TOKENS
    ports = [port for port in OPERATIONS[name].ports if not port.optional]
    values = [known.get(port.name, HEADS) for port in ports]
    parameters = [replace(value, over="parameter") for value in values]
    required = [1 for option in OPERATIONS[name].options if option.required]
    result = OPERATIONS[name].infer(*parameters, *required, **sizes)
    assert result.value.over == "position"


def test_a_result_must_depend_on_the_input_and_have_the_shape_of_its_kind() -> None:
    cases = {
        "def f(x) -> mixer:\n    return linear(sinusoid(width))\n": "does not depend on the input",
        "def f(x) -> mixer:\n    return linear(x, 3)\n": "not stream (3,)",
        "def f(x) -> head:\n    return linear(x, width + 1)\n": "not stream (65,)",
        "def f(tokens) -> embedding:\n    return tokens\n": "not tokens",
        "def f() -> training:\n    return weight(3)\n": "must return optimizer(...)",
        "def f(x) -> mixer:\n    return optimizer('adamw', 0.1)\n": "return features, not optimizer(...)",
    }
    for source, reason in cases.items():
        with pytest.raises(LanguageError) as caught:
            parse_component(source, {})
        assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("name", "values", "history", "recurrent"),
    [
        ("shift", (X, 3), {"x": 3}, None),
        ("causal_conv", (X, 4), {"x": 3}, None),
        ("long_conv", (X, X), {"x": 32, "filter": 32}, None),
        ("cumulative_sum", (HEADS,), {}, (4, 16)),
        ("linear_scan", (Value((64,), low=0.0, high=1.0), X), {}, (64,)),
        ("lstm", (HEADS, HEADS, HEADS, HEADS), {}, (2, 4, 16)),
        ("lstm", (HEADS, HEADS, HEADS, HEADS, True), {}, (4, 4, 16)),
        ("attend", (HEADS, HEADS, HEADS), {"k": 32, "v": 32}, None),
        ("attend", (HEADS, Value((1, 16)), Value((1, 16)), 8), {"k": 8, "v": 8}, None),
        ("attend", (HEADS, HEADS, HEADS, 8, False, DECAY), {"k": 8, "v": 8}, (8, 4)),
        ("linear_attention", (HEADS, HEADS, Value((4, 32))), {}, (4, 16, 32)),
        ("delta_rule", (HEADS, UNIT, HEADS, RATE), {}, (4, 16, 16)),
        ("delta_rule", (HEADS, UNIT, HEADS, RATE, Value((4, 16), high=0.0)), {}, (4, 16, 16)),
        ("delta_rule", (HEADS, PAIRS, Value((8, 8)), Value((8,), low=0.0, high=1.0)), {}, (4, 16, 8)),
        ("generalized_delta_rule", (HEADS, HEADS, Value((4, 8)), UNIT, RATE, DECAY), {}, (4, 16, 8)),
    ],
)
def test_what_decoding_keeps(
    name: str, values: tuple, history: dict[str, int], recurrent: tuple[int, ...] | None
) -> None:
    result = infer(name, *values)
    assert (result.history, result.recurrent) == (history, recurrent)


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ("shift(x) + shift(x, 3)", 3 * 64),
        ("causal_conv(x, 4) + causal_conv(x, 8)", 7 * 64),
        ("merge_heads(attend(split_heads(x, 4), split_heads(x, 4), split_heads(x, 4)))", 32 * 64),
        ("long_conv(x, position_embedding())", 32 * 64),
        ("x + cumulative_sum(position_embedding()) + shift(sinusoid(width))", 0),
    ],
)
def test_what_looks_back_at_one_value_shares_its_history_and_positions_are_no_state(body: str, state: int) -> None:
    component = parse_component(f"def f(x) -> mixer:\n    return {body}\n", {})
    assert program("f", "mixer", component.bind({}), REFERENCE_SIZES).state == state


def test_attention_costs_grow_with_the_context_and_a_recurrence_costs_do_not() -> None:
    def flops(name: str, context: int, *values: Value) -> float:
        return OPERATIONS[name].infer(*values, sizes=Sizes(64, 128, 64, context)).flops

    assert flops("attend", 2048, HEADS, HEADS, HEADS) > 1.9 * flops("attend", 1024, HEADS, HEADS, HEADS)
    assert flops("linear_attention", 2048, HEADS, HEADS, HEADS) == flops(
        "linear_attention", 1024, HEADS, HEADS, HEADS
    )
