"""Operations by which a task reads a model out; components cannot be written with them."""

from __future__ import annotations

from genome.errors import GenomeError
from genome.operation import Result, operation
from genome.values import Value, over_at_least


@operation(internal=True)
def last_position(x: Value) -> Result:
    """The features of the last position at every position; not causal, so for the end of a model alone."""
    if x.tokens:
        raise GenomeError("last_position needs features, not tokens")
    return Result(over_at_least(x, "position").like())
