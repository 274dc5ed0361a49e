"""Source and graph convert both ways, and the hash of a component is the hash of what it computes."""

from __future__ import annotations

import pytest

from genome.component import Component, Library
from genome.errors import LanguageError
from genome.parser import parse_component
from tests.genome.component_generator import random_component


def parse(source: str, library: Library | None = None) -> Component:
    return parse_component(source, library or {})


def channel(*lines: str) -> Component:
    return parse("def f(x) -> channel:\n" + "".join(f"    {line}\n" for line in lines))


def mixer(*lines: str, settings: str = "") -> Component:
    return parse(f"def f(x{settings}) -> mixer:\n" + "".join(f"    {line}\n" for line in lines))


@pytest.mark.parametrize("start", range(0, 1000, 100))
def test_generated_components_round_trip(start: int) -> None:
    for seed in range(start, start + 100):
        component = parse(random_component(seed))
        printed = component.source
        again = parse(printed)
        assert again.hash == component.hash, printed
        assert again.source == printed
        assert (again.name, again.kind, again.settings) == (component.name, component.kind, component.settings)


def test_generated_components_are_many_and_use_most_operations() -> None:
    components = [parse(random_component(seed)) for seed in range(300)]
    assert len({component.hash for component in components}) > 250
    used = {node.operation for component in components for node in component.graph.nodes}
    assert {
        "attend",
        "linear_attention",
        "delta_rule",
        "generalized_delta_rule",
        "linear_scan",
        "einsum",
        "split",
        "constant",
    } <= used


def test_components_that_call_generated_components_round_trip() -> None:
    library = {c.name: c for c in (parse(random_component(seed, "mixer")) for seed in range(30))}
    for first, second in zip(sorted(library), sorted(library)[1:], strict=False):
        outer = parse(f"def outer(x) -> mixer:\n    return {first}({second}(x) / 2) + x\n", library)
        again = parse(outer.source)
        assert (again.hash, again.source) == (outer.hash, outer.source)


@pytest.mark.parametrize(
    "expression",
    [
        "x * (width * 2)",
        "x / (8 / width)",
        "x - (1 - x)",
        "x - (x - x)",
        "x / (x * x)",
        "-x * -x",
        "-(x + 1) * (-2)",
        "(-2 + width) * x",
        "linear(x, width // 2 * 4 - 64) / (2 * 3)",
        "x * (0.0 * -1)",
        "maximum(x, -1)",
        "x + -(-x)",
    ],
)
def test_printing_keeps_precedence_and_signs(expression: str) -> None:
    component = channel(f"return linear({expression}, width)")
    assert parse(component.source).hash == component.hash


def test_names_of_values_and_settings_do_not_matter() -> None:
    one = mixer(
        "q = split_heads(linear(x), heads)",
        "k = causal_conv(x, size)",
        "return merge_heads(q) * k",
        settings=", heads: choice(2, 4) = 4, size: integer(1, 8) = 2",
    )
    other = mixer(
        "alpha = causal_conv(x, a)",
        "beta = split_heads(linear(x), z)",
        "return alpha * merge_heads(beta)",
        settings=", a: integer(1, 8) = 2, z: choice(2, 4) = 4",
    )
    assert one.hash == other.hash
    assert one.setting_order == ("heads", "size") or one.setting_order == ("size", "heads")
    pairs = dict(zip(one.setting_order, other.setting_order, strict=True))
    assert pairs == {"heads": "z", "size": "a"}


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a"), ("zeta", "alpha"), ("alpha", "zeta")])
def test_the_order_of_alike_settings_does_not_depend_on_their_names(names: tuple[str, str]) -> None:
    first, second = names
    component = mixer(
        f"return linear(silu(linear(x, {first})) + gelu(linear(x, {first})), width) * causal_conv(x, {second})",
        settings=f", {first}: integer(1, 8) = 2, {second}: integer(1, 8) = 4",
    )
    reference = mixer(
        "return linear(silu(linear(x, m)) + gelu(linear(x, m)), width) * causal_conv(x, n)",
        settings=", m: integer(1, 8) = 2, n: integer(1, 8) = 4",
    )
    assert component.hash == reference.hash


