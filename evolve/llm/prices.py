"""What calls cost: placeholder seam."""

from __future__ import annotations

from evolve.llm.protocol import Usage


def cost(name: str, usage: Usage) -> float | None:
    """Dollars; None where the price of the model is not known."""
    return None
