"""Memory that training an instance takes, predicted from its typed programs before anything is compiled."""

from __future__ import annotations

from dataclasses import dataclass

from backends.optimization import is_hidden_matrix
from backends.plan import Call, plan
from backends.precision import precise_nodes
from backends.protocol import Precision
from backends.saved import RULES, Use
from genome.instance import Instance
from genome.typing import Program
from genome.values import Value

FLOAT32 = 4
STREAM_KINDS = ("embedding", "residual")
"""What these return is the stream between blocks, which stays until the backward pass has read it."""


@dataclass(frozen=True, slots=True)
class TrainingBytes:
    """Bytes of a training step. Not counted are what a framework takes for itself and what one operation needs only
    while it runs."""

    parameters: int
    gradients: int
    moments: int
    activations: int
    scores: int

    @property
    def total(self) -> int:
        return self.parameters + self.gradients + self.moments + self.activations + self.scores


def training_bytes(
    instance: Instance, batch: int, precision: Precision = "float32", *, fused: bool = False
) -> TrainingBytes:
    """Bytes of training an instance on `batch` sequences of its context.

    Parameters, gradients and moments are float32; activations are what `backends.saved` says the backward pass
    keeps. Of the scores [batch, context, vocabulary] there are two in float32, themselves and their gradient.
    `fused` says that the device runs softmax attention in one kernel that keeps no weights (cuDNN, in bfloat16).
    """
    calls = plan(instance)
    parameters = FLOAT32 * sum(call.program.parameter_count for call in calls)
    rows = batch * instance.sizes.context
    return TrainingBytes(
        parameters=parameters,
        gradients=parameters,
        moments=_moments(calls, str(instance.optimizer["rule"])),
        activations=_activations(calls, batch, precision, fused),
        scores=2 * FLOAT32 * rows * instance.sizes.vocabulary,
    )


def _moments(calls: tuple[Call, ...], rule: str) -> int:
    """AdamW keeps two numbers per parameter, Lion one, and Muon one of what it orthogonalises."""
    numbers = 0
    for call in calls:
        for parameter in call.program.parameters.values():
            one = rule == "lion" or (rule == "muon" and is_hidden_matrix(call.program, parameter))
            numbers += parameter.elements * (1 if one else 2)
    return FLOAT32 * numbers


def _activations(calls: tuple[Call, ...], batch: int, precision: Precision, fused: bool) -> int:
    """Values that calls keep as they are, each once wherever it is kept, and what calls keep of their own."""
    size = 2 if precision == "bfloat16" else FLOAT32
    kept: dict[tuple[int, int], float] = {}
    own = 0.0
    for number, call in enumerate(calls):
        program, context = call.program, call.program.sizes.context
        precise = precise_nodes(program)
        flows = _learned(program)
        place = _places(number, call)

        def keep(index: int, precise=precise, program=program, place=place, context=context) -> None:
            value = program.nodes[index].value
            each = FLOAT32 if index in precise or value.tokens else size
            kept[place[index]] = each * value.elements * _rows(value, batch, context)

        if program.kind in STREAM_KINDS:
            keep(program.output)
        if precision == "bfloat16":
            own += size * program.parameter_count
        for index, node in enumerate(program.nodes):
            if node.operation == "input" or not flows[index]:
                continue
            types = tuple(None if i is None else program.nodes[i].value for i in node.inputs)
            learned = tuple(i is not None and flows[i] for i in node.inputs)
            half = precision == "bfloat16" and index not in precise
            saved = RULES[node.operation](Use(node, types, learned, context, half, fused))
            for port in saved.inputs:
                i = node.inputs[port]
                if i is not None:
                    keep(i)
            if saved.result:
                keep(index)
            each = size if half else FLOAT32
            rows = _rows(node.value, batch, context)
            own += rows * (each * saved.own + FLOAT32 * saved.exact)
            own += FLOAT32 * min(rows, context) * saved.fixed
    return round(sum(kept.values()) + own)


def _learned(program: Program) -> list[bool]:
    """Which nodes a gradient flows to: those that depend on a parameter or on another program's value."""
    flows: list[bool] = []
    for node in program.nodes:
        given = node.operation in ("input", "shared") and not node.value.tokens
        flows.append(given or bool(node.parameters) or any(flows[i] for i in node.inputs if i is not None))
    return flows


def _places(number: int, call: Call) -> dict[int, tuple[int, int]]:
    """A name for every node's value: what passes between programs has the name of its slot."""
    program = call.program
    names = {index: (number, index) for index in range(len(program.nodes))}
    outside = [
        *zip(range(len(program.arguments)), call.arguments, strict=True),
        *zip(program.reads.values(), call.reads, strict=True),
        *zip(program.writes.values(), call.writes, strict=True),
        (program.output, call.result),
    ]
    return names | {index: (-1, slot) for index, slot in outside}


def _rows(value: Value, batch: int, context: int) -> int:
    return {"parameter": 1, "position": context, "stream": batch * context}[value.over]
