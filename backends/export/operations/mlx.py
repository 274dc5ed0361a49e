"""Operations of exported MLX modules, each of which holds those that it uses."""

import math
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten

from backends.export.decoding.mlx import Past


def constant(*shape: int, value: float) -> mx.array:
    """A learned array that starts at one value."""
    return mx.full(shape, value)


def normal(*shape: int, scale: float | None = None) -> mx.array:
    """Normal draws, held within three deviations; by default 1 / sqrt(inputs)."""
    deviation = shape[-2] ** -0.5 if scale is None else scale
    return mx.clip(mx.random.normal(shape), -3, 3) * deviation


def uniform(*shape: int, scale: float) -> mx.array:
    """Uniform draws between -scale and scale."""
    return mx.random.uniform(-scale, scale, shape)


def linear(inputs: int, outputs: int, bias: bool = False) -> nn.Linear:
    """A matrix, with a bias of zero if asked for."""
    layer = nn.Linear(inputs, outputs, bias=bias)
    layer.weight = normal(inputs, outputs).T
    if bias:
        layer.bias = mx.zeros(outputs)
    return layer


def scalar(value: float, like: mx.array) -> mx.array:
    """A number as an array."""
    return mx.array(value, like.dtype)


def over_time(value: mx.array, like: mx.array, features: int) -> mx.array:
    """A value at all positions of all sequences: [B, T, *features]."""
    own = value.shape[value.ndim - features :]
    return mx.broadcast_to(value, (*like.shape[:2], *own))


def leading_shape(*values: mx.array) -> tuple[int, ...]:
    """The shape to which all axes but the last broadcast."""
    return mx.broadcast_arrays(*(value[..., 0] for value in values))[0].shape


def concat(*values: mx.array) -> mx.array:
    """Join last axes; the other axes broadcast."""
    leading = leading_shape(*values)
    whole = [mx.broadcast_to(x, (*leading, x.shape[-1])) for x in values]
    return mx.concatenate(whole, axis=-1)


def rms_normalize(x: mx.array) -> mx.array:
    """Divide by the root mean square of the last axis (1910.07467)."""
    return x * mx.rsqrt(x.square().mean(axis=-1, keepdims=True) + 1e-6)


def standardize(x: mx.array) -> mx.array:
    """Subtract the mean of the last axis, divide by its deviation (1607.06450)."""
    x = x - x.mean(axis=-1, keepdims=True)
    return x * mx.rsqrt(x.square().mean(axis=-1, keepdims=True) + 1e-6)


def l2_normalize(x: mx.array) -> mx.array:
    """Divide by the length of the last axis."""
    return x * mx.rsqrt(x.square().sum(axis=-1, keepdims=True) + 1e-6)


def places(like: mx.array, past: Past | None = None) -> mx.array:
    """The numbers of the positions: [T]."""
    first = 0 if past is None else past.position
    return mx.arange(first, first + like.shape[1])


def position(like: mx.array, past: Past | None = None) -> mx.array:
    """The number of every position: [1, T, 1]."""
    return places(like, past).astype(mx.float32)[None, :, None]


def sinusoid(features: int, like: mx.array, past: Past | None = None) -> mx.array:
    """Sines and cosines of the position (1706.03762): [1, T, features]."""
    even = mx.arange(0, features, 2)
    angle = position(like, past) * mx.exp(-math.log(10000.0) / features * even)
    table = mx.stack([mx.sin(angle), mx.cos(angle)], axis=-1)
    return mx.flatten(table, -2)[..., :features]


def rope(x: mx.array, base: float, past: Past | None = None) -> mx.array:
    """Rotate pairs of the last axis by angles that grow with time (2104.09864)."""
    half = x.shape[-1] // 2
    rate = mx.exp(-math.log(base) / half * mx.arange(half))
    angle = places(x, past)[:, None] * rate
    angle = angle.reshape(x.shape[1], *[1] * (x.ndim - 3), half)
    cosine, sine = mx.cos(angle), mx.sin(angle)
    first, second, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    turned = [first * cosine - second * sine, second * cosine + first * sine, rest]
    return mx.concatenate(turned, axis=-1)


