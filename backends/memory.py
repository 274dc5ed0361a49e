"""Memory that training an instance takes, predicted from its typed programs before anything is compiled."""

from __future__ import annotations

from dataclasses import dataclass

from backends.optimization import is_hidden_matrix
from backends.plan import Call, plan
from backends.precision import precise_nodes
from backends.protocol import Precision
from backends.saved import DEAR, Saved, saved_by
from genome.instance import Instance
from genome.values import Value

Name = tuple[int, int]
"""A value: the number of the call that makes it, and of the node in its program."""

FLOAT32 = 4


@dataclass(frozen=True, slots=True)
class TrainingBytes:
    """Bytes of a training step, without what a framework takes for itself.

    `working` is for what the backward pass of the largest component makes and drops.
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
class CallBytes:
    """Bytes that one call keeps, and that its backward pass makes and drops."""

    kept: float
    working: float


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
    own = _call_bytes(calls, batch, precision, fused)
    return TrainingBytes(
        parameters=parameters,
        gradients=parameters,
        moments=_moments(calls, str(instance.optimizer["rule"])),
        activations=round(sum(call.kept for call in own)),
        working=round(max(call.working for call in own)),
        scores=2 * FLOAT32 * batch * instance.sizes.context * instance.sizes.vocabulary,
    )


def _moments(calls: tuple[Call, ...], rule: str) -> int:
    """AdamW, schedule-free or not, keeps two numbers per parameter, Lion one, and Muon one of what it orthogonalises."""
    numbers = 0
    for call in calls:
        for parameter in call.program.parameters.values():
            one = rule == "lion" or (rule == "muon" and is_hidden_matrix(call.program, parameter))
            numbers += parameter.elements * (1 if one else 2)
    return FLOAT32 * numbers


def _call_bytes(calls: tuple[Call, ...], batch: int, precision: Precision, fused: bool) -> list[CallBytes]:
    """Every call's, the last first: a gradient needs values, and of these what is not kept needs its own inputs.

    A backward pass makes what is not kept again, the gradient of every value, and two numbers for each that an
    operation keeps inside. What needs nothing, such as a sum or a split, is left out: it is part of what reads it.
    """
    half = precision == "bfloat16"
    names = _names(calls)
    passing = _passing(calls, names)
    needed, found = set(passing), []
    for number, (call, own) in reversed(list(enumerate(zip(calls, names, strict=True)))):
        program, precise = call.program, precise_nodes(call.program)
        kept = working = 0.0
        for index, (flows, saved) in reversed(list(enumerate(saved_by(program, half and fused)))):
            node, name = program.nodes[index], own[index]
            wanted = name in needed
            if name != (number, index) or not (flows or wanted):
                continue
            each = 2 if half and not saved.exact and index not in precise else FLOAT32
            each *= _rows(node.value, batch, program.sizes.context)
            inside, result = each * saved.own, each * node.value.elements
            keeps = name in passing or (node.operation in DEAR and (wanted or saved.result))
            again = wanted and not keeps
            kept += inside + keeps * result
            working += 2 * inside + (saved != Saved()) * (flows + again) * result
            inputs = node.inputs if again else [i for port, i in enumerate(node.inputs) if port in saved.inputs]
            needed.update(own[i] for i in inputs if i is not None)
        found.append(CallBytes(kept, working))
    return found


def _passing(calls: tuple[Call, ...], names: list[list[Name]]) -> set[Name]:
    """Values between blocks, kept whatever made them: the stream after each mixer, and what later blocks read."""
    read = {slot for call in calls for slot in call.reads}
    passing: set[Name] = set()
    mixed = False
    for call, own in zip(calls, names, strict=True):
        program = call.program
        passing.update(
            own[i] for slot, i in zip(call.writes, program.writes.values(), strict=True) if slot in read
        )
        mixed |= program.kind in ("mixer", "channel")
        if program.kind == "embedding" or (program.kind == "residual" and mixed):
            passing.add(own[program.output])
            mixed = False
    return passing


def _names(calls: tuple[Call, ...]) -> list[list[Name]]:
    """For every node of every call the node that makes its value, which may be another call's."""
    made: dict[int, Name] = {}
    names: list[list[Name]] = []
    for number, call in enumerate(calls):
        program = call.program
        own = [(number, index) for index in range(len(program.nodes))]
        given = (*range(len(program.arguments)), *program.reads.values())
        for index, slot in zip(given, call.takes, strict=True):
            own[index] = made.get(slot, own[index])
        filled = (program.output, *program.writes.values())
        made.update((slot, own[index]) for slot, index in zip(call.fills, filled, strict=True))
        names.append(own)
    return names


def _rows(value: Value, batch: int, context: int) -> int:
    return {"parameter": 1, "position": context, "stream": batch * context}[value.over]
