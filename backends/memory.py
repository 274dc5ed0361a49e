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
    """Bytes of a training step, without what a framework takes for itself.

    `working` is for the gradients of what the largest component keeps, which its backward pass makes and drops.
    """

    parameters: int
    gradients: int
    moments: int
    activations: int
    working: int
    scores: int

    @property
    def total(self) -> int:
        kept = self.parameters + self.gradients + self.moments + self.activations
        return kept + self.working + self.scores


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes that one call keeps: of values, by a name of each that other calls may keep as well, and of its own."""

    values: dict[tuple[int, int], float]
    own: float

    @property
    def total(self) -> float:
        return sum(self.values.values()) + self.own


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
    kept = [_kept(number, call, batch, precision, fused) for number, call in enumerate(calls)]
    values = {name: size for own in kept for name, size in own.values.items()}
    return TrainingBytes(
        parameters=parameters,
        gradients=parameters,
        moments=_moments(calls, str(instance.optimizer["rule"])),
        activations=round(sum(values.values()) + sum(own.own for own in kept)),
        working=round(max(own.total for own in kept)),
        scores=2 * FLOAT32 * batch * instance.sizes.context * instance.sizes.vocabulary,
    )


def _moments(calls: tuple[Call, ...], rule: str) -> int:
    """AdamW keeps two numbers per parameter, Lion one, and Muon one of what it orthogonalises."""
    numbers = 0
    for call in calls:
        for parameter in call.program.parameters.values():
            one = rule == "lion" or (rule == "muon" and is_hidden_matrix(call.program, parameter))
            numbers += parameter.elements * (1 if one else 2)
    return FLOAT32 * numbers


def _kept(number: int, call: Call, batch: int, precision: Precision, fused: bool) -> Kept:
    program, context = call.program, call.program.sizes.context
    size = 2 if precision == "bfloat16" else FLOAT32
    precise, flows, names = precise_nodes(program), _learned(program), _names(number, call)
    whole = {program.output} if program.kind in STREAM_KINDS else set()
    own = float(size * program.parameter_count) if precision == "bfloat16" else 0.0
    for index, node in enumerate(program.nodes):
        if node.operation == "input" or not flows[index]:
            continue
        half = precision == "bfloat16" and index not in precise
        types = tuple(None if i is None else program.nodes[i].value for i in node.inputs)
        learned = tuple(i is not None and flows[i] for i in node.inputs)
        saved = RULES[node.operation](Use(node, types, learned, context, half, fused))
        whole.update(i for i in (node.inputs[port] for port in saved.inputs) if i is not None)
        if saved.result:
            whole.add(index)
        rows = _rows(node.value, batch, context)
        own += rows * ((size if half else FLOAT32) * saved.own + FLOAT32 * saved.exact)
        own += min(rows, context) * FLOAT32 * saved.fixed

    def bytes_of(index: int) -> float:
        value = program.nodes[index].value
        each = FLOAT32 if index in precise or value.tokens else size
        return float(each * value.elements * _rows(value, batch, context))

    return Kept({names[index]: bytes_of(index) for index in whole}, own)


def _learned(program: Program) -> list[bool]:
    """Which nodes a gradient flows to: those that depend on a parameter or on another program's value."""
    flows: list[bool] = []
    for node in program.nodes:
        given = node.operation in ("input", "shared") and not node.value.tokens
        flows.append(given or bool(node.parameters) or any(flows[i] for i in node.inputs if i is not None))
    return flows


def _names(number: int, call: Call) -> dict[int, tuple[int, int]]:
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
