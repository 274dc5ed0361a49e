"""A recipe as a Flax NNX module: its parameters, and the plain forward pass of the whole model."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

from backends.initial import Parameters
from backends.jax.lowering import run_program
from backends.plan import TOKENS, Call, plan
from backends.protocol import Precision
from genome.instance import Instance


class Network(nnx.Module):
    """Every program's parameters as `nnx.Param`, in `parameters[path][name]`."""

    def __init__(self, instance: Instance, parameters: Parameters) -> None:
        self.calls: tuple[Call, ...] = nnx.static(plan(instance))
        self.parameters = nnx.Dict(
            {
                path: nnx.Dict({name: nnx.Param(jnp.asarray(array)) for name, array in arrays.items()})
                for path, arrays in parameters.items()
            }
        )

    def __call__(self, tokens_BxT: jax.Array, precision: Precision = "float32") -> tuple[jax.Array, jax.Array]:
        """Scores of the next token [B, T, vocabulary], and the sum of penalties."""
        values = {TOKENS: tokens_BxT}
        penalty = jnp.zeros((), jnp.float32)
        for call in self.calls:
            own = self.parameters[call.path] if call.program.parameters else {}
            arrays = {name: own[name][...] for name in call.program.parameters}
            arguments = [values[slot] for slot in call.arguments]
            reads = [values[slot] for slot in call.reads]
            lowered = run_program(
                call.program, arrays, arguments, reads, tokens_BxT.shape[1], jnp.dtype(precision)
            )
            values.update(zip(call.fills, (lowered.result, *lowered.writes), strict=True))
            if lowered.penalty is not None:
                penalty = penalty + lowered.penalty
        return values[self.calls[-1].result].astype(jnp.float32), penalty
