"""Models as the search asks them: a provider, with retries inside one deadline, and what a call costs."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from evolve.llm.protocol import Answer, Provider, Request, Usage


class Model(Protocol):
    """One model to ask."""

    @property
    def name(self) -> str:
        """As the user named it, without keys."""
        ...

    def ask(self, request: Request, deadline: float) -> Answer:
        """One answer, by a value of `time.monotonic()`. Raises ProviderError."""
        ...

    def cost(self, usage: Usage) -> float | None:
        """Dollars; None where the price is not known."""
        ...


@dataclass(frozen=True, slots=True)
class PricedModel:
    """A provider with a price."""

    provider: Provider
    price: Callable[[Usage], float | None]

    @property
    def name(self) -> str:
        return self.provider.name

    def ask(self, request: Request, deadline: float) -> Answer:
        from evolve.llm.calling import call

        return call(self.provider, request, deadline)

    def cost(self, usage: Usage) -> float | None:
        return self.price(usage)


def model_of(text: str, prices: Path | None) -> Model:
    """The model that a specification names; its key comes from this process's environment and goes nowhere else.

    Raises ValueError in one line for a specification or a file of prices that is not accepted.
    """
    from evolve.llm.prices import cost
    from evolve.llm.specification import provider_of

    provider = provider_of(text, os.environ)
    return PricedModel(provider, lambda usage: cost(provider.name, usage))
