"""What the backward pass keeps of each operation, counted in numbers per position.

The counts are those of automatic differentiation in the JAX kernels, read off the arrays that a pullback holds. What
several calls keep of one value is one array; what an operation makes for itself (a reshaped copy, a derivative, a
mask) is its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from genome.expressions import Scalar
from genome.operations.time import CHANNEL_CHUNK, CHUNK, QUERY_BLOCK, QUERY_BLOCKS, keys_per_query
from genome.typing import TypedNode
from genome.values import Value

MASK = 0.25
"""A truth value takes a quarter of a float32 number."""

FUSED_HEAD_SIZE, FUSED_LENGTHS = 128, 128
"""cuDNN attention takes heads of up to this size, and contexts that are multiples of the second number."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What one call keeps for its gradient.

    `inputs` are kept as they are, and so is the result where `result` says so. `own` numbers per position have the
    type in which the call computes, `exact` ones are float32, and `fixed` ones are float32 and the same for every
    sequence.
    """

    inputs: tuple[int, ...] = ()
    result: bool = False
    own: float = 0.0
    exact: float = 0.0
    fixed: float = 0.0


@dataclass(frozen=True, slots=True)
class Use:
    """One call in a program: its node, the types of its inputs, and which of these a gradient flows to.

    `half` says that it computes in 16 bits, `fused` that softmax attention may then run in one kernel that keeps no
    weights.
    """

    node: TypedNode
    types: tuple[Value | None, ...]
    learned: tuple[bool, ...]
    context: int
    half: bool
    fused: bool

    def elements(self, index: int) -> int:
        """Numbers per position of an input, 0 where it is absent or varies over less than the result does."""
        value = self.types[index] if index < len(self.types) else None
        return value.elements if value is not None and value.over == self.node.value.over else 0

    def option(self, name: str) -> Scalar | None:
        return self.node.options.get(name)


Rule = Callable[[Use], Saved]


def _function(*, x: bool = False, result: bool = False, own: float = 0.0, exact: float = 0.0) -> Rule:
    """A function of one value: whether it keeps its input or result, and numbers per element beside them."""

    def rule(use: Use) -> Saved:
        elements = use.node.value.elements
        return Saved((0,) if x else (), result, own * elements, exact * elements)

    return rule


def _nothing(use: Use) -> Saved:
    return Saved()


def _multiply(use: Use) -> Saved:
    return Saved(tuple(i for i in (0, 1) if use.learned[1 - i]))


def _divide(use: Use) -> Saved:
    return Saved((0, 1), own=use.elements(1)) if use.learned[1] else Saved((1,))


def _select(use: Use) -> Saved:
    return Saved(own=2 * use.node.value.elements)


def _copies(use: Use) -> Saved:
    """Products flatten batch and time, which makes a copy of every input that varies."""
    return Saved(own=sum(use.elements(i) for i in range(len(use.types))))


def _einsum(use: Use) -> Saved:
    return _copies(use) if len(use.types) > 1 else Saved()


def _norm(use: Use) -> Saved:
    """Norms are computed in float32: of fewer bits, they keep a copy of their input."""
    return _standardize(use) if use.half else Saved((0,), exact=2 * _groups(use))


def _standardize(use: Use) -> Saved:
    return Saved(exact=use.node.value.elements + 2 * _groups(use))


def _groups(use: Use) -> int:
    """How many groups of features a position has, each normalised by itself."""
    return use.node.value.elements // use.node.value.shape[-1]


def _causal_conv(use: Use) -> Saved:
    kernel = next(iter(use.node.parameters.values())).shape[0]
    return Saved((0,), own=(kernel - 1) * use.node.value.elements)


def _long_conv(use: Use) -> Saved:
    """Spectra of twice the context: as many complex numbers as the context is long, and one."""
    return Saved(exact=2 * (use.elements(0) + use.elements(1)) * (use.context + 1) / use.context)


def _scan(use: Use) -> Saved:
    """Decays and states."""
    return Saved(exact=use.elements(0) + use.node.value.elements)


def _cumulative_sum(use: Use) -> Saved:
    return Saved(exact=use.node.value.elements)


def _attend(use: Use) -> Saved:
    """Queries, outputs, the keys and values that each block of queries reads, and the weights."""
    q, k, v = (use.elements(i) for i in range(3))
    value = use.node.value
    out, heads = value.elements, value.shape[0]
    size = (use.types[0] or value).shape[-1]
    window, decays = use.option("window"), use.elements(3) > 0
    window = None if window is None else int(window)
    short = max(size, value.shape[-1]) <= FUSED_HEAD_SIZE and use.context % FUSED_LENGTHS == 0
    if use.half and use.fused and short and not decays and not use.option("alibi"):
        return Saved(own=q + k + v + out, exact=heads)
    pairs = keys_per_query(use.context, window)
    block = max(window or use.context, 32)
    if 4 * block > use.context:
        block = max(QUERY_BLOCK, -(-use.context // QUERY_BLOCKS))
    read = max(1.0, pairs / min(block, use.context))
    weights = heads * pairs * (2 if decays else 1)
    biases = 0.0 if decays else pairs * (heads if use.option("alibi") else 1)
    return Saved(own=q + out + read * (k + v), exact=weights + (heads if decays else 0), fixed=biases)


def _matrix_state(use: Use) -> tuple[int, int, int, int]:
    """Heads, key size, value size and context."""
    heads, size = (use.types[0] or use.node.value).shape
    return heads, size, use.node.value.shape[-1], use.context


def _linear_attention(use: Use) -> Saved:
    heads, size, value_size, context = _matrix_state(use)
    decay = use.types[3] if len(use.types) > 3 else None
    chunk = min(CHANNEL_CHUNK if decay is not None and len(decay.shape) == 2 else CHUNK, context)
    state = size * value_size / chunk if context > chunk else 0.0
    padded = -(-context // chunk) * chunk / context
    return Saved(exact=padded * (heads * (2 * size + value_size + chunk + state) + use.elements(3)))


def _delta_rule(use: Use) -> Saved:
    """Squares of a chunk by a chunk: overlap, scores and inverse, with a decay the pairs of positions besides."""
    heads, size, value_size, context = _matrix_state(use)
    chunk = min(CHUNK, 1 << (context - 1).bit_length())
    squares = 7 + 2 * MASK if use.elements(4) else 3 + MASK
    vectors, state = 5 * size + 3 * value_size + 1, 0.0
    if context > chunk:
        vectors, state = 7 * size + 4 * value_size + 4, size * value_size / chunk
    padded = -(-context // chunk) * chunk / context
    return Saved(exact=padded * heads * (squares * chunk + vectors + state))


def _lookup(use: Use) -> Saved:
    return Saved(exact=1)


RULES: dict[str, Rule] = {
    **dict.fromkeys(
        ("split_heads", "merge_heads", "split", "concat", "expand", "repeat", "total", "mean", "ramp", "constant"),
        _nothing,
    ),
    **dict.fromkeys(("weight", "position_embedding", "position", "sinusoid", "last_position"), _nothing),
    **dict.fromkeys(("add", "subtract", "negative", "offset", "rope", "shift"), _nothing),
    **dict.fromkeys(("penalty", "share", "shared"), _nothing),
    "linear": _copies,
    "mixture_of_experts": _copies,
    "einsum": _einsum,
    "gain": _function(x=True),
    "lookup": _lookup,
    "multiply": _multiply,
    "divide": _divide,
    "maximum": _select,
    "minimum": _select,
    "clip": _select,
    "exp": _function(result=True),
    "log": _function(x=True),
    "sqrt": _function(own=1),
    "rsqrt": _function(own=1),
    "square": _function(own=1),
    "absolute": _function(own=MASK),
    "sigmoid": _function(own=1),
    "log_sigmoid": _function(own=2),
    "softplus": _function(own=2),
    "tanh": _function(result=True, own=1),
    "relu": _function(own=1 + MASK),
    "silu": _function(x=True, own=2),
    "gelu": _function(x=True, own=4),
    "sin": _function(own=1),
    "cos": _function(own=1),
    "top_k": _function(own=1 + MASK),
    "softmax": _standardize,
    "standardize": _standardize,
    "rms_normalize": _norm,
    "l2_normalize": _norm,
    "causal_conv": _causal_conv,
    "long_conv": _long_conv,
    "linear_scan": _scan,
    "cumulative_sum": _cumulative_sum,
    "attend": _attend,
    "linear_attention": _linear_attention,
    "delta_rule": _delta_rule,
}
"""What each operation of the language keeps where a gradient flows through it."""
