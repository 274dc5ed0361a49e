# pyright: reportInvalidTypeForm=false
"""GPT-2's components with the initial values of nanoGPT: a deviation of 0.02, less for what writes to the stream.

The projections to the stream start at 0.02 over the root of their number, eight in four layers.
"""

from genome.language import (
    attend,
    channel,
    einsum,
    gain,
    gelu,
    hidden,
    merge_heads,
    mixer,
    norm,
    split_heads,
    standardize,
    weight,
    width,
)


def nanogpt_norm(x) -> norm:
    return gain(standardize(x))


def nanogpt_attention(x) -> mixer:
    q = split_heads(einsum("ab,a->b", weight(width, width, scale=0.02), x), 4)
    k = split_heads(einsum("ab,a->b", weight(width, width, scale=0.02), x), 4)
    v = split_heads(einsum("ab,a->b", weight(width, width, scale=0.02), x), 4)
    return einsum("ab,a->b", weight(width, width, scale=0.00707), merge_heads(attend(q, k, v)))


def nanogpt_mlp(x) -> channel:
    inner = gelu(einsum("ab,a->b", weight(width, hidden, scale=0.02), x))
    return einsum("ab,a->b", weight(hidden, width, scale=0.00707), inner)
