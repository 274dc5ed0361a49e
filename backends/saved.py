"""What the backward pass keeps of each operation, counted in numbers per position.

A result that is dear (a product, an exponential, a sum over features) is kept where a gradient needs it. A cheap one is
made again from the inputs of its operation, and keeps what is dear inside it: the logistic of a silu, the root of a
norm. The counts are those of the arrays that a pullback holds in JAX, under the policy of `backends.jax.recomputation`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from genome.expressions import Scalar
from genome.operations.time import delta_chunk, keys_per_query, linear_chunk, padded
from genome.typing import Program, TypedNode
from genome.values import Value

MASK = 0.25
"""A truth value takes a quarter of a float32 number."""

FUSED_HEAD_SIZE, FUSED_LENGTHS = 128, 128
"""cuDNN attention takes heads of up to this size, and contexts that are multiples of the second number."""

MATRIX_STATES = ("linear_attention", "delta_rule", "generalized_delta_rule")
PRODUCTS = ("linear", "einsum", "mixture_of_experts", "attend", *MATRIX_STATES, "long_conv")
RECURRENCES = ("linear_scan", "cumulative_sum", "lstm")
FUNCTIONS = ("exp", "log", "sqrt", "rsqrt", "sigmoid", "tanh", "sin", "cos", "divide", "softmax")
SUMS = ("total", "mean", "lookup")

DEAR = frozenset((*PRODUCTS, *RECURRENCES, *FUNCTIONS, *SUMS))
"""Operations whose result is kept where a gradient needs it; that of any other is made again from its inputs."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What the gradient of one call needs: some of its inputs, its `result`, and `own` numbers per position.

    `exact` says that the own numbers and the result are float32; otherwise they have the type of the call. What is
    the same for every sequence, such as the angles of a rotation, is left out of an operation's own numbers.
    """

    inputs: tuple[int, ...] = ()
    result: bool = False
    own: float = 0.0
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Use:
    """One call in a program: its node, the types of its inputs, and which of these a gradient flows to."""

    node: TypedNode
    types: tuple[Value | None, ...]
    learned: tuple[bool, ...]
    context: int
    fused: bool

    def elements(self, index: int) -> int:
        """Numbers per position of an input, 0 where it is absent."""
        value = self.types[index] if index < len(self.types) else None
        return value.elements if value is not None else 0

    def option(self, name: str) -> Scalar | None:
        return self.node.options.get(name)


Rule = Callable[[Use], Saved]


def _nothing(use: Use) -> Saved:
    return Saved()


def _input(use: Use) -> Saved:
    return Saved((0,))


def _result(use: Use) -> Saved:
    return Saved(result=True)


def _scan(use: Use) -> Saved:
    """Decays and states; a sum has no decays."""
    return Saved((0,) if len(use.types) > 1 else (), result=True, exact=True)


def _lstm(use: Use) -> Saved:
    """Results, contents of the cell and opened gates."""
    return Saved(result=True, own=5 * use.node.value.elements, exact=True)


def _function(own: float, *inputs: int) -> Rule:
    """A function of one value: numbers of its own per element, and whether its gradient needs the input besides."""
    return lambda use: Saved(inputs, own=own * use.node.value.elements)


def _product(use: Use) -> Saved:
    """Each factor for the gradient of the others."""
    ports = range(len(use.types))
    return Saved(tuple(i for i in ports if any(use.learned[j] for j in ports if j != i)))


def _divide(use: Use) -> Saved:
    return Saved((0, 1) if use.learned[1] else (1,))


def _select(use: Use) -> Saved:
    """For each input, how much of the gradient it takes: all, half or nothing."""
    return Saved(own=sum(use.learned) * use.node.value.elements)


def _norm(statistics: int) -> Rule:
    """Norms are computed in float32, each group of features by itself."""

    def rule(use: Use) -> Saved:
        groups = use.node.value.elements // use.node.value.shape[-1]
        return Saved((0,), own=statistics * groups, exact=True)

    return rule


def _softmax(use: Use) -> Saved:
    """Exponentials, and their sum."""
    value = use.node.value
    return Saved(result=True, own=value.elements + value.elements // value.shape[-1], exact=True)


def _surprise(use: Use) -> Saved:
    """Exponentials, their sum and what it is the logarithm of."""
    return Saved(own=use.elements(0) + 2, exact=True)


def _experts(use: Use) -> Saved:
    """Gate, its logistic, and the values that it weighs, of all experts."""
    up = next(iter(use.node.parameters.values()))
    return Saved((0, 1), own=3 * up.shape[0] * up.shape[2])


def _long_conv(use: Use) -> Saved:
    """Spectra of twice the context, as many complex numbers as the context is long; the result is as long."""
    varying = sum(value is not None and value.over == use.node.value.over for value in use.types)
    return Saved(own=(2 * varying + 1) * use.node.value.elements, exact=True)


def _attend(use: Use) -> Saved:
    """The weights, and the sums of decays."""
    value = use.node.value
    heads, window, decays = value.shape[0], use.option("window"), use.elements(3)
    size = max((use.types[0] or value).shape[-1], value.shape[-1])
    short = size <= FUSED_HEAD_SIZE and use.context % FUSED_LENGTHS == 0
    if use.fused and short and not decays and not use.option("alibi"):
        return Saved((0, 1, 2), result=True, own=2 * heads)
    weights = heads * keys_per_query(use.context, None if window is None else int(window))
    return Saved((0, 1, 2), result=True, own=weights + decays, exact=True)


def _linear_attention(use: Use) -> Saved:
    """Scores, before and after the decay of a head, and what the state gives to the result and to itself."""
    (heads, size), context = (use.types[0] or use.node.value).shape, use.context
    value_size, decays = use.node.value.shape[-1], use.elements(3)
    decay = use.types[3] if decays else None
    per_channel = decay is not None and len(decay.shape) == 2
    chunk = linear_chunk(context, per_channel)
    pairs = heads * chunk
    own = pairs + (pairs if decays and not per_channel else 0)
    if context > chunk:
        own += heads * (value_size + size * value_size / chunk)
    return Saved((0, 1, 2, 3), own=own * padded(context, chunk), exact=True)


def _delta_rule(use: Use) -> Saved:
    """Of a chunk by a chunk: scores, the parts of the inverse, with a decay its pairs and the overlap besides.

    Where every channel decays by itself, its decays between the halves of blocks stand in place of pairs. A position
    has one row of scores, and one of all else for each of its updates.
    """
    (heads, size), context = (use.types[0] or use.node.value).shape, use.context
    value_size, decay = use.node.value.shape[-1], use.types[4] if len(use.types) > 4 else None
    per_channel = decay is not None and len(decay.shape) == 2
    updates = use.elements(3) // heads
    chunk = delta_chunk(context, per_channel, updates)
    positions = chunk // updates
    own = (0.5 if decay is None else 1.5 if per_channel else 2.5) * chunk + value_size
    own += (chunk.bit_length() - 1) * size if per_channel else 0
    read = float(chunk)
    if context > positions:
        own += size + value_size + (0 if decay is None else 2 * size if per_channel else 2)
        read += value_size + size * value_size / positions
    own = own * chunk / positions + read
    return Saved((0, 1, 2, 3), own=heads * own * padded(context, positions), exact=True)


def _generalized_delta_rule(use: Use) -> Saved:
    """As of a delta rule, with pairs of two rows and two columns for each position."""
    (heads, size), context = (use.types[0] or use.node.value).shape, use.context
    value_size, decay = use.node.value.shape[-1], use.types[5]
    per_channel = decay is not None and len(decay.shape) == 2
    chunk = delta_chunk(context, per_channel)
    own = 5.0 * chunk + 2 * value_size
    own += (chunk.bit_length() - 1) * size if per_channel else 0
    if context > chunk:
        own += size + 2 * value_size + size * value_size / chunk
    return Saved((0, 1, 2, 3, 4), own=heads * own * padded(context, chunk), exact=True)


RULES: dict[str, Rule] = {
    **dict.fromkeys(
        ("split_heads", "merge_heads", "split", "concat", "expand", "repeat", "total", "mean", "ramp", "constant"),
        _nothing,
    ),
    **dict.fromkeys(("input_tokens", "ngram"), _nothing),
    **dict.fromkeys(("weight", "position_embedding", "position", "sinusoid", "last_position", "lookup"), _nothing),
    **dict.fromkeys(
        ("add", "subtract", "negative", "offset", "rope", "shift", "penalty", "share", "shared"), _nothing
    ),
    **dict.fromkeys(("linear", "gain", "causal_conv", "log", "square", "absolute", "relu", "clip"), _input),
    **dict.fromkeys(("exp", "sigmoid", "tanh"), _result),
    **dict.fromkeys(("sqrt", "rsqrt", "sin", "cos"), _function(1)),
    **dict.fromkeys(("softplus", "log_sigmoid"), _function(2)),
    **dict.fromkeys(("silu", "gelu"), _function(1, 0)),
    **dict.fromkeys(("multiply", "einsum"), _product),
    **dict.fromkeys(("maximum", "minimum"), _select),
    **dict.fromkeys(("rms_normalize", "l2_normalize"), _norm(2)),
    "standardize": _norm(3),
    "divide": _divide,
    "top_k": _function(MASK),
    "softmax": _softmax,
    "surprise": _surprise,
    "mixture_of_experts": _experts,
    "linear_scan": _scan,
    "cumulative_sum": _scan,
    "lstm": _lstm,
    "long_conv": _long_conv,
    "attend": _attend,
    "linear_attention": _linear_attention,
    "delta_rule": _delta_rule,
    "generalized_delta_rule": _generalized_delta_rule,
}
"""What each operation of the language keeps where a gradient flows through it."""


def saved_by(program: Program, fused: bool) -> list[tuple[bool, Saved]]:
    """Of every node whether a gradient flows to it, and what that needs.

    One flows to what depends on a parameter or on another program's value. `fused` says that softmax attention may
    run in one kernel that keeps no weights.
    """
    found: list[tuple[bool, Saved]] = []
    for node in program.nodes:
        types = tuple(None if i is None else program.nodes[i].value for i in node.inputs)
        learned = tuple(i is not None and found[i][0] for i in node.inputs)
        given = node.operation in ("input", "shared") and not node.value.tokens
        use = Use(node, types, learned, program.sizes.context, fused)
        saved = Saved() if node.operation == "input" else RULES[node.operation](use)
        found.append((given or bool(node.parameters) or any(learned), saved))
    return found
