"""Decoding of exported MLX modules, which hold it as it is here."""

from typing import NamedTuple

import mlx.core as mx
import mlx.nn as nn


class State(NamedTuple):
    """What decoding keeps: how many positions were read, and arrays by their place."""

    position: int
    arrays: dict[str, mx.array]


class Past:
    """What earlier positions have left at a place, and what is left for later ones."""

    def __init__(
        self,
        position: int,
        before: dict[str, mx.array],
        after: dict[str, mx.array],
        place: str = "",
    ) -> None:
        self.position = position
        self.before, self.after = before, after
        self.place = place

    def at(self, place: str) -> "Past":
        """The same for a part of the module."""
        return Past(self.position, self.before, self.after, f"{self.place}{place}.")

    def read(self, name: str) -> mx.array:
        return self.before[self.place + name]

    def keep(self, name: str, value: mx.array) -> None:
        self.after[self.place + name] = value


class Decoder(nn.Module):
    """A model that reads whole sequences, or goes on from the state of decoding."""

    context: int | None = None  # most positions that it reads, if there is a limit

    def initial_state(self, batch: int) -> State:
        """The state before the first tokens: zeros, as each module has `kept` them."""
        arrays = {}
        for path, module in self.named_modules():
            kept = getattr(module, "kept", None)
            for name, shape in kept(batch).items() if kept else ():
                arrays[f"{path}.{name}"] = mx.zeros(shape)
        return State(0, arrays)

    def read(self, tokens: mx.array, state: State) -> tuple[mx.array, State]:
        """Scores of tokens [B, T] that follow a state, and the state after them.

        The state that is given is used up: its buffers are written to.
        """
        end = state.position + tokens.shape[1]
        if self.context is not None and end > self.context:
            raise ValueError(f"{end} positions; the context has {self.context}")
        after = dict(state.arrays)
        scores = self(tokens, Past(state.position, state.arrays, after))
        return scores, State(end, after)

    def step(self, token: mx.array, state: State) -> tuple[mx.array, State]:
        """Scores [B, vocabulary] after one more token [B], and the state after it."""
        scores, state = self.read(token[:, None], state)
        return scores[:, 0], state


def generate(
    model: Decoder,
    prompt: mx.array,
    tokens: int,
    temperature: float = 1.0,
    key: mx.array | None = None,
) -> mx.array:
    """Continue prompts [B, T] by tokens [B, tokens]; at temperature 0 by the best."""
    keys = [None] * tokens if key is None else mx.random.split(key, tokens)
    state, new, chosen = model.initial_state(prompt.shape[0]), prompt, []
    for own in keys:
        scores, state = model.read(new, state)
        new = scores[:, -1:].argmax(axis=-1)
        if temperature > 0:
            new = mx.random.categorical(scores[:, -1:] / temperature, key=own)
        mx.eval(new, state.arrays)
        chosen.append(new)
    return mx.concatenate(chosen, axis=1)
