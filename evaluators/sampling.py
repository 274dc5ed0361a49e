"""Continuing a sequence token by token with a trained model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from backends.protocol import Decoder, Model, State


def continuation(
    model: Model, state: State, prompt: Sequence[int], *, vocabulary: int, temperature: float, seed: int
) -> Iterator[int]:
    """Tokens that follow a prompt of at least one, without end.

    Each is drawn from the scores of the first `vocabulary` tokens divided by the temperature; at 0 it is the most
    probable. A model reads as many tokens as its context: where it is full, the last half of it is read again.
    """
    generator = np.random.default_rng(seed)
    context = model.instance.sizes.context
    read = list(prompt[-context:])
    decoder, logits_V = _after(model, state, read)
    while True:
        token = _drawn(logits_V[:vocabulary], temperature, generator)
        yield token
        read.append(token)
        if decoder.position < context:
            logits_V = decoder.step(np.array([token]))[0]
        else:
            read = read[-max(1, context // 2) :]
            decoder, logits_V = _after(model, state, read)


def _after(model: Model, state: State, tokens: Sequence[int]) -> tuple[Decoder, np.ndarray]:
    """A decoder that has read tokens, at least one, and the scores of the next."""
    decoder = model.decoder(state, batch=1)
    scores = [decoder.step(np.array([token])) for token in tokens]
    return decoder, scores[-1][0]


def _drawn(logits_V: np.ndarray, temperature: float, generator: np.random.Generator) -> int:
    if temperature == 0:
        return int(logits_V.argmax())
    scaled_V = (logits_V - logits_V.max()).astype(np.float64) / temperature
    weight_V = np.exp(scaled_V)
    return int(generator.choice(len(weight_V), p=weight_V / weight_V.sum()))
