"""Optax update rules of the training gene, with hyperparameters as traced inputs."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.typing import ArrayLike
from optax import contrib

from backends.jax.layout import Layout
from backends.optimization import EPSILON, HYPERPARAMETERS, LEAST_SQUARED_NORM, SCHEDULE_FREE, match_rms


def start(rule: str, layout: Layout) -> optax.OptState:
    """Optimizer state of a unit before its first step. Nothing is compiled for it."""
    leaves, structure = _initial(rule, layout)
    state = [
        np.zeros(leaf.shape, leaf.dtype) if isinstance(leaf, jax.ShapeDtypeStruct) else leaf.copy()
        for leaf in leaves
    ]
    return jax.device_put(jax.tree.unflatten(structure, state))


@lru_cache(maxsize=4096)
def _initial(rule: str, layout: Layout) -> tuple[list[Any], Any]:
    """Leaves of a unit's state and their structure: shapes of what starts at zero, and the constants.

    What grows with the parameters starts at zero; the constants are read off empty parameters.
    """
    zero = jnp.zeros(())
    hyper: dict[str, jax.Array] = dict.fromkeys(HYPERPARAMETERS, zero)

    def initialised(layout: Layout) -> optax.OptState:
        return _transformation(rule, layout, hyper, zero).init(np.zeros(layout.length, np.float32))

    grown, structure = jax.tree.flatten(jax.eval_shape(partial(initialised, layout)))
    constants = [np.asarray(leaf) for leaf in jax.tree.leaves(initialised(layout.emptied))]
    leaves = [
        constant if constant.shape == shape.shape else shape
        for shape, constant in zip(grown, constants, strict=True)
    ]
    return leaves, structure


def _transformation(
    rule: str, layout: Layout, hyper: dict[str, jax.Array], scale: jax.Array
) -> optax.GradientTransformation:
    """The update of a flat array before learning rate and decay: gradients times `scale`, then the rule."""
    scaled = optax.stateless_with_tree_map(lambda gradient, _: gradient * scale)
    adam = optax.scale_by_adam(b1=hyper["beta1"], b2=hyper["beta2"], eps=EPSILON)
    match rule:
        case "lion":
            applied = optax.scale_by_lion(b1=hyper["beta1"], b2=hyper["beta2"])
        case "muon":
            muon = optax.chain(
                contrib.scale_by_muon(beta=hyper["beta1"], weight_dimension_numbers=_muon_dimensions),
                optax.stateless_with_tree_map(lambda update, _: match_rms(jnp.asarray(update))),
            )
            labels = layout.tree("muon" if entry.hidden else "adam" for entry in layout.entries)
            applied = _by_array(layout, optax.partition({"muon": muon, "adam": adam}, labels))
        case _:
            applied = adam
    return optax.chain(scaled, applied)


def _by_array(layout: Layout, transformation: optax.GradientTransformation) -> optax.GradientTransformation:
    """A transformation of the arrays of a unit as one of its flat array."""

    def initial(params: optax.Params) -> optax.OptState:
        return transformation.init(layout.split(params))

    def updated(
        updates: optax.Updates, state: optax.OptState, params: optax.Params | None = None
    ) -> tuple[jax.Array, optax.OptState]:
        found: Any
        found, state = transformation.update(layout.split(updates), state)
        return layout.join(found), state

    return optax.GradientTransformation(initial, updated)


def update(
    rule: str,
    layout: Layout,
    parameters_N: jax.Array,
    state: optax.OptState,
    gradients_N: jax.Array,
    decayed: ArrayLike,
    squared_norm: jax.Array,
    size: jax.Array,
    hyper: dict[str, jax.Array],
) -> tuple[jax.Array, optax.OptState]:
    """One step: clip by the global norm (`squared_norm` sums over all units), apply the rule, decay, subtract.

    Weight decay acts on the first `decayed` numbers. `size` is a row of `backends.schedule.step_sizes`. Of `layout`,
    only Muon's needs more than the length.
    """
    scale = jnp.minimum(1.0, hyper["clip"] * jax.lax.rsqrt(jnp.maximum(squared_norm, LEAST_SQUARED_NORM)))
    decay_N = jnp.where(jnp.arange(parameters_N.size) < decayed, hyper["weight_decay"], 0.0)
    if rule == SCHEDULE_FREE:
        return _schedule_free(parameters_N, state, gradients_N * scale, decay_N, size, hyper)
    change_N, state = _transformation(rule, layout, hyper, scale).update(gradients_N, state)
    return parameters_N - size[0] * (jnp.asarray(change_N) + decay_N * parameters_N), state


def point(parameters_N: jax.Array, state: optax.OptState, hyper: dict[str, jax.Array]) -> jax.Array:
    """Where a schedule-free rule takes its gradients: between the average and the end of its path."""
    return parameters_N + (1 - hyper["beta1"]) * _adam(state).mu


def _schedule_free(
    average_N: jax.Array,
    state: optax.OptState,
    gradient_N: jax.Array,
    decay_N: jax.Array,
    size: jax.Array,
    hyper: dict[str, jax.Array],
) -> tuple[jax.Array, optax.OptState]:
    """A step of AdamW from the end of the path, which the average then follows (2405.15682, algorithm 1)."""
    adam, (rate, weight) = _adam(state), size
    count = adam.count + 1
    second_N = hyper["beta2"] * adam.nu + (1 - hyper["beta2"]) * jnp.square(gradient_N)
    direction_N = gradient_N / (jnp.sqrt(second_N / (1 - hyper["beta2"] ** count)) + EPSILON)
    taken_at_N = average_N + (1 - hyper["beta1"]) * adam.mu
    end_N = average_N + adam.mu - rate * (direction_N + decay_N * taken_at_N)
    after_N = average_N + weight * (end_N - average_N)
    moved = optax.ScaleByAdamState(count, end_N - after_N, second_N)
    return after_N, jax.tree.map(lambda own: moved if own is adam else own, state, is_leaf=_is_adam)


def _is_adam(state: Any) -> bool:
    return isinstance(state, optax.ScaleByAdamState)


def _adam(state: optax.OptState) -> Any:
    """Counts and moments within a state, of all arrays as one flat one."""
    return next(own for own in jax.tree.leaves(state, is_leaf=_is_adam) if _is_adam(own))


def _muon_dimensions(parameters: Any) -> Any:
    """Inputs and outputs are the last two axes; axes before them (experts) are a batch."""
    return jax.tree.map(lambda p: contrib.MuonDimensionNumbers(p.ndim - 2, p.ndim - 1), parameters)
