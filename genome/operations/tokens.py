"""Operations that read the tokens themselves, wherever a component stands."""

from __future__ import annotations

from genome.errors import GenomeError
from genome.operation import Result, operation
from genome.values import Sizes, Value

INPUT_TOKENS = "input_tokens"
"""The operation, and the name under which every program may read what its model shares with all: the tokens."""


@operation()
def input_tokens(*, sizes: Sizes) -> Result:
    """The tokens that the model reads, at every position the current one."""
    return Result(Value((), "stream", 0, sizes.vocabulary - 1, tokens=True))


@operation()
def surprise(scores: Value, tokens: Value, *, sizes: Sizes) -> Result:
    """How badly scores of all tokens foresaw these: the cross-entropy in nats, for a penalty."""
    if not tokens.tokens or tokens.high >= sizes.vocabulary:
        raise GenomeError(f"surprise needs tokens of the vocabulary, not {tokens}; try input_tokens()")
    if scores.shape != (sizes.vocabulary,) or scores.over != "stream":
        raise GenomeError(f"surprise needs scores of all tokens, stream ({sizes.vocabulary},), not {scores}")
    return Result(Value((), "stream", 0.0), flops=6 * sizes.vocabulary)
