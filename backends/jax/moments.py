"""Optax's states as moments by path and name, as every backend saves them, and back.

Optax keeps averages of gradients in fields named `mu`, of their squares in `nu`: of all arrays as one flat one where
the rule treats every number alike, else of each array by itself. `count` is the number of updates; other leaves are
constants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import optax
from jax.tree_util import DictKey, GetAttrKey, SequenceKey

from backends.jax.layout import Layout
from backends.weights import Moments

_FIELDS = {"mu": "first", "nu": "second"}

KeyPath = tuple[Any, ...]


@dataclass(frozen=True)
class Place:
    """Where a parameter is in a recipe, and its shape."""

    path: str
    name: str
    shape: tuple[int, ...]


Places = Mapping[KeyPath, Place]
"""The parameters that a state was made for, by their key path in it, in their order where it is flat."""


def unit_places(paths: tuple[str, ...], layout: Layout) -> Places:
    """Places of the parameters of a unit whose programs are at `paths`."""
    return {
        (SequenceKey(entry.call), DictKey(entry.name)): Place(paths[entry.call], entry.name, entry.shape)
        for entry in layout.entries
    }


def moments_of(state: optax.OptState, places: Places) -> Moments:
    """The moments of a state, on the host."""
    moments: Moments = {}
    for key, leaf in jax.tree_util.tree_flatten_with_path(state)[0]:
        if (found := _moment(key, places)) is None:
            continue
        moment, held = found
        *arrays, _ = np.split(np.asarray(leaf).ravel(), np.cumsum([_size(place) for place in held]))
        for place, array in zip(held, arrays, strict=True):
            own = moments.setdefault(moment, {}).setdefault(place.path, {})
            own[place.name] = array.reshape(place.shape)
    return moments


def with_moments(state: optax.OptState, places: Places, moments: Moments, step: int) -> optax.OptState:
    """The state after `step` updates with these moments, which are of the arrays that `state` keeps moments of."""

    def leaf(key: KeyPath, old: Any) -> Any:
        if (found := _moment(key, places)) is not None:
            moment, held = found
            numbers = np.concatenate([moments[moment][place.path][place.name].ravel() for place in held])
            return jax.device_put(np.pad(numbers, (0, old.size - numbers.size)).reshape(old.shape))
        return jax.device_put(np.asarray(step, old.dtype)) if key[-1] == GetAttrKey("count") else old

    return jax.tree_util.tree_map_with_path(leaf, state)


def _moment(key: KeyPath, places: Places) -> tuple[str, Sequence[Place]] | None:
    """Which moment a leaf is, and of which parameters; None for a count or a constant."""
    for position, part in enumerate(key):
        if isinstance(part, GetAttrKey) and part.name in _FIELDS:
            inner = key[position + 1 :]
            return _FIELDS[part.name], [places[inner]] if inner else list(places.values())
    return None


def _size(place: Place) -> int:
    return int(np.prod(place.shape))