def last_position(x: mx.array) -> mx.array:
    """The features of the last position, at every position."""
    return mx.broadcast_to(x[:, -1:], x.shape)


def recent(x: mx.array, length: int, past: Past | None, name: str) -> mx.array:
    """x behind the values of some positions before, zero before the start."""
    if past is None:
        start = mx.zeros((x.shape[0], length, *x.shape[2:]), x.dtype)
        return mx.concatenate([start, x], axis=1)
    kept = past.read(name)
    whole = mx.concatenate([kept, x], axis=1)
    past.keep(name, whole[:, x.shape[1] :])
    return whole[:, kept.shape[1] - length :]


def cached(
    x: mx.array, past: Past | None, name: str, window: int | None = None
) -> mx.array:
    """x behind its values at all positions before, or at those of a window."""
    if past is None:
        return x
    kept, end = past.read(name), past.position + x.shape[1]
    if window is not None:
        length = min(window, past.position, kept.shape[1])
        return recent(x, length, past, name)
    kept[:, past.position : end] = x
    return kept[:, :end]


def shift(
    x: mx.array, steps: int, past: Past | None = None, name: str = ""
) -> mx.array:
    """The value of some positions before, zero before the start."""
    return recent(x, steps, past, name)[:, : x.shape[1]]


def causal_conv(
    x: mx.array, weight: mx.array, past: Past | None = None, name: str = ""
) -> mx.array:
    """A filter over the last positions; its first row meets the present."""
    earlier = weight.shape[0] - 1
    whole, y = recent(x, earlier, past, name), weight[0] * x
    for lag in range(1, earlier + 1):
        first = earlier - lag
        y = y + weight[lag] * whole[:, first : first + x.shape[1]]
    return y


def long_conv(
    x: mx.array,
    filter: mx.array,
    past: Past | None = None,
    names: tuple[str, str] = ("", ""),
) -> mx.array:
    """A filter as long as the context, by Fourier transforms (2302.10866)."""
    time = x.shape[1]
    x, filter = cached(x, past, names[0]), cached(filter, past, names[1])
    if time == 1:
        return (filter * x[:, ::-1]).sum(axis=1, keepdims=True)
    whole = x.shape[1]
    spectrum = mx.fft.rfft(x, n=2 * whole, axis=1)
    spectrum = spectrum * mx.fft.rfft(filter, n=2 * whole, axis=1)
    return mx.fft.irfft(spectrum, n=2 * whole, axis=1)[:, whole - time : whole]


def ngram(
    tokens: mx.array, order: int, size: int, past: Past | None = None, name: str = ""
) -> mx.array:
    """A number below size for the last tokens: a rolling hash (2412.09871)."""
    whole = recent(tokens, order - 1, past, name).astype(mx.int32)
    time = tokens.shape[1]
    code = whole[:, :time] % size
    for first in range(1, order):
        code = (code * 32749 + whole[:, first : first + time]) % size
    return code


def cumulative_sum(x: mx.array, past: Past | None = None, name: str = "") -> mx.array:
    """The sum over all positions so far."""
    total = mx.cumsum(x, axis=1)
    if past is not None:
        total = total + past.read(name)[:, None]
        past.keep(name, total[:, -1])
    return total


def linear_scan(
    decay: mx.array, x: mx.array, past: Past | None = None, name: str = ""
) -> mx.array:
    """h = decay * h + x along time, in log T passes that double their reach."""
    decay, x = mx.broadcast_arrays(decay, x)
    if past is not None:
        first = decay[:, :1] * past.read(name)[:, None] + x[:, :1]
        x = mx.concatenate([first, x[:, 1:]], axis=1)
    reach = 1
    while reach < x.shape[1]:
        x = x + decay * shift(x, reach)
        decay = decay * shift(decay, reach)
        reach *= 2
    if past is not None:
        past.keep(name, x[:, -1])
    return x


