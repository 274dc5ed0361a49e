"""One position of every operation that looks back or knows where it is: what decoding runs in place of kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from backends.arrays import Array
from backends.kernels import Kernels
from backends.positions import alibi_slopes
from backends.sequence import rolling_hash
from backends.table import Applied


@dataclass(frozen=True, slots=True)
class History(Generic[Array]):
    """Last values of an input, [B, L, *features] (B may be 1): that of position p is at place p modulo L.

    `before` does not hold the current position yet, `after` does. Places not reached yet hold zeros.
    """

    before: Array
    after: Array

    @property
    def length(self) -> int:
        return self.after.shape[1]


@dataclass(frozen=True, slots=True)
class Current(Generic[Array]):
    """One call at the position that is decoded, an int32 scalar.

    `inputs` are those present, float32 (tokens: int32) [B, *features] (B may be 1); `histories` are by port, of as many
    positions as `kept` says or more; `recurrent` [B, *shape] is what the call left at the position before, zeros at the
    start.
    """

    call: Applied[Array, Any]
    position: Array
    inputs: tuple[Array, ...]
    histories: Mapping[str, History[Array]]
    kept: Mapping[str, int]
    recurrent: Array | None

    @property
    def state(self) -> Array:
        assert self.recurrent is not None
        return self.recurrent


Step = Callable[[Current[Array]], tuple[Array, Array | None]]
"""Result [B, *features] of the current position (B may be 1), and what is left for the next in `recurrent`."""


def linear_attention(
    state_BxHxKxV: Array, q_BxHxK: Array, k_BxHxK: Array, v_BxHxV: Array, left_BxHxK: Array
) -> tuple[Array, Array]:
    """Output and state after one position (2006.16236, 2312.06635); `left` is what a decay leaves of the state."""
    state = left_BxHxK[..., None] * state_BxHxKxV + k_BxHxK[..., None] * v_BxHxV[..., None, :]
    return _read(state, q_BxHxK), state


def delta_rule(
    state_BxHxKxV: Array, q_BxHxK: Array, k_BxJxK: Array, v_BxJxV: Array, beta_BxJ: Array, left_BxHxK: Array
) -> tuple[Array, Array]:
    """Output and state after one position (2406.06484, 2412.06464, 2510.26692); `left` as in `linear_attention`.

    Each head has the updates of J / H keys, one after another (2502.10297).
    """
    heads = q_BxHxK.shape[1]
    k, v, beta = (x.reshape(x.shape[0], heads, -1, *x.shape[2:]) for x in (k_BxJxK, v_BxJxV, beta_BxJ))
    state = left_BxHxK[..., None] * state_BxHxKxV
    for n in range(k.shape[2]):
        key = k[:, :, n, :, None]
        change = beta[:, :, n, None] * (v[:, :, n] - (key * state).sum(-2))
        state = state + key * change[..., None, :]
    return _read(state, q_BxHxK), state


def generalized_delta_rule(
    state_BxHxKxV: Array,
    q_BxHxK: Array,
    k_BxHxK: Array,
    v_BxHxV: Array,
    remove_BxHxK: Array,
    rate_BxHxK: Array,
    left_BxHxK: Array,
) -> tuple[Array, Array]:
    """Output and state after one position (2503.14456); `left` as in `linear_attention`, the rate alike."""
    recalled_BxHxV = (remove_BxHxK[..., None] * state_BxHxKxV).sum(-2)
    removed = (rate_BxHxK * remove_BxHxK)[..., None] * recalled_BxHxV[..., None, :]
    state = left_BxHxK[..., None] * state_BxHxKxV - removed + k_BxHxK[..., None] * v_BxHxV[..., None, :]
    return _read(state, q_BxHxK), state


def _read(state_BxHxKxV: Array, q_BxHxK: Array) -> Array:
    return (q_BxHxK[..., None] * state_BxHxKxV).sum(-2) * q_BxHxK.shape[-1] ** -0.5


def decoding_steps(kernels: Kernels[Array]) -> dict[str, Step[Array]]:
    """The step of each operation that needs one, by name."""
    take, arange = kernels.take, kernels.arange

    def last(history: History[Array], length: int, position: Array) -> Array:
        """The last `length` positions, each at its number modulo `length`; arbitrary where there is none yet."""
        if history.length == length:
            return history.after
        earlier = (position - arange(length) + length) % length
        return take(history.after, (position - earlier + history.length) % history.length)

    def shift(now: Current[Array]) -> tuple[Array, None]:
        history, steps = now.histories["x"], now.call.whole("steps")
        place = (now.position + (history.length - steps)) % history.length
        return take(history.before, place.reshape(1))[:, 0], None

    def causal_conv(now: Current[Array]) -> tuple[Array, None]:
        (x,), (weight,) = now.inputs, now.call.parameters
        y = weight[0] * x
        if weight.shape[0] > 1:
            history = now.histories["x"]
            places = (now.position + history.length - 1 - arange(weight.shape[0] - 1)) % history.length
            y = y + (weight[1:] * take(history.before, places)).sum(1)
        return y, None

    def long_conv(now: Current[Array]) -> tuple[Array, None]:
        length = now.kept["x"]
        x, taps = (last(now.histories[port], length, now.position) for port in ("x", "filter"))
        ago = arange(length)
        past = take(x, (now.position - ago + length) % length)
        reached = (ago <= now.position).reshape(1, length, *(1,) * (x.ndim - 2))
        return kernels.where(reached, taps * past, 0.0).sum(1), None

    def ngram(now: Current[Array]) -> tuple[Array, None]:
        order, history = now.call.whole("order"), now.histories["tokens"]
        places = (now.position + history.length - order + 1 + arange(order - 1)) % history.length
        before = take(history.before, places)
        return rolling_hash(
            [*(before[:, i] for i in range(order - 1)), now.inputs[0]], now.call.whole("size")
        ), None

    def cumulative_sum(now: Current[Array]) -> tuple[Array, Array]:
        total = now.state + now.inputs[0]
        return total, total

    def linear_scan(now: Current[Array]) -> tuple[Array, Array]:
        decay, x = now.inputs
        missing = now.state.ndim - decay.ndim
        state = decay.reshape(decay.shape[0], *(1,) * missing, *decay.shape[1:]) * now.state + x
        return state, state

    def lstm(now: Current[Array]) -> tuple[Array, Array]:
        """The state is the result and the content of the cell; where exponential, total and stabiliser besides."""
        h, content, *rest = (now.state[:, part] for part in range(now.state.shape[1]))
        added_BxGxHxS = kernels.einsum("bhk,ghks->bghs", h, now.call.parameters[0])
        i, f, z, o = (x + added_BxGxHxS[:, gate] for gate, x in enumerate(now.inputs))
        if rest:
            total, stabiliser = rest
            # where there is no total yet, there is nothing to keep
            kept = kernels.where(total <= 0, i, kernels.log_sigmoid(f) + stabiliser)
            stabiliser = kernels.maximum(kept, i)
            old, new = kernels.exp(kept - stabiliser), kernels.exp(i - stabiliser)
            content, total = old * content + new * kernels.tanh(z), old * total + new
            h, rest = kernels.sigmoid(o) * content / total, [total, stabiliser]
        else:
            content = kernels.sigmoid(f) * content + kernels.sigmoid(i) * kernels.tanh(z)
            h = kernels.sigmoid(o) * kernels.tanh(content)
        return h, kernels.concatenate([part[:, None] for part in (h, content, *rest)], 1)

    def attend(now: Current[Array]) -> tuple[Array, Array | None]:
        length = now.kept["k"]
        k, v = (last(now.histories[port], length, now.position) for port in ("k", "v"))
        q, (heads, size), groups = now.inputs[0], now.inputs[0].shape[1:], k.shape[2]
        batch = max(array.shape[0] for array in (q, k, v, *now.inputs[3:]))
        q, k, v = (kernels.broadcast_to(array, (batch, *array.shape[1:])) for array in (q, k, v))
        scale = now.call.options["scale"]
        q = q.reshape(batch, groups, heads // groups, size) * (size**-0.5 if scale is None else float(scale))
        score_BxGxRxL = kernels.einsum("bgrk,blgk->bgrl", q, k)
        distance_L = (now.position - arange(length) + length) % length
        if now.call.options["alibi"]:
            slope_GxR = kernels.array(alibi_slopes(heads).reshape(groups, -1))
            score_BxGxRxL = score_BxGxRxL - slope_GxR[..., None] * distance_L
        forgotten_BxLxH = None
        if now.recurrent is not None:
            more_BxLxH = now.recurrent + now.inputs[3][:, None]
            forgotten_BxLxH = kernels.where((distance_L <= 0).reshape(1, length, 1), 0.0, more_BxLxH)
            by_group = forgotten_BxLxH.reshape(batch, length, groups, -1)
            score_BxGxRxL = score_BxGxRxL + kernels.einsum("blgr->bgrl", by_group)
        visible_L = distance_L <= now.position
        weight_BxGxRxL = kernels.softmax(kernels.where(visible_L, score_BxGxRxL, -float("inf")))
        out = kernels.einsum("bgrl,blgv->bgrv", weight_BxGxRxL, v)
        return out.reshape(batch, heads, -1), forgotten_BxLxH

    def left_of(q: Array, decay: list[Array]) -> Array:
        """What a decay leaves of each channel or, with one channel, of each head: all without a decay."""
        left = kernels.exp(decay[0]) if decay else q * 0 + 1
        return left if left.ndim == 3 else left[..., None]

    def attend_linearly(now: Current[Array]) -> tuple[Array, Array]:
        q, k, v, *decay = now.inputs
        return linear_attention(now.state, q, k, v, left_of(q, decay))

    def correct(now: Current[Array]) -> tuple[Array, Array]:
        q, k, v, beta, *decay = now.inputs
        return delta_rule(now.state, q, k, v, beta, left_of(q, decay))

    def correct_by_two_keys(now: Current[Array]) -> tuple[Array, Array]:
        q, k, v, remove, rate, decay = now.inputs
        rate = rate if rate.ndim == 3 else rate[..., None]
        return generalized_delta_rule(now.state, q, k, v, remove, rate, left_of(q, [decay]))

    def rope(now: Current[Array]) -> tuple[Array, None]:
        return kernels.rope(now.inputs[0][:, None], now.call.number("base"), now.position)[:, 0], None

    return {
        "shift": shift,
        "causal_conv": causal_conv,
        "long_conv": long_conv,
        "ngram": ngram,
        "cumulative_sum": cumulative_sum,
        "linear_scan": linear_scan,
        "lstm": lstm,
        "attend": attend,
        "linear_attention": attend_linearly,
        "delta_rule": correct,
        "generalized_delta_rule": correct_by_two_keys,
        "rope": rope,
    }
