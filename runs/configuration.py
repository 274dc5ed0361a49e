"""Whether a search may go on under a given configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

CHANGEABLE = frozenset(
    {
        "generations",
        "workers",
        "llm_deadline",
        "llm_budget_usd",
        "llm_budget_tokens",
        "llm_budget_calls",
        "llm_prices",
        "store_prompts",
    }
)
"""Top-level keys that may change between two runs of one search: they do not change what a seed finds, or, for language
models, what is made of the answers already recorded."""

_ABSENT = object()


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """One phrase per key outside CHANGEABLE whose JSON value differs, e.g. `scale.width was 64, now 128`."""
    flat_old, flat_new = flattened(old), flattened(new)
    phrases = []
    for key in sorted(flat_old.keys() | flat_new.keys()):
        if key in CHANGEABLE:
            continue
        before, after = (_shown(flat.get(key, _ABSENT)) for flat in (flat_old, flat_new))
        if before != after:
            phrases.append(f"{key} was {before}, now {after}")
    return phrases


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values by dotted key, e.g. `scale.width`."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _shown(value: Any) -> str:
    return "absent" if value is _ABSENT else json.dumps(value, ensure_ascii=False, sort_keys=True)
