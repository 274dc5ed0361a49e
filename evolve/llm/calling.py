"""One answer out of a provider that fails now and then: tries, waits between them, one deadline over all."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from random import Random

from evolve.llm.protocol import RETRYABLE, Answer, Provider, ProviderError, Request, Usage


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is tried, and the seconds to wait.

    The wait after the n-th failure is drawn evenly from 0.5 to 1 times min(first * 2^(n - 1), longest): exponential
    backoff with "equal jitter" (M. Brooker, "Exponential Backoff And Jitter", 2015). A server that asks for a longer
    wait gets it, up to the deadline.
    """

    tries: int = 5
    first: float = 1.0
    longest: float = 30.0


def call(
    provider: Provider, request: Request, deadline: float, generator: Random, patience: Patience | None = None
) -> Answer:
    """The answer, whose usage is the sum over all tries.

    Raises the last try's ProviderError, with that sum, when it is not retryable, after the last try, and when the
    wait would end after `deadline`, a value of time.monotonic().
    """
    patience = patience or Patience()
    paid = Usage()
    for attempt in range(1, patience.tries + 1):
        try:
            answer = provider.ask(request, deadline)
        except ProviderError as error:
            paid = added(paid, error.usage)
            error.usage = paid
            share = 0.5 + 0.5 * generator.random()
            wait = max(
                share * min(patience.first * 2 ** (attempt - 1), patience.longest), error.retry_after or 0.0
            )
            last = attempt == patience.tries or time.monotonic() + wait >= deadline
            if error.fault not in RETRYABLE or last:
                raise
        else:
            return Answer(answer.text, added(paid, answer.usage))
        time.sleep(wait)
    raise ValueError(f"patience.tries is {patience.tries}; accepted: 1 or more")


def added(first: Usage, second: Usage) -> Usage:
    """The sum of two usages, count by count."""
    return Usage(*(getattr(first, count.name) + getattr(second, count.name) for count in fields(Usage)))