def lstm_gates(
    i: mx.array, f: mx.array, z: mx.array, o: mx.array, cell: mx.array
) -> tuple[mx.array, ...]:
    """Result and cell after one position (Hochreiter and Schmidhuber, 1997)."""
    cell = mx.sigmoid(f) * cell + mx.sigmoid(i) * mx.tanh(z)
    return mx.sigmoid(o) * mx.tanh(cell), cell


def slstm_gates(
    i: mx.array,
    f: mx.array,
    z: mx.array,
    o: mx.array,
    cell: mx.array,
    total: mx.array,
    high: mx.array,
) -> tuple[mx.array, ...]:
    """The same with exponential gates, kept small by their highest (2405.04517)."""
    kept = mx.where(total > 0, nn.log_sigmoid(f) + high, i)
    high = mx.maximum(kept, i)
    old, new = mx.exp(kept - high), mx.exp(i - high)
    cell, total = old * cell + new * mx.tanh(z), old * total + new
    return mx.sigmoid(o) * cell / total, cell, total, high


def lstm(
    input: mx.array,
    forget: mx.array,
    cell: mx.array,
    output: mx.array,
    weight: mx.array,
    exponential: bool = False,
    past: Past | None = None,
    name: str = "",
) -> mx.array:
    """A recurrence whose gates read its last result, one position after another."""
    gates = mx.stack([*mx.broadcast_arrays(input, forget, cell, output)])
    nothing = (mx.zeros_like(gates[0, :, 0]),) * (4 if exponential else 2)
    state = nothing if past is None else tuple(past.read(name).swapaxes(0, 1))
    step, results = slstm_gates if exponential else lstm_gates, []
    for t in range(gates.shape[2]):
        added = mx.einsum("bhk,ghks->gbhs", state[0], weight)
        state = step(*(gates[:, :, t] + added), *state[1:])
        results.append(state[0])
    if past is not None:
        past.keep(name, mx.stack([*state], axis=1))
    return mx.stack(results, axis=1)


def alibi_slopes(q: mx.array) -> mx.array:
    """How fast scores fall with distance, for each head (2108.12409): [H, 1, 1]."""
    heads = q.shape[2]
    power = 2 ** math.floor(math.log2(heads))
    slopes = [2 ** (-8 * i / power) for i in range(1, power + 1)]
    slopes += [2 ** (-4 * i / power) for i in range(1, 2 * power, 2)]
    return mx.array(slopes[:heads])[:, None, None]


def decay_bias(
    log_decay: mx.array,
    past: Past | None = None,
    name: str = "",
    window: int | None = None,
) -> mx.array:
    """Sums of log decays between keys and queries (2503.02130): [B, H, T, S]."""
    total = mx.cumsum(log_decay, axis=1)
    if past is not None:
        last = past.position - 1 if window is None else -1
        total = total + past.read(name)[:, last, None]
    every = cached(total, past, name, window)
    return total.swapaxes(1, 2)[..., None] - every.swapaxes(1, 2)[..., None, :]


def attend(
    q: mx.array,
    k: mx.array,
    v: mx.array,
    past: Past | None = None,
    names: tuple[str, str] = ("", ""),
    window: int | None = None,
    slopes: mx.array | None = None,
    bias: mx.array | None = None,
    scale: float | None = None,
) -> mx.array:
    """Causal softmax attention; groups of heads may share keys (2305.13245)."""
    factor = q.shape[-1] ** -0.5 if scale is None else scale
    time, shared = q.shape[1], q.shape[2] // k.shape[2]
    k, v = cached(k, past, names[0], window), cached(v, past, names[1], window)
    k, v = (mx.repeat(x, shared, axis=2).swapaxes(1, 2) for x in (k, v))
    place = mx.arange(k.shape[2])
    distance = place[k.shape[2] - time :, None] - place  # [T, S]: queries are the last
    visible = distance >= 0
    if window is not None:
        visible = visible & (distance < window)
    score = (q * factor).swapaxes(1, 2) @ k.swapaxes(-1, -2)
    if slopes is not None:
        score = score - slopes * distance
    if bias is not None:
        score = score + bias
    score = mx.where(visible, score, -mx.inf)
    return (mx.softmax(score, axis=-1) @ v).swapaxes(1, 2)


