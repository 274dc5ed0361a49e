"""Asking a provider until one deadline: placeholder seam."""

from __future__ import annotations

from evolve.llm.protocol import Answer, Provider, Request


def call(provider: Provider, request: Request, deadline: float) -> Answer:
    """One answer. Raises ProviderError."""
    return provider.ask(request, deadline)
