"""Decoding of exported PyTorch modules, which hold it as it is here."""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class State(NamedTuple):
    """What decoding keeps: how many positions were read, and arrays by their place."""

    position: int
    arrays: dict[str, Tensor]


class Past:
    """What earlier positions have left at a place, and what is left for later ones."""

    def __init__(
        self,
        position: int,
        before: dict[str, Tensor],
        after: dict[str, Tensor],
        place: str = "",
    ) -> None:
        self.position = position
        self.before, self.after = before, after
        self.place = place

    def at(self, place: str) -> "Past":
        """The same for a part of the module."""
        return Past(self.position, self.before, self.after, f"{self.place}{place}.")

    def read(self, name: str) -> Tensor:
        return self.before[self.place + name]

    def keep(self, name: str, value: Tensor) -> None:
        self.after[self.place + name] = value


class Decoder(nn.Module):
    """A model that reads whole sequences, or goes on from the state of decoding."""

    context: int | None = None  # most positions that it reads, if there is a limit

    def initial_state(self, batch: int) -> State:
        """The state before the first tokens: zeros, as each module has `kept` them."""
        like = next(self.parameters())
        arrays = {}
        for path, module in self.named_modules():
            kept = getattr(module, "kept", None)
            for name, shape in kept(batch).items() if kept else ():
                arrays[f"{path}.{name}"] = like.new_zeros(shape)
        return State(0, arrays)

    @torch.no_grad()
    def read(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Scores of tokens [B, T] that follow a state, and the state after them.

        The state that is given is used up: its buffers are written to.
        """
        end = state.position + tokens.shape[1]
        if self.context is not None and end > self.context:
            raise ValueError(f"{end} positions; the context has {self.context}")
        after = dict(state.arrays)
        scores = self(tokens, Past(state.position, state.arrays, after))
        return scores, State(end, after)

    def step(self, token: Tensor, state: State) -> tuple[Tensor, State]:
        """Scores [B, vocabulary] after one more token [B], and the state after it."""
        scores, state = self.read(token[:, None], state)
        return scores[:, 0], state


@torch.no_grad()
def generate(
    model: Decoder,
    prompt: Tensor,
    tokens: int,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Continue prompts [B, T] by tokens [B, tokens]; at temperature 0 by the best."""
    state, new, chosen = model.initial_state(prompt.shape[0]), prompt, []
    for _ in range(tokens):
        scores, state = model.read(new, state)
        new = scores[:, -1:].argmax(dim=-1)
        if temperature > 0:
            chance = torch.softmax(scores[:, -1] / temperature, dim=-1)
            new = torch.multinomial(chance, 1, generator=generator)
        chosen.append(new)
    return torch.cat(chosen, dim=1)
