"""Decoding of exported Flax modules, which hold it as it is here."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array


class State(NamedTuple):
    """What decoding keeps: how many positions were read, and arrays by their place."""

    position: Array
    arrays: dict[str, Array]


class Past:
    """What earlier positions have left at a place, and what is left for later ones."""

    def __init__(
        self,
        position: Array,
        before: dict[str, Array],
        after: dict[str, Array],
        place: str = "",
    ) -> None:
        self.position = position
        self.before, self.after = before, after
        self.place = place

    def at(self, place: str) -> "Past":
        """The same for a part of the module."""
        return Past(self.position, self.before, self.after, f"{self.place}{place}.")

    def read(self, name: str) -> Array:
        return self.before[self.place + name]

    def keep(self, name: str, value: Array) -> None:
        self.after[self.place + name] = value.astype(self.read(name).dtype)


class Decoder(nnx.Module):
    """A model that reads whole sequences, or goes on from the state of decoding.

    `nnx.jit(Model.step)` and `nnx.jit(Model.read)` are compiled.
    """

    context: int | None = None  # most positions that it reads, if there is a limit

    def initial_state(self, batch: int) -> State:
        """The state before the first tokens: zeros, as each module has `kept` them."""
        arrays = {}
        for path, module in nnx.iter_modules(self):
            kept = getattr(module, "kept", None)
            for name, shape in kept(batch).items() if kept else ():
                arrays[".".join(map(str, (*path, name)))] = jnp.zeros(shape)
        return State(jnp.zeros((), int), arrays)

    def read(self, tokens: Array, state: State) -> tuple[Array, State]:
        """Scores of tokens [B, T] that follow a state, and the state after them.

        Where there is a context, scores at positions beyond it are not a number.
        """
        after = dict(state.arrays)
        scores = self(tokens, Past(state.position, state.arrays, after))
        if self.context is not None:
            within = state.position + jnp.arange(tokens.shape[1]) < self.context
            scores = jnp.where(within[:, None], scores, jnp.nan)
        return scores, State(state.position + tokens.shape[1], after)

    def step(self, token: Array, state: State) -> tuple[Array, State]:
        """Scores [B, vocabulary] after one more token [B], and the state after it."""
        scores, state = self.read(token[:, None], state)
        return scores[:, 0], state


@nnx.jit
def last_scores(model: Decoder, tokens: Array, state: State) -> tuple[Array, State]:
    """Scores [B, vocabulary] after tokens [B, T], and the state: compiled."""
    scores, state = model.read(tokens, state)
    return scores[:, -1], state


def generate(
    model: Decoder,
    prompt: Array,
    tokens: int,
    temperature: float = 1.0,
    key: Array | None = None,
) -> Array:
    """Continue prompts [B, T] by tokens [B, tokens]; at temperature 0 by the best.

    The key of the random numbers is that of seed 0 unless one is given.
    """
    end = prompt.shape[1] + tokens - 1
    if model.context is not None and end > model.context:
        raise ValueError(f"{end} positions; the context has {model.context}")
    keys = jax.random.split(jax.random.key(0) if key is None else key, tokens)
    state, new, chosen = model.initial_state(prompt.shape[0]), prompt, []
    for own in keys:
        scores, state = last_scores(model, new, state)
        if temperature > 0:
            new = jax.random.categorical(own, scores / temperature)[:, None]
        else:
            new = scores.argmax(axis=-1, keepdims=True)
        chosen.append(new)
    return jnp.concatenate(chosen, axis=1)
