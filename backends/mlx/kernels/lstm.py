"""Long short-term memory: a recurrence whose gates read its own result, so that no position can be computed early.

The loop holds only what depends on the position before: a small product for each head, and the gates. Backwards it
finds gates and contents stored, and the gradient of the weight is one product over all positions after the loop. MLX has
no loops of its own: every position adds its operations to the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import mlx.core as mx

from backends.arguments import check_lstm


def lstm(
    input: mx.array,
    forget: mx.array,
    cell: mx.array,
    output: mx.array,
    weight_4xHxSxS: mx.array,
    *,
    exponential: bool = False,
) -> mx.array:
    """h_t of BxTxHxS pre-activations i, f, z and o, to each of which h_{t-1} @ its weight is added, in float32.

    c_t = sigmoid(f) c_{t-1} + sigmoid(i) tanh(z) and h_t = sigmoid(o) tanh(c_t) (Hochreiter and Schmidhuber 1997, Gers
    et al. 2000). Where `exponential`, the input gate is exp(i), and h_t = sigmoid(o) c_t / n_t for n_t = sigmoid(f)
    n_{t-1} + exp(i), both kept times exp(-m_t) for m_t = max(log sigmoid(f) + m_{t-1}, i) (2405.04517, equations 8
    to 17). Batches and times of 1 repeat. Raises ValueError for shapes that do not fit.
    """
    shape = check_lstm((input.shape, forget.shape, cell.shape, output.shape), weight_4xHxSxS.shape)
    gates = [mx.broadcast_to(x.astype(mx.float32), shape) for x in (input, forget, cell, output)]
    gates_TxHxBxG = mx.concatenate(gates, axis=-1).transpose(1, 2, 0, 3)
    weight_HxSxG = mx.concatenate(list(weight_4xHxSxS.astype(mx.float32)), axis=-1)
    h_TxHxBxS: Any = _RECURRENCES[exponential](gates_TxHxBxG, weight_HxSxG)[0]
    return h_TxHxBxS.transpose(2, 0, 1, 3).astype(cell.dtype)


State = tuple[mx.array, ...]


def _step(weight_HxSxG: mx.array, state: State, gates_HxBxG: mx.array) -> tuple[State, State]:
    """The state after a position; its result, the content of its cell, and its gates, opened."""
    h, content = state
    i, f, z, o = mx.split(gates_HxBxG + h @ weight_HxSxG, 4, axis=-1)
    i, f, z, o = mx.sigmoid(i), mx.sigmoid(f), mx.tanh(z), mx.sigmoid(o)
    content = f * content + i * z
    h = o * mx.tanh(content)
    return (h, content), (h, content, mx.concatenate([i, f, z, o], axis=-1))


def _exponential_step(weight_HxSxG: mx.array, state: State, gates_HxBxG: mx.array) -> tuple[State, State]:
    """The same, with the part that is new of what the cell holds for the input gate, and an average for its content."""
    h, content, total, stabiliser = state
    i, f, z, o = mx.split(gates_HxBxG + h @ weight_HxSxG, 4, axis=-1)
    kept = stabiliser - mx.logaddexp(-f, mx.array(0.0))
    f, z, o = mx.sigmoid(f), mx.tanh(z), mx.sigmoid(o)
    stabiliser = mx.maximum(kept, i)
    old, new = mx.exp(kept - stabiliser), mx.exp(i - stabiliser)
    content, total = old * content + new * z, old * total + new
    average = content / total
    h = o * average
    return (h, content, total, stabiliser), (h, average, mx.concatenate([new / total, f, z, o], axis=-1))


def _forward(exponential: bool, gates: mx.array, weight: mx.array) -> State:
    zeros = mx.zeros((*gates.shape[1:3], weight.shape[1]))
    state = (zeros, zeros, zeros, mx.full(zeros.shape, -mx.inf)) if exponential else (zeros, zeros)
    step, left = _exponential_step if exponential else _step, []
    for t in range(gates.shape[0]):
        state, seen = step(weight, state, gates[t])
        left.append(seen)
    h, content, opened = (mx.stack(list(parts)) for parts in zip(*left, strict=True))
    return h, content, opened


def _backward(exponential: bool, primals: State, cotangents: State, outputs: State) -> tuple[mx.array, mx.array]:
    (_, weight), dh, (h, content, opened) = primals, cotangents[0], outputs
    back, turned, earlier = _exponential_back if exponential else _back, weight.swapaxes(1, 2), _before(content)
    state, found = (mx.zeros_like(h[0]),) * (3 if exponential else 2), []
    for t in reversed(range(h.shape[0])):
        state, dgates = back(turned, state, (dh[t], opened[t], content[t], earlier[t]))
        found.append(dgates)
    dgates = mx.stack(found[::-1])
    return dgates, mx.einsum("thbs,thbg->hsg", _before(h), dgates)


def _recurrence(exponential: bool) -> Callable[..., Any]:
    """Results, and what the gradient needs: contents of the cell (averages where exponential) and opened gates."""
    forward: Any = mx.custom_function(partial(_forward, exponential))
    forward.vjp(partial(_backward, exponential))
    return forward


_RECURRENCES = {exponential: _recurrence(exponential) for exponential in (False, True)}


def _before(x: mx.array) -> mx.array:
    return mx.concatenate([mx.zeros_like(x[:1]), x[:-1]])


def _back(weight_HxGxS: mx.array, state: State, inputs: State) -> tuple[State, mx.array]:
    """Gradients of result and content of the position before, and those of the gates' pre-activations."""
    (dh, dcontent), (dout, opened, content, before) = state, inputs
    i, f, z, o = mx.split(opened, 4, axis=-1)
    dh, shown = dh + dout, mx.tanh(content)
    dcontent = dcontent + dh * o * (1 - shown * shown)
    di, df = dcontent * z * i * (1 - i), dcontent * before * f * (1 - f)
    dgates = mx.concatenate([di, df, dcontent * i * (1 - z * z), dh * shown * o * (1 - o)], axis=-1)
    return (dgates @ weight_HxGxS, dcontent * f), dgates


def _exponential_back(weight_HxGxS: mx.array, state: State, inputs: State) -> tuple[State, mx.array]:
    """The same, with the gradient of the logarithm of the total besides, of which the forget gate's is a part."""
    (dh, daverage, dtotal), (dout, opened, average, before) = state, inputs
    new, f, z, o = mx.split(opened, 4, axis=-1)
    dh = dh + dout
    daverage = daverage + dh * o
    dshare = daverage * (z - before) * new * (1 - new)
    di, dkept = dshare + dtotal * new, dtotal * (1 - new) - dshare
    dgates = [di, dkept * (1 - f), daverage * new * (1 - z * z), dh * average * o * (1 - o)]
    together = mx.concatenate(dgates, axis=-1)
    return (together @ weight_HxGxS, daverage * (1 - new), dkept), together