def earlier(size: int) -> mx.array:
    """Which columns are no later than a row: [size, size]."""
    place = mx.arange(size)
    return place <= place[:, None]


def chunked(x: mx.array, chunk: int) -> mx.array:
    """[B, T, H, K] to [B, chunks, H, chunk, K], zeros after the end."""
    x = mx.pad(x, [(0, 0), (0, -x.shape[1] % chunk), (0, 0), (0, 0)])
    return mx.unflatten(x, 1, (-1, chunk)).swapaxes(2, 3)


def unchunked(x: mx.array, time: int) -> mx.array:
    """[B, chunks, H, chunk, K] to [B, T, H, K]."""
    return mx.flatten(x.swapaxes(2, 3), 1, 2)[:, :time]


def head_decay(total: mx.array) -> mx.array:
    """What is left at a row of what entered at a column, from sums of log decays."""
    gap = total - total.swapaxes(-1, -2)
    return mx.exp(mx.where(earlier(gap.shape[-1]), gap, -mx.inf))


def head_scores(q: mx.array, k: mx.array, total: mx.array) -> mx.array:
    """Products of queries with earlier keys, decayed head by head.

    Where there are n keys for each query, it stands at the last of them.
    """
    n = k.shape[-2] // q.shape[-2]
    return (q @ k.swapaxes(-1, -2)) * head_decay(total)[..., n - 1 :: n, :]


def channel_scores(q: mx.array, k: mx.array, total: mx.array) -> mx.array:
    """Products of queries with earlier keys, decayed channel by channel."""
    n = k.shape[-2] // q.shape[-2]
    gap = total[..., n - 1 :: n, None, :] - total[..., None, :, :]
    seen = earlier(total.shape[-2])[n - 1 :: n, :, None]
    kept = mx.exp(mx.where(seen, gap, -mx.inf))
    return (q[..., :, None, :] * k[..., None, :, :] * kept).sum(axis=-1)


def linear_attention(
    q: mx.array,
    k: mx.array,
    v: mx.array,
    log_decay: mx.array | None = None,
    past: Past | None = None,
    name: str = "",
) -> mx.array:
    """S = exp(log_decay) S + k v^T, read by q / sqrt(K), in chunks (2312.06635).

    The decay is [B, T, H] or, for every channel of the key, [B, T, H, K].
    """
    time, size = q.shape[1], q.shape[-1]
    if log_decay is None:
        log_decay = mx.zeros_like(q[..., 0])
    by_channel = log_decay.ndim == 4
    chunk = min(8 if by_channel else 64, time)
    decay = log_decay if by_channel else log_decay[..., None]
    q, k, v, decay = (chunked(x, chunk) for x in (q * size**-0.5, k, v, decay))
    total = mx.cumsum(decay, axis=-2)
    score = (channel_scores if by_channel else head_scores)(q, k, total)
    y = score @ v
    if y.shape[1] > 1 or past is not None:
        last = total[..., -1:, :]
        update = (k * mx.exp(last - total)).swapaxes(-1, -2) @ v
        start = mx.zeros_like(update[:, 0]) if past is None else past.read(name)
        state = linear_scan(mx.exp(last).swapaxes(-1, -2), update, past, name)
        before = mx.concatenate([start[:, None], state[:, :-1]], axis=1)
        y = y + (q * mx.exp(total)) @ before
    return unchunked(y, time)


