"""Sparse routing, auxiliary losses, and values shared between blocks."""

from __future__ import annotations

from genome.errors import GenomeError
from genome.operation import Parameter, Result, operation
from genome.operations.tokens import INPUT_TOKENS
from genome.values import Value, widest


@operation()
def top_k(x: Value, count: int) -> Result:
    """Keep the largest numbers of the last axis; the others become minus infinity, which softmax turns to 0."""
    if not x.shape or x.tokens or count > x.shape[-1]:
        raise GenomeError(f"top_k cannot keep {count} of {x}")
    return Result(x.like(), flops=2 * count * x.elements)


@operation(owns=True)
def mixture_of_experts(x: Value, gates: Value, hidden: int) -> Result:
    """Gated channel mixers, as many as there are gates, each weighted by its gate (1701.06538, 2101.03961)."""
    if len(x.shape) != 1 or len(gates.shape) != 1:
        raise GenomeError(
            f"mixture_of_experts needs features and gates of one axis, not {x.shape} and {gates.shape}"
        )
    if gates.low < 0:
        raise GenomeError(
            "mixture_of_experts needs gates known to be at least 0; try softmax(top_k(linear(x, experts), 2))"
        )
    (width,), (experts,) = x.shape, gates.shape
    parameters = (
        Parameter("up", (experts, width, hidden), "normal", width**-0.5),
        Parameter("gate", (experts, width, hidden), "normal", width**-0.5),
        Parameter("down", (experts, hidden, width), "normal", hidden**-0.5),
    )
    flops = experts * (6 * width * hidden + 6 * hidden)
    return Result(Value((width,), widest((x, gates))), parameters, flops)


@operation()
def penalty(x: Value, loss: Value, weight: float = 0.01) -> Result:
    """Pass x on, and add weight times the mean of another value to the training loss."""
    if loss.tokens:
        raise GenomeError("penalty needs a loss of features, not tokens")
    return Result(x, flops=0)


@operation(owns=True)
def share(x: Value, name: str) -> Result:
    """Pass x on, and let later blocks read it by name."""
    _own_name("share", name)
    return Result(x)


@operation(owns=True)
def shared(x: Value, name: str) -> Result:
    """The value the nearest earlier block shared under this name, or x where none did."""
    if x.tokens:
        raise GenomeError("shared needs features, not tokens")
    _own_name("shared", name)
    return Result(Value(x.shape, x.over))


def _own_name(operation: str, name: str) -> None:
    if name == INPUT_TOKENS:
        raise GenomeError(f"{operation}: {name!r} names what the model reads; read it by input_tokens()")