def test_the_domain_and_default_of_a_setting_matter() -> None:
    sources = ("choice(2, 4) = 4", "choice(2, 4) = 2", "choice(2, 4, 8) = 4", "integer(2, 4) = 4")
    components = [mixer("return causal_conv(x, n)", settings=f", n: {source}") for source in sources]
    assert len({component.hash for component in components}) == 4


def test_the_order_of_independent_statements_does_not_matter() -> None:
    one = channel("a = silu(linear(x))", "b = sigmoid(linear(x))", "return a / b")
    other = channel("b = sigmoid(linear(x))", "a = silu(linear(x))", "return a / b")
    nested = channel("return silu(linear(x)) / sigmoid(linear(x))")
    assert one.hash == other.hash == nested.hash
    assert channel("return sigmoid(linear(x)) / silu(linear(x))").hash != one.hash


def test_sharing_parameters_is_not_the_same_as_having_two() -> None:
    heads = "split_heads(linear(x), 4)"
    three = mixer(f"q = {heads}", f"k = {heads}", f"v = {heads}", "return merge_heads(attend(q, k, v))")
    two = mixer(f"q = {heads}", f"v = {heads}", "return merge_heads(attend(q, q, v))")
    other = mixer(f"q = {heads}", f"v = {heads}", "return merge_heads(attend(q, v, v))")
    assert len({three.hash, two.hash, other.hash}) == 3


def test_pure_calls_that_are_equal_are_one() -> None:
    assert channel("return silu(x) * silu(x)").hash == channel("y = silu(x)", "return y * y").hash
    assert channel("return linear(x) * linear(x)").hash != channel("y = linear(x)", "return y * y").hash


@pytest.mark.parametrize("call", ["{} + {}", "{} * {}", "maximum({}, {})", "minimum({}, {})"])
def test_arguments_of_commutative_operations_commute(call: str) -> None:
    left, right = "silu(linear(x))", "gain(x)"
    one, other = channel("return " + call.format(left, right)), channel("return " + call.format(right, left))
    assert one.hash == other.hash


def test_alike_arguments_are_told_apart_by_what_else_uses_them() -> None:
    one = channel("a = linear(x)", "b = linear(x)", "return (a + b) * silu(a)")
    other = channel("a = linear(x)", "b = linear(x)", "return (b + a) * silu(a)")
    assert one.hash == other.hash
    assert one.hash != channel("a = linear(x)", "b = linear(x)", "return (a + b) * silu(a + b)").hash


@pytest.mark.parametrize("call", ["{} - {}", "{} / {}"])
def test_other_arguments_do_not_commute(call: str) -> None:
    one = channel("return " + call.format("silu(x)", "exp(x)"))
    assert one.hash != channel("return " + call.format("exp(x)", "silu(x)")).hash


def test_an_option_matters_and_a_default_is_no_option() -> None:
    assert mixer("return causal_conv(x, 3)").hash != mixer("return causal_conv(x, 5)").hash
    assert mixer("return causal_conv(x, 4)").hash == mixer("return causal_conv(x)").hash
    assert mixer("return causal_conv(x, kernel=4)").source == mixer("return causal_conv(x)").source


def test_a_default_given_by_a_called_component_is_no_option_either() -> None:
    inner = parse("def inner(x, n: choice(2, 4) = 4) -> mixer:\n    return causal_conv(x, n)\n")
    outer = parse("def outer(x) -> mixer:\n    return inner(x)\n", {"inner": inner})
    assert outer.hash == mixer("return causal_conv(x)").hash


def test_the_kind_matters() -> None:
    sources = [f"def f(x) -> {kind}:\n    return linear(x)\n" for kind in ("mixer", "channel", "norm", "position")]
    assert len({parse(source).hash for source in sources}) == 4


