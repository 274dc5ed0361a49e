"""Optax update rules of the training gene, with hyperparameters as traced inputs."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from optax import contrib

from backends.jax.units import Unit, UnitParameters
from backends.optimization import EPSILON, LEAST_SQUARED_NORM, SCHEDULE_FREE, decays, is_hidden_matrix, match_rms


def hidden_matrices(unit: Unit) -> tuple[bool, ...]:
    """Which of a unit's arrays Muon orthogonalises, leaf by leaf."""
    hidden = [
        {name: is_hidden_matrix(call.program, parameter) for name, parameter in call.program.parameters.items()}
        for call in unit.calls
    ]
    return tuple(jax.tree.leaves(hidden))


def start(
    rule: str, hidden: tuple[bool, ...], parameters: UnitParameters, hyper: dict[str, jax.Array]
) -> optax.OptState:
    """Optimizer state of a unit before its first step. Nothing is compiled for it."""
    shapes = tuple(tuple((name, array.shape) for name, array in own.items()) for own in parameters)
    leaves, structure = _layout(rule, hidden, shapes, tuple(hyper))
    state = [
        np.zeros(leaf.shape, leaf.dtype) if isinstance(leaf, jax.ShapeDtypeStruct) else leaf.copy()
        for leaf in leaves
    ]
    return jax.device_put(jax.tree.unflatten(structure, state))


@lru_cache(maxsize=4096)
def _layout(
    rule: str,
    hidden: tuple[bool, ...],
    shapes: tuple[tuple[tuple[str, tuple[int, ...]], ...], ...],
    hyper: tuple[str, ...],
) -> tuple[list[Any], Any]:
    """Leaves of a unit's state and their structure: shapes of what starts at zero, and the constants.

    What grows with the parameters starts at zero; the constants are read off empty parameters.
    """
    parameters: Any = tuple({name: np.zeros(shape, np.float32) for name, shape in own} for own in shapes)
    empty = jax.tree.map(lambda p: np.zeros((0,) * p.ndim, p.dtype), parameters)
    zero = jnp.zeros(())
    initialise = _transformation(rule, hidden, parameters, dict.fromkeys(hyper, zero), zero).init
    grown, structure = jax.tree.flatten(jax.eval_shape(initialise, parameters))
    constants = [np.asarray(leaf) for leaf in jax.tree.leaves(initialise(empty))]
    leaves = [
        constant if constant.shape == shape.shape else shape
        for shape, constant in zip(grown, constants, strict=True)
    ]
    return leaves, structure


def _transformation(
    rule: str,
    hidden: tuple[bool, ...],
    parameters: UnitParameters,
    hyper: dict[str, jax.Array],
    scale: jax.Array,
) -> optax.GradientTransformation:
    """The update before the learning rate: gradients times `scale`, the rule, then decoupled decay.

    Rules that treat every number alike see one flat array of raw gradients: half as much to compile and to run.
    """
    scaled = optax.stateless_with_tree_map(lambda gradient, _: gradient * scale)
    decay = optax.add_decayed_weights(hyper["weight_decay"], mask=jax.tree.map(decays, parameters))
    adam = optax.scale_by_adam(b1=hyper["beta1"], b2=hyper["beta2"])
    match rule:
        case "lion":
            lion = optax.scale_by_lion(b1=hyper["beta1"], b2=hyper["beta2"])
            applied = optax.flatten(optax.chain(scaled, lion))
        case "muon":
            muon = optax.chain(
                contrib.scale_by_muon(beta=hyper["beta1"], weight_dimension_numbers=_muon_dimensions),
                optax.stateless_with_tree_map(lambda update, _: match_rms(jnp.asarray(update))),
            )
            labels = jax.tree.unflatten(
                jax.tree.structure(parameters), ["muon" if matrix else "adam" for matrix in hidden]
            )
            applied = optax.chain(scaled, optax.partition({"muon": muon, "adam": adam}, labels))
        case _:
            applied = optax.flatten(optax.chain(scaled, adam))
    return optax.chain(applied, decay)


def update(
    rule: str,
    hidden: tuple[bool, ...],
    parameters: UnitParameters,
    state: optax.OptState,
    gradients: UnitParameters,
    squared_norm: jax.Array,
    size: jax.Array,
    hyper: dict[str, jax.Array],
) -> tuple[UnitParameters, optax.OptState]:
    """One step: clip by the global norm (`squared_norm` sums over all units), apply the rule, decay, subtract.

    `size` is a row of `backends.schedule.step_sizes`.
    """
    scale = jnp.minimum(1.0, hyper["clip"] * jax.lax.rsqrt(jnp.maximum(squared_norm, LEAST_SQUARED_NORM)))
    if rule == SCHEDULE_FREE:
        return _schedule_free(parameters, state, gradients, scale, size, hyper)
    learning_rate = size[0]
    transformation = _transformation(rule, hidden, parameters, hyper, scale)
    updates, state = transformation.update(gradients, state, parameters)
    return jax.tree.map(lambda p, u: p - learning_rate * u, parameters, updates), state


def point(parameters: UnitParameters, state: optax.OptState, hyper: dict[str, jax.Array]) -> UnitParameters:
    """Where a schedule-free rule takes its gradients: between the average and the end of its path."""
    average, unflatten = ravel_pytree(parameters)
    return unflatten(average + (1 - hyper["beta1"]) * _adam(state).mu)


def _schedule_free(
    parameters: UnitParameters,
    state: optax.OptState,
    gradients: UnitParameters,
    scale: jax.Array,
    size: jax.Array,
    hyper: dict[str, jax.Array],
) -> tuple[UnitParameters, optax.OptState]:
    """A step of AdamW from the end of the path, which the average then follows (2405.15682, algorithm 1)."""
    adam, (rate, weight) = _adam(state), size
    average, unflatten = ravel_pytree(parameters)
    gradient = ravel_pytree(gradients)[0] * scale
    decayed = ravel_pytree(jax.tree.map(lambda p: jnp.full(p.shape, float(decays(p))), parameters))[0]
    count = adam.count + 1
    second = hyper["beta2"] * adam.nu + (1 - hyper["beta2"]) * jnp.square(gradient)
    direction = gradient / (jnp.sqrt(second / (1 - hyper["beta2"] ** count)) + EPSILON)
    taken_at = average + (1 - hyper["beta1"]) * adam.mu
    end = average + adam.mu - rate * (direction + hyper["weight_decay"] * decayed * taken_at)
    after = average + weight * (end - average)
    moved = optax.ScaleByAdamState(count, end - after, second)
    return unflatten(after), jax.tree.map(lambda own: moved if own is adam else own, state, is_leaf=_is_adam)


def _is_adam(state: Any) -> bool:
    return isinstance(state, optax.ScaleByAdamState)


def _adam(state: optax.OptState) -> Any:
    """Counts and moments within a state, of all arrays as one flat one."""
    return next(own for own in jax.tree.leaves(state, is_leaf=_is_adam) if _is_adam(own))


def _muon_dimensions(parameters: Any) -> Any:
    """Inputs and outputs are the last two axes; axes before them (experts) are a batch."""
    return jax.tree.map(lambda p: contrib.MuonDimensionNumbers(p.ndim - 2, p.ndim - 1), parameters)
