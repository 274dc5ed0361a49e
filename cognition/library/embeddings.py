# pyright: reportInvalidTypeForm=false
"""Embeddings: how tokens become vectors."""

from __future__ import annotations

from cognition.library.norms import layer_norm
from genome.language import (
    choice,
    concat,
    embedding,
    linear,
    log_range,
    lookup,
    ngram,
    published,
    share,
    sqrt,
    vocabulary,
    weight,
    width,
)


@published("1301.3781", 2013, "Efficient Estimation of Word Representations in Vector Space", answers="text")
def token_embedding(tokens, spread: log_range(0.01, 1.0) = 0.02) -> embedding:
    """A learned vector per token, drawn small enough for the first updates to move it."""
    return lookup(weight(vocabulary, width, scale=spread), tokens)


@published(
    "1608.05859",
    2016,
    "Using the Output Embedding to Improve Language Models",
    answers="cost",
    builds_on="token_embedding",
    replaces="token_embedding",
)
def tied_embedding(tokens, spread: log_range(0.01, 1.0) = 0.05) -> embedding:
    """Offer the table of token vectors to the head, which then needs no table of its own."""
    table = share(weight(vocabulary, width, scale=spread), "embedding")
    return lookup(table, tokens)


@published(
    "1909.11942",
    2019,
    "ALBERT: A Lite BERT for Self-supervised Learning of Language Representations",
    answers="cost",
    builds_on="token_embedding",
    replaces="token_embedding",
)
def factorized_embedding(tokens, ratio: choice(2, 4, 8) = 4) -> embedding:
    """Look tokens up in a narrow table and widen the result, since words need fewer numbers than contexts."""
    return linear(lookup(weight(vocabulary, width // ratio, scale=1.0), tokens), width)


@published(
    "2211.05100",
    2022,
    "BLOOM: A 176B-Parameter Open-Access Multilingual Language Model",
    answers="stability",
    builds_on="token_embedding",
    replaces="token_embedding",
)
def normalized_embedding(tokens, spread: log_range(0.01, 1.0) = 0.1) -> embedding:
    """Normalise right after the lookup, so that rare large vectors cannot upset early training."""
    return layer_norm(lookup(weight(vocabulary, width, scale=spread), tokens))


@published(
    "2403.08295",
    2024,
    "Gemma: Open Models Based on Gemini Research and Technology",
    answers="stability",
    builds_on="tied_embedding",
    replaces="tied_embedding",
)
def scaled_embedding(tokens, spread: log_range(0.01, 1.0) = 0.05) -> embedding:
    """Raise vectors from a table that suits the head to the size that the stream expects."""
    table = share(weight(vocabulary, width, scale=spread), "embedding")
    return lookup(table, tokens) * sqrt(width)


@published(
    "2412.09871",
    2024,
    "Byte Latent Transformer: Patches Scale Better Than Tokens",
    answers="memorisation",
    builds_on="token_embedding",
    replaces="token_embedding",
)
def ngram_embedding(
    tokens, buckets: choice(256, 1024, 4096) = 1024, spread: log_range(0.01, 1.0) = 0.02
) -> embedding:
    """Add what the last two and three tokens mean together, looked up by a hash in narrow tables."""
    pair = lookup(weight(buckets, width // 4, scale=1.0), ngram(tokens, 2, buckets))
    triple = lookup(weight(buckets, width // 4, scale=1.0), ngram(tokens, 3, buckets))
    return lookup(weight(vocabulary, width, scale=spread), tokens) + spread * linear(concat(pair, triple), width)
