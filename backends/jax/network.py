"""A recipe as a Flax NNX module: its parameters, and the plain forward pass of the whole model."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

from backends.initial import Parameters
from backends.jax.operations import TABLE
from backends.lowering import run_calls
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
        parameters = [
            {name: self.parameters[call.path][name][...] for name in call.program.parameters}
            for call in self.calls
        ]
        nothing, dtype = jnp.zeros((), jnp.float32), jnp.dtype(precision)
        values, penalty = run_calls(
            TABLE, self.calls, parameters, {TOKENS: tokens_BxT}, nothing, tokens_BxT.shape[1], dtype
        )
        return values[self.calls[-1].result].astype(jnp.float32), penalty
