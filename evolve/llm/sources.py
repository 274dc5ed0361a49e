"""Sources that a small model can be kept to: a part of the language of components whose every text is a component.

A regular pattern cannot tell shapes apart, so every statement makes a value of the stream's width from values before
it, the last one among them: each text has meaning, and its result depends on its inputs. It is one line and needs no
escapes within JSON. Settings, other shapes and most options are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from genome.kinds import KINDS

NEW = "new_"
"""What names of components begin with that an answer defines itself."""

INVENTED = ("mixer", "channel", "norm", "residual", "merge")
"""Kinds of components that there are patterns for."""

NAMES = "abcdef"
"""Names of the values that statements make: as many as there may be statements."""

_INPUTS = {1: ("x",), 2: ("x", "y")}
_HEADS = (2, 4)
_CURVES = r"(gelu|silu|relu|tanh|sigmoid|square)"
_SPLIT = r"split_heads\(linear\({}\), {}\)"
_POSITIVE = r"split_heads\(silu\(linear\({}\)\), {}\)"
_UNIT = r"l2_normalize\(split_heads\(linear\({}\), {}\)\)"

# The value before, {0}, and any value so far, {1}.
_ALONE = (
    r"(gelu|silu|relu|tanh|sigmoid|softplus|square|sin|cos|softmax)\({0}\)",
    r"(linear|gain|offset|rms_normalize|standardize|l2_normalize)\({0}\)",
    rf"linear\({_CURVES}\(linear\({{0}}, hidden\)\), width\)",
)
_JOINED = (
    r"{0} (\+|\*|-) {1}",
    rf"{{0}} (\+|\*|-) {_CURVES}\(linear\({{1}}\)\)",
    r"(maximum|minimum)\({0}, {1}\)",
    rf"linear\({_CURVES}\(linear\({{0}}, hidden\)\) \* linear\({{1}}, hidden\), width\)",
)
_IN_TIME = (
    r"shift\({0}, (1|2|4|8)\)",
    r"causal_conv\({0}, (2|3|4|8)\)",
    r"linear_scan\((sigmoid|tanh)\(linear\({0}\)\), {1}\)",
    *(
        rf"merge_heads\({read}\)"
        for heads in _HEADS
        for read in (
            rf"attend\({_SPLIT.format('{0}', heads)}, {_SPLIT.format('{1}', heads)}, {_SPLIT.format('{1}', heads)}\)",
            rf"attend\(rope\({_SPLIT.format('{0}', heads)}\), rope\({_SPLIT.format('{1}', heads)}\), "
            rf"{_SPLIT.format('{1}', heads)}\)",
            rf"linear_attention\({_POSITIVE.format('{0}', heads)}, {_POSITIVE.format('{1}', heads)}, "
            rf"{_SPLIT.format('{1}', heads)}(, log_decay=log_sigmoid\(linear\({{1}}, {heads}\)\))?\)",
            rf"delta_rule\({_UNIT.format('{0}', heads)}, {_UNIT.format('{1}', heads)}, "
            rf"{_SPLIT.format('{1}', heads)}, sigmoid\(linear\({{1}}, {heads}\)\)\)",
            rf"generalized_delta_rule\({_SPLIT.format('{0}', heads)}, {_SPLIT.format('{1}', heads)}, "
            rf"{_SPLIT.format('{1}', heads)}, {_UNIT.format('{1}', heads)}, sigmoid\(linear\({{1}}, {heads}\)\), "
            rf"log_sigmoid\(linear\({{1}}, {heads}\)\)\)",
            rf"lstm\({_SPLIT.format('{0}', heads)}, {_SPLIT.format('{0}', heads)}, {_SPLIT.format('{1}', heads)}, "
            rf"{_SPLIT.format('{1}', heads)}(, exponential=True)?\)",
        )
    ),
)


def new_name(kind: str) -> str:
    """The name of a component of this kind that an answer defines."""
    return f"{NEW}{kind}"


def source_pattern(kind: str) -> str:
    """A regular expression, anchored, of sources of a component of this kind; its name is `new_name(kind)`."""
    inputs = _INPUTS[KINDS[kind].inputs]
    forms = (*_ALONE, *_JOINED, *(_IN_TIME if KINDS[kind].mixes_positions else ()))
    first = forms if len(inputs) == 1 else _JOINED
    statement = _statement(NAMES[0], first, inputs[0], inputs[1:] or inputs)
    body = f"{statement}; {_rest(inputs, NAMES[0], NAMES[1:], forms)}"
    return rf"^def {new_name(kind)}\({', '.join(inputs)}\) -> {kind}: {body}$"


def _rest(before: Sequence[str], last: str, names: str, forms: Iterable[str]) -> str:
    """What may follow when `last` is made: a return of it, or one more statement."""
    end = rf"return ({last}|linear\({last}\))"
    if not names:
        return end
    known = (*before, last)
    return f"({end}|{_statement(names[0], forms, last, known)}; {_rest(known, names[0], names[1:], forms)})"


def _statement(name: str, forms: Iterable[str], last: str, known: Sequence[str]) -> str:
    operand = f"({'|'.join(known)})" if len(known) > 1 else known[0]
    return f"{name} = ({'|'.join(form.format(last, operand) for form in forms)})"
