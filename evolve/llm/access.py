"""Models as the search asks them: a provider, with retries inside one deadline, and what a call costs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol

from evolve.llm.calling import call
from evolve.llm.prices import PRICES, Price, cost, read_prices
from evolve.llm.protocol import Answer, Provider, ProviderError, Request, Usage
from evolve.llm.specification import provider_of


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
    """A provider with prices."""

    provider: Provider
    prices: Mapping[str, tuple[Price, ...]]

    @property
    def name(self) -> str:
        return self.provider.name

    def ask(self, request: Request, deadline: float) -> Answer:
        try:
            return call(_PaidOnce(self.provider), request, deadline, Random())
        except _PaidInVain as error:
            raise error.failure from None

    def cost(self, usage: Usage) -> float | None:
        return cost(self.name, usage, self.prices)


class _PaidInVain(Exception):
    """A try that was paid for and brought no answer: another one would take more than is reserved for a call."""

    def __init__(self, failure: ProviderError) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass(frozen=True, slots=True)
class _PaidOnce:
    """A provider whose failures end all tries once they cost tokens."""

    provider: Provider

    @property
    def name(self) -> str:
        return self.provider.name

    def ask(self, request: Request, deadline: float) -> Answer:
        try:
            return self.provider.ask(request, deadline)
        except ProviderError as error:
            if error.usage != Usage():
                raise _PaidInVain(error) from None
            raise


def models_of(texts: Sequence[str], prices: Path | None) -> list[Model]:
    """The models that specifications name; keys come from this process's environment and go nowhere else.

    Raises ValueError in one line for a specification or a file of prices that is not accepted.
    """
    table = PRICES if prices is None else read_prices(prices)
    return [PricedModel(provider_of(text, os.environ), table) for text in texts]
