"""Which values of a program keep float32 whatever a model computes in, the same for every backend."""

from __future__ import annotations

from genome.operation import OPERATIONS
from genome.typing import Program, TypedNode

DECAYS = ("decay", "log_decay")
LIGHT = ("gain", "offset", "shift")


def decay_inputs(node: TypedNode) -> set[int]:
    """Inputs of a call that are decays of a recurrence."""
    declared = OPERATIONS.get(node.operation)
    ports = declared.ports if declared else ()
    return {i for port, i in zip(ports, node.inputs, strict=False) if port.name in DECAYS and i is not None}


def precise_nodes(program: Program) -> set[int]:
    """Nodes in float32: what does not vary over the stream, what lies between a product and a decay, and what
    follows from these alone, such as the root of one minus a squared decay."""
    towards: set[int] = set()
    for index in reversed(range(len(program.nodes))):
        node = program.nodes[index]
        towards |= decay_inputs(node)
        if index in towards and _keeps_numbers(node.operation):
            towards.update(i for i in node.inputs if i is not None)
    found: set[int] = set()
    for index, node in enumerate(program.nodes):
        inputs = {i for i in node.inputs if i is not None}
        follows = index in towards or (inputs and inputs <= found)
        if node.value.over != "stream" or (follows and _keeps_numbers(node.operation)):
            found.add(index)
    return found


def _keeps_numbers(operation: str) -> bool:
    """Whether an operation computes each number from few others: no products of matrices."""
    declared = OPERATIONS.get(operation)
    return declared is not None and (
        (declared.family in ("pointwise", "features") and operation != "einsum") or operation in LIGHT
    )
