"""Operations that know where a position is."""

from __future__ import annotations

from genome.errors import GenomeError
from genome.operation import Result, operation
from genome.values import Value, over_at_least


@operation()
def rope(x: Value, base: float = 10000.0) -> Result:
    """Rotate pairs of the last axis by angles that grow with the position (2104.09864)."""
    if not x.shape or x.tokens or x.shape[-1] < 2:
        raise GenomeError(f"rope needs a last axis of at least two features, not {x}")
    if base <= 0:
        raise GenomeError(f"rope needs a base above 0, not {base}")
    x = over_at_least(x, "position")
    return Result(Value(x.shape, x.over, unit=x.unit), flops=3 * x.elements)


@operation()
def position() -> Result:
    """The number of the position, from 0, as one feature."""
    return Result(Value((1,), "position", 0.0))


@operation()
def sinusoid(features: int) -> Result:
    """Fixed sines and cosines of the position (1706.03762)."""
    return Result(Value((features,), "position", -1.0, 1.0))