def test_code_that_the_result_does_not_need_is_pruned() -> None:
    component = channel("unused = linear(x, 512)", "also = silu(unused)", "return linear(x)")
    assert component.hash == channel("return linear(x)").hash
    assert "unused" not in component.source


def test_arithmetic_of_constants_is_folded_also_across_components() -> None:
    inner = parse("def scaled(x, y) -> residual:\n    return (x + 1) * y\n")
    outer = parse("def f(x) -> channel:\n    return scaled(2, x)\n", {"scaled": inner})
    assert outer.hash == channel("return 3 * x").hash


def test_called_components_are_inlined_with_their_settings() -> None:
    inner = parse("def inner(x, n: integer(1, 8) = 2) -> mixer:\n    return causal_conv(x, n)\n")
    source = "def outer(x, m: integer(1, 8) = 2) -> mixer:\n    return inner(inner(x, m), n=2 * m)\n"
    outer = parse(source, {"inner": inner})
    assert outer.source.count("causal_conv") == 2
    bound = [dict(node.options) for node in outer.bind({"m": 3}).nodes if node.operation == "causal_conv"]
    assert bound == [{"kernel": 3}, {"kernel": 6}]


def test_docstrings_survive_and_play_no_part_in_the_hash() -> None:
    documented = channel('"""Écrit par quelqu\'un, für alle."""', "return linear(x)  # naïve")
    assert documented.doc == "Écrit par quelqu'un, für alle."
    assert parse(documented.source).doc == documented.doc
    assert documented.hash == channel("return linear(x)").hash


@pytest.mark.parametrize("newline", ["\r\n", "\n\n", "\n    \n"])
def test_line_ends_and_blank_lines_do_not_matter(newline: str) -> None:
    source = "def f(x) -> channel:\n    y = linear(x)\n    return y\n"
    assert parse(source.replace("\n", newline)).hash == parse(source).hash
    assert parse(source.replace("    ", "\t")).hash == parse(source).hash


@pytest.mark.parametrize(
    ("expression", "column", "reason"),
    [
        ("linear(x, nothing)", 22, "'nothing' is not a value here; values so far: x"),
        ("linaer(x)", 12, "'linaer' is not an operation or component; did you mean linear?"),
        ("x + linear(x, 3)", 12, "+ of shapes (64,) and (3,): the trailing axes do not fit"),
        ("x[0]", 12, "subscript is not accepted"),
        ("x * 1e400", 16, "the number inf is too large; numbers up to 2^20 are accepted"),
        ("linear(x, 1 / 0)", 22, "division by zero: 1 / 0"),
    ],
)
def test_errors_point_at_the_place_and_say_what_is_accepted(expression: str, column: int, reason: str) -> None:
    with pytest.raises(LanguageError) as caught:
        channel(f"return {expression}")
    assert (caught.value.line, caught.value.column) == (2, column)
    assert reason in str(caught.value)
    assert str(caught.value).startswith(f"line 2, column {column}: ")


def test_the_limits_of_size_are_where_they_are_said_to_be() -> None:
    assert len(channel(*("x = linear(x)" for _ in range(128)), "return x").graph.nodes) == 129
    with pytest.raises(LanguageError, match="at most 128 operations"):
        channel(*("x = linear(x)" for _ in range(129)), "return x")
    names = [f"n{i}" for i in range(17)]

    def with_settings(count: int) -> Component:
        settings = "".join(f", {name}: integer(1, 2) = 1" for name in names[:count])
        return mixer(f"return causal_conv(x, {' + '.join(names[:count])})", settings=settings)

    assert len(with_settings(16).settings) == 16
    with pytest.raises(LanguageError, match="up to 16 settings"):
        with_settings(17)
    assert channel("return x * 1048576").source.endswith("return x * 1048576\n")
    with pytest.raises(LanguageError, match=r"2\^20"):
        channel("return x * 1048577")
