"""Operations that mix or know positions, and routing: every framework's kernels in the shapes of the language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backends.arrays import Array
from backends.kernels import Kernels
from backends.table import Applied, Table
from genome.operations.time import NGRAM_FACTOR


def rolling_hash(tokens: Sequence[Array], size: int) -> Array:
    """A number below `size` for tokens in their order, whole numbers throughout."""
    code = tokens[0] % size
    for token in tokens[1:]:
        code = (code * NGRAM_FACTOR + token) % size
    return code


def declare_sequence(table: Table[Array, Any], kernels: Kernels[Array]) -> None:
    """Fill in what kernels compute."""

    def in_time(call: Applied[Array, Any]) -> list[Array]:
        """Present inputs as arrays over positions; a parameter is the same at all of them."""
        return [
            kernels.broadcast_to(array[None, None], (1, call.length, *value.shape))
            if value.over == "parameter"
            else array
            for array, value in call.inputs()
        ]

    def same_batch(call: Applied[Array, Any]) -> list[Array]:
        arrays = in_time(call)
        batch = max(array.shape[0] for array in arrays)
        return [kernels.broadcast_to(array, (batch, *array.shape[1:])) for array in arrays]

    @table.lowers("shift")
    def shift(call: Applied[Array, Any]) -> Array:
        return kernels.shift(in_time(call)[0], call.whole("steps"))

    @table.lowers("causal_conv")
    def causal_conv(call: Applied[Array, Any]) -> Array:
        x = in_time(call)[0]
        weight = call.parameters[0]
        flat = x.reshape(*x.shape[:2], -1)
        return kernels.causal_conv(flat, weight.reshape(weight.shape[0], -1)).reshape(*x.shape)

    @table.lowers("long_conv")
    def long_conv(call: Applied[Array, Any]) -> Array:
        x, taps = in_time(call)
        y = kernels.long_conv(x.reshape(*x.shape[:2], -1), taps.reshape(*taps.shape[:2], -1))
        return y.reshape(*y.shape[:2], *call.result.shape)

    @table.lowers("ngram")
    def ngram(call: Applied[Array, Any]) -> Array:
        last = [kernels.shift(call.x, steps) for steps in reversed(range(call.whole("order")))]
        return rolling_hash(last, call.whole("size"))

    @table.lowers("cumulative_sum")
    def cumulative_sum(call: Applied[Array, Any]) -> Array:
        return kernels.cumulative_sum(in_time(call)[0])

    @table.lowers("linear_scan")
    def linear_scan(call: Applied[Array, Any]) -> Array:
        decay, x = in_time(call)
        missing = x.ndim - decay.ndim
        decay = decay.reshape(*decay.shape[:2], *(1,) * missing, *decay.shape[2:])
        if x.shape[0] < decay.shape[0]:
            x = kernels.broadcast_to(x, (decay.shape[0], *x.shape[1:]))
        return kernels.linear_scan(decay, x)

    @table.lowers("lstm")
    def lstm(call: Applied[Array, Any]) -> Array:
        return kernels.lstm(*in_time(call), *call.parameters, exponential=bool(call.options["exponential"]))

    @table.lowers("attend")
    def attend(call: Applied[Array, Any]) -> Array:
        q, k, v, *decay = same_batch(call)
        window = call.options["window"]
        scale = call.options["scale"]
        return kernels.attend(
            q,
            k,
            v,
            window=None if window is None else int(window),
            alibi=bool(call.options["alibi"]),
            log_decay_BxTxH=decay[0] if decay else None,
            scale=None if scale is None else float(scale),
        )

    @table.lowers("linear_attention")
    def linear_attention(call: Applied[Array, Any]) -> Array:
        q, k, v, *decay = same_batch(call)
        return kernels.linear_attention(q, k, v, log_decay=decay[0] if decay else None)

    @table.lowers("delta_rule")
    def delta_rule(call: Applied[Array, Any]) -> Array:
        q, k, v, beta, *decay = same_batch(call)
        return kernels.delta_rule(q, k, v, beta, log_decay=decay[0] if decay else None)

    @table.lowers("generalized_delta_rule")
    def generalized_delta_rule(call: Applied[Array, Any]) -> Array:
        q, k, v, remove, rate, decay = same_batch(call)
        return kernels.generalized_delta_rule(q, k, v, remove, rate, log_decay=decay)

    @table.lowers("rope")
    def rope(call: Applied[Array, Any]) -> Array:
        return kernels.rope(in_time(call)[0], call.number("base"))

    @table.lowers("position_embedding")
    def position_embedding(call: Applied[Array, Any]) -> Array:
        return call.parameters[0][None, : call.length]

    @table.lowers("last_position")
    def last_position(call: Applied[Array, Any]) -> Array:
        x = in_time(call)[0]
        return kernels.broadcast_to(x[:, -1:], x.shape)

    @table.lowers("top_k")
    def top_k(call: Applied[Array, Any]) -> Array:
        return kernels.top_k(call.x, call.whole("count"))

    @table.lowers("mixture_of_experts")
    def mixture_of_experts(call: Applied[Array, Any]) -> Array:
        x, gates = same_batch(call)
        return kernels.mixture_of_experts(x, gates, *call.parameters)