def unit_inverse(lower: mx.array) -> mx.array:
    """(I + lower)^-1 below the diagonal, from blocks of 1, 2, 4, ... rows.

    Two inverted neighbours X and Y become one: [[X, 0], [-Y lower X, Y]].
    """
    size = lower.shape[-1]
    inverse, width = mx.broadcast_to(mx.eye(size), lower.shape), 1
    while width < size:
        block = mx.arange(size) // width
        below = (block[:, None] == block + 1) & (block[:, None] % 2 == 1)
        inverse = inverse - inverse @ mx.where(below, lower, 0.0) @ inverse
        width *= 2
    return inverse


def in_order(x: mx.array, n: int) -> mx.array:
    """[B, chunks, H * n, chunk, K] to [B, chunks, H, chunk * n, K], by time."""
    return mx.unflatten(x, 2, (-1, n)).swapaxes(3, 4).flatten(3, 4)


def delta_rule(
    q: mx.array,
    k: mx.array,
    v: mx.array,
    beta: mx.array,
    log_decay: mx.array | None = None,
    past: Past | None = None,
    name: str = "",
) -> mx.array:
    """Replace what a key recalls by a part beta of a value, in chunks (2412.06464).

    The decay is [B, T, H] or, for every channel of the key, [B, T, H, K] (2510.26692).
    With n keys for each head of queries, a head has n updates per position, one after
    another; it decays before the first and is read after the last (2502.10297).
    """
    time, size, n = q.shape[1], q.shape[-1], k.shape[2] // q.shape[2]
    if log_decay is None:
        log_decay = mx.zeros_like(q[..., 0])
    by_channel = log_decay.ndim == 4
    chunk = min((16 if by_channel else 64) // n, time)  # positions
    decay = log_decay if by_channel else log_decay[..., None]
    q, decay = chunked(q * size**-0.5, chunk), chunked(decay, chunk)
    k, v, beta = (in_order(chunked(x, chunk), n) for x in (k, v, beta[..., None]))
    scores = channel_scores if by_channel else head_scores
    total = mx.repeat(mx.cumsum(decay, axis=-2), n, axis=-2)
    inverse = unit_inverse(mx.tril(scores(beta * k, k, total), -1))
    written, erased = inverse @ (beta * v), inverse @ (beta * mx.exp(total) * k)
    score = scores(q, k, total)
    last = total[..., -1:, :]
    query = q * mx.exp(total[..., n - 1 :: n, :])
    key = (k * mx.exp(last - total)).swapaxes(-1, -2)
    kept = mx.exp(last).swapaxes(-1, -2)
    state = mx.zeros_like(key[:, 0] @ v[:, 0]) if past is None else past.read(name)
    outputs = []
    for index in range(q.shape[1]):
        stored = written[:, index] - erased[:, index] @ state
        outputs.append(query[:, index] @ state + score[:, index] @ stored)
        state = kept[:, index] * state + key[:, index] @ stored
    if past is not None:
        past.keep(name, state)
    return unchunked(mx.stack(outputs, axis=1), time)


def generalized_delta_rule(
    q: mx.array,
    k: mx.array,
    v: mx.array,
    remove: mx.array,
    rate: mx.array,
    log_decay: mx.array,
    past: Past | None = None,
    name: str = "",
) -> mx.array:
    """Lose a part `rate` of what `remove` recalls, and store v at k (2503.14456).

    Rates and decays are [B, T, H] or, for every channel of the key, [B, T, H, K].
    """
    time, size = q.shape[1], q.shape[-1]
    by_channel = log_decay.ndim == 4
    chunk = min(16 if by_channel else 64, time)
    rate = rate if rate.ndim == 4 else rate[..., None]
    decay = log_decay if by_channel else log_decay[..., None]
    parts = (q * size**-0.5, k, v, remove, rate * remove, decay)
    q, k, v, remove, lost, decay = (chunked(x, chunk) for x in parts)
    scores = channel_scores if by_channel else head_scores
    total = mx.cumsum(decay, axis=-2)
    ahead = mx.roll(remove, -1, -2)  # what is lost is read a position before
    stored = mx.tril(mx.roll(scores(ahead, k, total), 1, -2), -1)
    overlap = mx.tril(mx.roll(scores(ahead, lost, total), 1, -2), -1)
    before = mx.concatenate(
        [mx.zeros_like(decay[..., :1, :]), total[..., :-1, :]], axis=-2
    )
    inverse = unit_inverse(overlap)
    recalled, read = inverse @ (stored @ v), inverse @ (mx.exp(before) * remove)
    score = mx.concatenate([scores(q, k, total), -scores(q, lost, total)], axis=-1)
    last = total[..., -1:, :]
    query, until_end = q * mx.exp(total), mx.exp(last - total)
    keys = mx.concatenate([k * until_end, -lost * until_end], axis=-2).swapaxes(-1, -2)
    kept = mx.exp(last).swapaxes(-1, -2)
    state = mx.zeros_like(keys[:, 0, ..., :chunk] @ v[:, 0])
    state = state if past is None else past.read(name)
    outputs = []
    for index in range(q.shape[1]):
        now = recalled[:, index] + read[:, index] @ state
        change = mx.concatenate([v[:, index], now], axis=-2)
        outputs.append(query[:, index] @ state + score[:, index] @ change)
        state = kept[:, index] * state + keys[:, index] @ change
    if past is not None:
        past.keep(name, state)
    return unchunked(mx.stack(outputs, axis=1), time)


def surprise(scores: mx.array, tokens: mx.array) -> mx.array:
    """The cross-entropy in nats of tokens under scores."""
    chosen = mx.take_along_axis(scores, tokens[..., None], axis=-1)[..., 0]
    return mx.logsumexp(scores, axis=-1) - chosen


def top_k(x: mx.array, count: int) -> mx.array:
    """Keep the largest numbers of the last axis, of equals the first."""
    own, other, index = x[..., :, None], x[..., None, :], mx.arange(x.shape[-1])
    before = (other > own) | ((other == own) & (index < index[:, None]))
    return mx.where(before.sum(axis=-1) < count, x, -mx.inf)


class Experts(nn.Module):
    """Gated units (2002.05202) that take part by their gates (1701.06538)."""

    def __init__(self, experts: int, width: int, hidden: int) -> None:
        super().__init__()
        self.up = normal(experts, width, hidden)
        self.gate = normal(experts, width, hidden)
        self.down = normal(experts, hidden, width)

    def __call__(self, x: mx.array, gates: mx.array) -> mx.array:
        y = mx.zeros_like(x)
        for n in range(self.up.shape[0]):
            opened = nn.silu(x @ self.gate[n]) * (x @ self.up[n])
            y = y + gates[..., n, None] * (opened @ self.down[n])
        return y


def parameter_count(model: nn.Module) -> int:
    """Learned numbers."""
    parameters: Any = tree_flatten(model.parameters())
    return sum(array.size for _, array in parameters)


def fill(
    model: nn.Module, path: str | Path, renamed: dict[str, str] | None = None
) -> None:
    """Set all parameters from a file, in which matrices are [inputs, outputs]."""
    modules = dict(model.named_modules())
    held: Any = mx.load(str(path))
    arrays = []
    for key, array in held.items():
        parts: list[str] = key.replace("/", ".").split(".")
        name = ".".join((renamed or {}).get(part, part) for part in parts)
        layer = name.removesuffix(".weight")
        if isinstance(modules.get(layer), nn.Linear):
            arrays.append((f"{layer}.weight", array.T))
        elif parts[0] != "optimizer":
            arrays.append((name, array))
    model.load_weights(arrays)
