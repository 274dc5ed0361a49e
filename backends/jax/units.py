"""Units of compilation: runs of calls around one mixer or channel mixer, compiled once per distinct content.

A unit is a small function of its parameters and of the slots it takes. Its key names the programs in it and
how they are wired, not where it stands, so that compile cost grows with the number of distinct units and not
with the number of recipes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import jax
import jax.numpy as jnp

from backends.jax.layout import Layout, UnitParameters
from backends.jax.operations import TABLE
from backends.lowering import run_calls
from backends.plan import TOKENS, Call
from genome.canonical import digest

HEAVY = ("mixer", "channel")
T = TypeVar("T")


@dataclass(frozen=True)
class Unit:
    """Consecutive calls, the slots they take from outside and the slots they fill for others."""

    calls: tuple[Call, ...]
    takes: tuple[int, ...]
    fills: tuple[int, ...]

    @cached_property
    def key(self) -> str:
        """Equal for units that compute the same function of parameters and inputs."""
        local: dict[int, int] = {}
        wiring = [
            [local.setdefault(slot, len(local)) for slot in (*call.takes, *call.fills)] for call in self.calls
        ]
        programs = [call.program.key for call in self.calls]
        edges = [[local[slot] for slot in slots] for slots in (self.takes, self.fills)]
        return digest(*programs, str(wiring), str(edges))

    @cached_property
    def penalised(self) -> bool:
        """Whether a call adds to the loss."""
        return any(node.operation == "penalty" for call in self.calls for node in call.program.nodes)

    def streams(self, inputs: Sequence[T]) -> tuple[T, ...]:
        """Those of the inputs, or of what is known of each, that a gradient flows to: all but the tokens."""
        return tuple(own for slot, own in zip(self.takes, inputs, strict=True) if slot != TOKENS)

    def joined(self, inputs: Sequence[jax.Array], streams: Sequence[jax.Array]) -> tuple[jax.Array, ...]:
        """The inputs with others in place of what `streams` picks."""
        others = iter(streams)
        return tuple(a if slot == TOKENS else next(others) for slot, a in zip(self.takes, inputs, strict=True))

    @cached_property
    def layout(self) -> Layout:
        """How its parameters lie in one flat array."""
        return Layout.of(self.calls)

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(call.path for call in self.calls)

    def apply(
        self, parameters: UnitParameters, inputs: Sequence[jax.Array], length: int, dtype: jnp.dtype
    ) -> tuple[tuple[jax.Array, ...], jax.Array]:
        """Values of the filled slots, and the sum of penalties (a float32 scalar)."""
        slots = dict(zip(self.takes, inputs, strict=True))
        nothing = jnp.zeros((), jnp.float32)
        values, penalty = run_calls(TABLE, self.calls, parameters, slots, nothing, length, dtype)
        return tuple(values[slot] for slot in self.fills), penalty


def units(calls: tuple[Call, ...]) -> tuple[Unit, ...]:
    """Group calls: each unit holds at most one heavy program, with the light ones that feed or finish it.

    The last unit ends in the head; its filled slot is the scores.
    """
    groups: list[list[Call]] = [[]]
    for call in calls:
        group = groups[-1]
        full = any(_heavy(member) for member in group)
        if group and (_opens(call, group) or (full and not _closes(call, group))):
            groups.append([])
        groups[-1].append(call)
    last_use = {slot: i for i, group in enumerate(groups) for call in group for slot in call.takes}
    result = []
    for i, group in enumerate(groups):
        made = {slot for call in group for slot in call.fills}
        takes = tuple(dict.fromkeys(slot for call in group for slot in call.takes if slot not in made))
        fills = tuple(s for call in group for s in call.fills if last_use.get(s, -1) > i or s == calls[-1].result)
        result.append(Unit(tuple(group), takes, fills))
    return tuple(result)


def _heavy(call: Call) -> bool:
    return call.program.kind in HEAVY


def _opens(call: Call, group: list[Call]) -> bool:
    """What reads the finished embedding starts a new unit."""
    return group[-1].path.startswith("embedding") and not call.path.startswith("embedding")


def _closes(call: Call, group: list[Call]) -> bool:
    """Residuals and merges go with the branch they finish; anything else begins the next unit."""
    return call.program.kind in ("residual", "merge") and group[-1].result in call.arguments
