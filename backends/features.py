"""Operations on features and parameters that are the same in every framework."""

from __future__ import annotations

from typing import Any

from backends.arrays import Array, leading_shape
from backends.kernels import Kernels
from backends.table import Applied, Table

NORM_EPSILON = 1e-6
"""Added to the square that a norm divides by."""


def declare_features(table: Table[Array, Any], kernels: Kernels[Array]) -> None:
    """Fill in weights, the shape of features, einsum, and what only names a value, and norms (in float32)."""

    @table.lowers("weight")
    def weight(call: Applied[Array, Any]) -> Array:
        return call.parameters[0]

    @table.lowers("gain")
    def gain(call: Applied[Array, Any]) -> Array:
        return call.x * call.parameters[0]

    @table.lowers("offset")
    def offset(call: Applied[Array, Any]) -> Array:
        return call.x + call.parameters[0]

    @table.lowers("split_heads")
    def split_heads(call: Applied[Array, Any]) -> Array:
        heads = call.whole("heads")
        return call.x.reshape(*call.x.shape[:-1], heads, call.x.shape[-1] // heads)

    @table.lowers("merge_heads")
    def merge_heads(call: Applied[Array, Any]) -> Array:
        return call.x.reshape(*call.x.shape[:-2], -1)

    @table.lowers("expand")
    def expand(call: Applied[Array, Any]) -> Array:
        return call.x[..., None]

    @table.lowers("concat")
    def concat(call: Applied[Array, Any]) -> Array:
        if call.result.over == "parameter":
            return kernels.concatenate([array for array, _ in call.inputs()], -1)
        arrays = call.spread()
        leading = leading_shape(arrays)
        return kernels.concatenate([kernels.broadcast_to(a, (*leading, *a.shape[2:])) for a in arrays], -1)

    @table.lowers("einsum")
    def einsum(call: Applied[Array, Any]) -> Array:
        """Batch and time become one leading axis, Z, so that gradients of parameters are plain products."""
        inputs, output = str(call.options["equation"]).replace(" ", "").split("->")
        varying = [array for array, value in call.inputs() if value.over != "parameter"]
        leading = leading_shape(varying)
        arrays, terms = [], []
        for (array, value), term in zip(call.inputs(), inputs.split(","), strict=True):
            if value.over == "parameter":
                arrays.append(array)
                terms.append(term)
            else:
                whole = kernels.broadcast_to(array, (*leading, *value.shape))
                arrays.append(whole.reshape(-1, *value.shape))
                terms.append("Z" + term)
        if not varying:
            return kernels.einsum(f"{','.join(terms)}->{output}", *arrays)
        flat = kernels.einsum(f"{','.join(terms)}->Z{output}", *arrays)
        return flat.reshape(*leading, *flat.shape[1:])

    @table.lowers("total")
    def total(call: Applied[Array, Any]) -> Array:
        return call.x.sum(-1)

    @table.lowers("mean")
    def mean(call: Applied[Array, Any]) -> Array:
        return call.x.mean(-1)

    @table.lowers("rms_normalize")
    def rms_normalize(call: Applied[Array, Any]) -> Array:
        x = call.x.astype(table.float32)
        return x * kernels.rsqrt((x * x).mean(-1, keepdims=True) + NORM_EPSILON)

    @table.lowers("standardize")
    def standardize(call: Applied[Array, Any]) -> Array:
        x = call.x.astype(table.float32)
        x = x - x.mean(-1, keepdims=True)
        return x * kernels.rsqrt((x * x).mean(-1, keepdims=True) + NORM_EPSILON)

    @table.lowers("l2_normalize")
    def l2_normalize(call: Applied[Array, Any]) -> Array:
        x = call.x.astype(table.float32)
        return x * kernels.rsqrt((x * x).sum(-1, keepdims=True) + NORM_EPSILON)

    @table.lowers("penalty", "share")
    def first(call: Applied[Array, Any]) -> Array:
        return call.x
