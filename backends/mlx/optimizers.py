"""Update rules of the training gene, with hyperparameters as inputs; the meaning is that of the JAX backend's."""

from __future__ import annotations

import mlx.core as mx

from backends.mlx.network import Arrays
from backends.optimization import EPSILON, LEAST_SQUARED_NORM, SCHEDULE_FREE, decays, is_hidden_matrix, match_rms
from genome.instance import Instance

NEWTON_SCHULZ = (3.4445, -4.775, 2.0315)
"""Coefficients of the quintic iteration of Muon (Jordan et al., 2024), whose slope at zero is the steepest."""

NEWTON_SCHULZ_STEPS = 5

Moments = dict[str, Arrays]
"""Running averages, "first" of gradients (see `SCHEDULE_FREE`) and "second" of squares, where they are needed."""

Hyper = dict[str, mx.array]


def hidden_matrices(instance: Instance) -> frozenset[tuple[str, str]]:
    """Path and name of the arrays that Muon orthogonalises."""
    return frozenset(
        (placed.path, name)
        for placed in instance.programs()
        for name, parameter in placed.program.parameters.items()
        if is_hidden_matrix(placed.program, parameter)
    )


def start(rule: str, hidden: frozenset[tuple[str, str]], parameters: Arrays) -> Moments:
    """Moments before the first step, all zero."""

    def zeros(keep_hidden: bool) -> Arrays:
        chosen = {
            path: {n: mx.zeros_like(a) for n, a in own.items() if keep_hidden or (path, n) not in hidden}
            for path, own in parameters.items()
        }
        return {path: own for path, own in chosen.items() if own}

    match rule:
        case "lion":
            return {"first": zeros(keep_hidden=True)}
        case "muon":
            return {"first": zeros(keep_hidden=True), "second": zeros(keep_hidden=False)}
        case _:
            return {"first": zeros(keep_hidden=True), "second": zeros(keep_hidden=True)}


def update(
    rule: str,
    hidden: frozenset[tuple[str, str]],
    parameters: Arrays,
    moments: Moments,
    gradients: Arrays,
    step: mx.array,
    size: mx.array,
    hyper: Hyper,
) -> tuple[Arrays, Moments]:
    """One step: clip by the global norm, apply the rule, decay, subtract.

    `step` counts this update, from 1; `size` is a row of `backends.schedule.step_sizes`.
    """
    squares = sum((mx.square(g).sum() for own in gradients.values() for g in own.values()), mx.zeros(()))
    scale = mx.minimum(1.0, hyper["clip"] * mx.rsqrt(mx.maximum(squares, LEAST_SQUARED_NORM)))
    after: Arrays = {}
    kept: Moments = {name: {} for name in moments}
    for path, own in parameters.items():
        for name, parameter in own.items():
            held = {m: of[path][name] for m, of in moments.items() if name in of.get(path, {})}
            gradient = gradients[path][name] * scale
            if rule == SCHEDULE_FREE:
                new, moved = _schedule_free(parameter, gradient, held, step, size, hyper)
            else:
                chosen = "adam" if rule == "muon" and (path, name) not in hidden else rule
                change, moved = _direction(chosen, gradient, held, step, hyper)
                new = parameter - size[0] * _decayed(change, parameter, hyper)
            after.setdefault(path, {})[name] = new
            for moment, array in moved.items():
                kept[moment].setdefault(path, {})[name] = array
    return after, kept


def point(parameters: Arrays, moments: Moments, hyper: Hyper) -> Arrays:
    """Where a schedule-free rule takes its gradients: between the average and the end of its path (2405.15682)."""
    first = moments["first"]
    return {
        path: {name: _between(array, first[path][name], hyper) for name, array in own.items()}
        for path, own in parameters.items()
    }


def _between(average: mx.array, ahead: mx.array, hyper: Hyper) -> mx.array:
    return average + (1 - hyper["beta1"]) * ahead


def _decayed(change: mx.array, at: mx.array, hyper: Hyper) -> mx.array:
    return change + hyper["weight_decay"] * at if decays(at.shape) else change


def _schedule_free(
    average: mx.array, gradient: mx.array, held: dict[str, mx.array], step: mx.array, size: mx.array, hyper: Hyper
) -> tuple[mx.array, dict[str, mx.array]]:
    """A step of AdamW from the end of the path, which the average then follows (2405.15682, algorithm 1)."""
    second, root = _mean_square(held["second"], gradient, step, hyper)
    change = _decayed(gradient / root, _between(average, held["first"], hyper), hyper)
    end = average - size[0] * change + held["first"]
    after = average + size[1] * (end - average)
    return after, {"first": end - after, "second": second}


def _mean_square(old: mx.array, gradient: mx.array, step: mx.array, hyper: Hyper) -> tuple[mx.array, mx.array]:
    """The running mean of squares, and its root without the bias of the start, to divide by (1412.6980)."""
    second = _average(old, mx.square(gradient), hyper["beta2"])
    return second, mx.sqrt(second / (1 - hyper["beta2"] ** step)) + EPSILON


def _direction(
    rule: str, gradient: mx.array, held: dict[str, mx.array], step: mx.array, hyper: Hyper
) -> tuple[mx.array, dict[str, mx.array]]:
    """The update of one array before decay and learning rate, and its moments after it."""
    beta1, beta2 = hyper["beta1"], hyper["beta2"]
    first = held["first"]
    if rule == "lion":  # 2302.06675
        return mx.sign(_average(first, gradient, beta1)), {"first": _average(first, gradient, beta2)}
    first = _average(first, gradient, beta1)
    if rule == "muon":
        ahead = beta1 * first / (1 - beta1 ** (step + 1)) + (1 - beta1) * gradient / (1 - beta1**step)
        return match_rms(orthogonalized(ahead)), {"first": first}
    second, root = _mean_square(held["second"], gradient, step, hyper)
    return first / (1 - beta1**step) / root, {"first": first, "second": second}


def orthogonalized(x: mx.array) -> mx.array:
    """Bring the singular values of the last two axes near 1, by Newton-Schulz steps; axes before are a batch."""
    tall = x.shape[-2] > x.shape[-1]
    x = x.swapaxes(-1, -2) if tall else x
    x = x / (mx.sqrt(mx.square(x).sum(axis=(-2, -1), keepdims=True)) + EPSILON)
    linear, cubic, quintic = NEWTON_SCHULZ
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.swapaxes(-1, -2)
        x = linear * x + (cubic * gram + quintic * (gram @ gram)) @ x
    return x.swapaxes(-1, -2) if tall else x


def _average(old: mx.array, new: mx.array, beta: mx.array) -> mx.array:
    return beta * old + (1 - beta) * new
