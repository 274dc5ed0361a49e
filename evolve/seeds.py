"""The published recipes a search starts from."""

from __future__ import annotations

from cognition.loader import load_architectures

FIRST = ("llama", "gated_deltanet", "griffin", "mamba2", "retnet", "hyena", "mingru", "rwkv4", "gla", "gpt2")
"""Order in which published architectures enter the first generation; the others follow."""


def seed_names() -> list[str]:
    """Every published architecture, those of `FIRST` at the front: one of each family comes early."""
    known = load_architectures()
    return [name for name in FIRST if name in known] + [name for name in known if name not in FIRST]
