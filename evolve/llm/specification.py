"""Providers by what a user writes: placeholder seam."""

from __future__ import annotations

from collections.abc import Mapping

from evolve.llm.protocol import Provider


def provider_of(text: str, environment: Mapping[str, str]) -> Provider:
    """The provider that a specification names. Raises ValueError in one line where it names none."""
    raise ValueError(f"llm {text!r}: unknown; accepted: replay:DIR")
