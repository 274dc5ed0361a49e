"""The published recipes a search starts from."""

from __future__ import annotations

from cognition.loader import load_architectures

FIRST = ("llama", "mamba2", "rwkv4", "gated_deltanet", "hyena", "griffin", "h3", "rwkv6", "gla", "min_gru")
"""Order in which published architectures enter the first generation; the others follow."""


def seed_names() -> list[str]:
    """Every published architecture, those of `FIRST` at the front: one of each family comes early."""
    return [*FIRST, *(name for name in load_architectures() if name not in FIRST)]
