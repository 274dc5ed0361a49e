"""Decoding with a lowered recipe in JAX: one step of the whole model is one compiled function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from backends.decoding import Memory, bytes_per_sequence, check_step
from backends.jax.executables import Executables
from backends.jax.layout import UnitParameters
from backends.jax.operations import DECODING
from backends.jax.units import Unit
from backends.plan import TOKENS, Call
from genome.values import Sizes


@dataclass(frozen=True, eq=False)
class DecodingProgram:
    """A step of a model, and the tables that it reads; each compiles once for a number of sequences."""

    calls: tuple[Call, ...]
    sizes: Sizes
    dtype: jnp.dtype
    executables: Executables
    _made: dict[tuple[str, int], Callable[..., Any]] = field(default_factory=dict)

    def tables(self, parameters: UnitParameters) -> list[dict[int, jax.Array]]:
        """See `backends.decoding.Decoding.tables`."""
        return self._get("tables", 0, self._tables, (parameters,))(parameters)

    def step(
        self,
        parameters: UnitParameters,
        tables: list[dict[int, jax.Array]],
        state: list[Memory[jax.Array]],
        position: np.ndarray,
        tokens_Bx1: np.ndarray,
    ) -> tuple[jax.Array, list[Memory[jax.Array]]]:
        """See `backends.decoding.Decoding.step`. The state is used up."""
        arguments = parameters, tables, state, position, tokens_Bx1
        return self._get("decode", len(tokens_Bx1), self._step, arguments, donated=(2,))(*arguments)

    def _get(
        self,
        name: str,
        batch: int,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        donated: tuple[int, ...] = (),
    ) -> Callable[..., Any]:
        if (name, batch) not in self._made:
            content = f"{name} {self._key} {self.sizes.context} {self.dtype}"
            self._made[name, batch] = self.executables.get(content, function, arguments, donated)
        return self._made[name, batch]

    @cached_property
    def _key(self) -> str:
        return Unit(self.calls, (TOKENS,), (self.calls[-1].result,)).key

    def _tables(self, parameters: UnitParameters) -> list[dict[int, jax.Array]]:
        return DECODING.tables(self.calls, parameters, self.sizes.context)

    def _step(
        self,
        parameters: UnitParameters,
        tables: list[dict[int, jax.Array]],
        state: list[Memory[jax.Array]],
        position: jax.Array,
        tokens_Bx1: jax.Array,
    ) -> tuple[jax.Array, list[Memory[jax.Array]]]:
        return DECODING.step(self.calls, parameters, tables, state, position, tokens_Bx1, self.dtype)


class JaxDecoder:
    """See `backends.protocol.Decoder`."""

    def __init__(self, program: DecodingProgram, parameters: UnitParameters, batch: int) -> None:
        """`parameters` are those of the program's calls, in order."""
        self.position = 0
        self.batch = batch
        self.program = program
        self.parameters = parameters
        self.tables = program.tables(self.parameters)
        self.state = DECODING.start(program.calls, batch, program.dtype)

    @property
    def state_bytes(self) -> int:
        return bytes_per_sequence(self.state)

    def step(self, tokens_B: np.ndarray) -> np.ndarray:
        check_step(self.position, self.program.sizes, tokens_B, self.batch)
        tokens_Bx1 = np.asarray(tokens_B, np.int32)[:, None]
        logits_BxV, self.state = self.program.step(
            self.parameters, self.tables, self.state, np.asarray(self.position, np.int32), tokens_Bx1
        )
        self.position += 1
        return np.asarray(logits_BxV)
