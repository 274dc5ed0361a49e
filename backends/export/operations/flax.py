"""Operations of exported Flax modules, each of which holds those that it uses."""

import math
from pathlib import Path

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array
from safetensors.flax import load_file

from backends.export.decoding.flax import Past


def constant(*shape: int, value: float) -> nnx.Param:
    """A learned array that starts at one value."""
    return nnx.Param(jnp.full(shape, value))


def normal(rngs: nnx.Rngs, *shape: int, scale: float | None = None) -> nnx.Param:
    """Normal draws, held within three deviations; by default 1 / sqrt(inputs)."""
    deviation = shape[-2] ** -0.5 if scale is None else scale
    draws = jax.random.normal(rngs.params(), shape)
    return nnx.Param(jnp.clip(draws, -3, 3) * deviation)


def uniform(rngs: nnx.Rngs, *shape: int, scale: float) -> nnx.Param:
    """Uniform draws between -scale and scale."""
    draws = jax.random.uniform(rngs.params(), shape, minval=-scale, maxval=scale)
    return nnx.Param(draws)


def linear(rngs: nnx.Rngs, inputs: int, outputs: int, bias: bool = False) -> nnx.Linear:
    """A matrix, with a bias of zero if asked for."""
    zeros = nnx.initializers.zeros
    layer = nnx.Linear(inputs, outputs, use_bias=bias, kernel_init=zeros, rngs=rngs)
    layer.kernel = normal(rngs, inputs, outputs)
    return layer


def scalar(value: float, like: Array) -> Array:
    """A number as an array."""
    return jnp.asarray(value, like.dtype)


def over_time(value: Array, like: Array, features: int) -> Array:
    """A value at all positions of all sequences: [B, T, *features]."""
    own = value.shape[value.ndim - features :]
    return jnp.broadcast_to(value, (*like.shape[:2], *own))


def concat(*values: Array) -> Array:
    """Join last axes; the other axes broadcast."""
    leading = jnp.broadcast_shapes(*(value.shape[:-1] for value in values))
    whole = [jnp.broadcast_to(x, (*leading, x.shape[-1])) for x in values]
    return jnp.concatenate(whole, axis=-1)


def split_heads(x: Array, heads: int) -> Array:
    """Cut the last axis into heads."""
    return x.reshape(*x.shape[:-1], heads, -1)


def merge_heads(x: Array) -> Array:
    """Join the last two axes."""
    return x.reshape(*x.shape[:-2], -1)


def rms_normalize(x: Array) -> Array:
    """Divide by the root mean square of the last axis (1910.07467)."""
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-6)


def standardize(x: Array) -> Array:
    """Subtract the mean of the last axis, divide by its deviation (1607.06450)."""
    x = x - jnp.mean(x, axis=-1, keepdims=True)
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-6)


def l2_normalize(x: Array) -> Array:
    """Divide by the length of the last axis."""
    return x * jax.lax.rsqrt(jnp.sum(x * x, axis=-1, keepdims=True) + 1e-6)


def places(like: Array, past: Past | None = None) -> Array:
    """The numbers of the positions: [T]."""
    first = 0 if past is None else past.position
    return first + jnp.arange(like.shape[1])


def position(like: Array, past: Past | None = None) -> Array:
    """The number of every position: [1, T, 1]."""
    return places(like, past).astype(jnp.float32)[None, :, None]


def sinusoid(features: int, like: Array, past: Past | None = None) -> Array:
    """Sines and cosines of the position (1706.03762): [1, T, features]."""
    even = jnp.arange(0, features, 2)
    angle = position(like, past) * 10000.0 ** (-even / features)
    table = jnp.stack([jnp.sin(angle), jnp.cos(angle)], axis=-1)
    return table.reshape(1, like.shape[1], -1)[..., :features]


def rope(x: Array, base: float, past: Past | None = None) -> Array:
    """Rotate pairs of the last axis by angles that grow with time (2104.09864)."""
    half = x.shape[-1] // 2
    rate = base ** (-jnp.arange(half) / half)
    angle = places(x, past)[:, None] * rate
    angle = angle.reshape(x.shape[1], *[1] * (x.ndim - 3), half)
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    first, second, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    turned = [first * cosine - second * sine, second * cosine + first * sine, rest]
    return jnp.concatenate(turned, axis=-1)


def last_position(x: Array) -> Array:
    """The features of the last position, at every position."""
    return jnp.broadcast_to(x[:, -1:], x.shape)


def recent(x: Array, length: int, past: Past | None, name: str) -> Array:
    """x behind the values of some positions before, zero before the start."""
    if past is None:
        start = jnp.zeros((x.shape[0], length, *x.shape[2:]), x.dtype)
        return jnp.concatenate([start, x], axis=1)
    kept = past.read(name)
    whole = jnp.concatenate([kept, x], axis=1)
    past.keep(name, whole[:, x.shape[1] :])
    return whole[:, kept.shape[1] - length :]


def cached(x: Array, past: Past | None, name: str, window: int | None = None) -> Array:
    """x behind its values in a window before, or at its place in the context."""
    if past is None:
        return x
    kept = past.read(name)
    if window is not None:
        return recent(x, kept.shape[1], past, name)
    x = x.astype(kept.dtype)
    whole = jax.lax.dynamic_update_slice_in_dim(kept, x, past.position, axis=1)
    past.keep(name, whole)
    return whole


def shift(x: Array, steps: int, past: Past | None = None, name: str = "") -> Array:
    """The value of some positions before, zero before the start."""
    return recent(x, steps, past, name)[:, : x.shape[1]]


def causal_conv(
    x: Array, weight: Array, past: Past | None = None, name: str = ""
) -> Array:
    """A filter over the last positions; its first row meets the present."""
    earlier = weight.shape[0] - 1
    whole, y = recent(x, earlier, past, name), weight[0] * x
    for lag in range(1, earlier + 1):
        first = earlier - lag
        y = y + weight[lag] * whole[:, first : first + x.shape[1]]
    return y


def long_conv(
    x: Array,
    filter: Array,
    past: Past | None = None,
    names: tuple[str, str] = ("", ""),
) -> Array:
    """A filter as long as the context, by Fourier transforms (2302.10866)."""
    time, first = x.shape[1], 0 if past is None else past.position
    x, filter = cached(x, past, names[0]), cached(filter, past, names[1])
    if time == 1:
        ago = jnp.roll(jnp.flip(x, axis=1), first + 1, axis=1)
        return (filter * ago).sum(axis=1, keepdims=True)
    whole = x.shape[1]
    spectrum = jnp.fft.rfft(x, n=2 * whole, axis=1)
    spectrum = spectrum * jnp.fft.rfft(filter, n=2 * whole, axis=1)
    y = jnp.fft.irfft(spectrum, n=2 * whole, axis=1)
    return jax.lax.dynamic_slice_in_dim(y, first, time, axis=1)


def ngram(
    tokens: Array, order: int, size: int, past: Past | None = None, name: str = ""
) -> Array:
    """A number below size for the last tokens: a rolling hash (2412.09871)."""
    whole = recent(tokens, order - 1, past, name).astype(jnp.int32)
    time = tokens.shape[1]
    code = whole[:, :time] % size
    for first in range(1, order):
        code = (code * 32749 + whole[:, first : first + time]) % size
    return code


def cumulative_sum(x: Array, past: Past | None = None, name: str = "") -> Array:
    """The sum over all positions so far."""
    total = jnp.cumsum(x, axis=1)
    if past is not None:
        total = total + past.read(name)[:, None]
        past.keep(name, total[:, -1])
    return total


def linear_scan(
    decay: Array, x: Array, past: Past | None = None, name: str = ""
) -> Array:
    """h = decay * h + x along time, as a tree of depth log T."""
    decay, x = jnp.broadcast_arrays(decay, x)
    if past is not None:
        x = x.at[:, 0].add(decay[:, 0] * past.read(name))

    def join(early: tuple[Array, Array], late: tuple[Array, Array]):
        return early[0] * late[0], late[0] * early[1] + late[1]

    y = jax.lax.associative_scan(join, (decay, x), axis=1)[1]
    if past is not None:
        past.keep(name, y[:, -1])
    return y


def lstm_gates(
    i: Array, f: Array, z: Array, o: Array, cell: Array
) -> tuple[Array, ...]:
    """Result and cell after one position (Hochreiter and Schmidhuber, 1997)."""
    cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(z)
    return jax.nn.sigmoid(o) * jnp.tanh(cell), cell


def slstm_gates(
    i: Array, f: Array, z: Array, o: Array, cell: Array, total: Array, high: Array
) -> tuple[Array, ...]:
    """The same with exponential gates, kept small by their highest (2405.04517)."""
    kept = jnp.where(total > 0, jax.nn.log_sigmoid(f) + high, i)
    high = jnp.maximum(kept, i)
    old, new = jnp.exp(kept - high), jnp.exp(i - high)
    cell, total = old * cell + new * jnp.tanh(z), old * total + new
    return jax.nn.sigmoid(o) * cell / total, cell, total, high


def lstm(
    input: Array,
    forget: Array,
    cell: Array,
    output: Array,
    weight: Array,
    exponential: bool = False,
    past: Past | None = None,
    name: str = "",
) -> Array:
    """A recurrence whose gates read its last result, one position after another."""
    gates = jnp.stack(jnp.broadcast_arrays(input, forget, cell, output))
    update = slstm_gates if exponential else lstm_gates

    def step(state: tuple[Array, ...], gates: Array) -> tuple[tuple[Array, ...], Array]:
        added = jnp.einsum("bhk,ghks->gbhs", state[0], weight)
        state = update(*(gates + added), *state[1:])
        return state, state[0]

    nothing = (jnp.zeros_like(gates[0, :, 0]),) * (4 if exponential else 2)
    start = nothing if past is None else tuple(past.read(name).swapaxes(0, 1))
    state, y = jax.lax.scan(step, start, jnp.moveaxis(gates, 2, 0))
    if past is not None:
        past.keep(name, jnp.stack(state, axis=1))
    return y.swapaxes(0, 1)


def alibi_slopes(q: Array) -> Array:
    """How fast scores fall with distance, for each head (2108.12409): [H, 1, 1]."""
    heads = q.shape[2]
    power = 2 ** math.floor(math.log2(heads))
    slopes = [2 ** (-8 * i / power) for i in range(1, power + 1)]
    slopes += [2 ** (-4 * i / power) for i in range(1, 2 * power, 2)]
    return jnp.asarray(slopes[:heads])[:, None, None]


def decay_bias(
    log_decay: Array,
    past: Past | None = None,
    name: str = "",
    window: int | None = None,
) -> Array:
    """Sums of log decays between keys and queries (2503.02130): [B, H, T, S]."""
    total = jnp.cumsum(log_decay, axis=1)
    if past is not None:
        last = past.position - 1 if window is None else -1
        total = total + past.read(name)[:, last, None]
    every = cached(total, past, name, window)
    return total.swapaxes(1, 2)[..., None] - every.swapaxes(1, 2)[..., None, :]


def attend(
    q: Array,
    k: Array,
    v: Array,
    past: Past | None = None,
    names: tuple[str, str] = ("", ""),
    window: int | None = None,
    slopes: Array | None = None,
    bias: Array | None = None,
    scale: float | None = None,
) -> Array:
    """Causal softmax attention; groups of heads may share keys (2305.13245)."""
    time, heads, size = q.shape[1:]
    k, v = cached(k, past, names[0], window), cached(v, past, names[1], window)
    k, v = (jnp.repeat(x, heads // x.shape[2], axis=2) for x in (k, v))
    place = jnp.arange(k.shape[1])
    if past is not None and window is not None:
        place = place + past.position + time - k.shape[1]  # queries are the last
    distance = places(q, past)[:, None] - place  # [T, S]
    visible = (distance >= 0) & (place >= 0)
    if window is not None:
        visible = visible & (distance < window)
    score = jnp.einsum("bthk,bshk->bhts", q, k)
    score = score * (size**-0.5 if scale is None else scale)
    if slopes is not None:
        score = score - slopes * distance
    if bias is not None:
        score = score + bias
    weight = jax.nn.softmax(jnp.where(visible, score, -jnp.inf), axis=-1)
    return jnp.einsum("bhts,bshv->bthv", weight, v)


def chunked(x: Array, chunk: int) -> Array:
    """[B, T, H, K] to [B, chunks, H, chunk, K], zeros after the end."""
    x = jnp.pad(x, ((0, 0), (0, -x.shape[1] % chunk), (0, 0), (0, 0)))
    return x.reshape(x.shape[0], -1, chunk, *x.shape[2:]).swapaxes(2, 3)


def unchunked(x: Array, time: int) -> Array:
    """[B, chunks, H, chunk, K] to [B, T, H, K]."""
    x = x.swapaxes(2, 3)
    return x.reshape(x.shape[0], -1, *x.shape[3:])[:, :time]


def head_decay(total: Array) -> Array:
    """What is left at a row of what entered at a column, from sums of log decays."""
    earlier = jnp.tril(jnp.ones((total.shape[-2], total.shape[-2]), bool))
    return jnp.exp(jnp.where(earlier, total - total.swapaxes(-1, -2), -jnp.inf))


def head_scores(q: Array, k: Array, total: Array) -> Array:
    """Products of queries with earlier keys, decayed head by head.

    Where there are n keys for each query, it stands at the last of them.
    """
    n = k.shape[-2] // q.shape[-2]
    return (q @ k.swapaxes(-1, -2)) * head_decay(total)[..., n - 1 :: n, :]


def channel_scores(q: Array, k: Array, total: Array) -> Array:
    """Products of queries with earlier keys, decayed channel by channel."""
    n = k.shape[-2] // q.shape[-2]
    gap = total[..., n - 1 :: n, None, :] - total[..., None, :, :]
    earlier = jnp.tril(jnp.ones((total.shape[-2], total.shape[-2]), bool))
    kept = jnp.exp(jnp.where(earlier[n - 1 :: n, :, None], gap, -jnp.inf))
    return (q[..., :, None, :] * k[..., None, :, :] * kept).sum(axis=-1)


def linear_attention(
    q: Array,
    k: Array,
    v: Array,
    log_decay: Array | None = None,
    past: Past | None = None,
    name: str = "",
) -> Array:
    """S = exp(log_decay) S + k v^T, read by q / sqrt(K), in chunks (2312.06635).

    The decay is [B, T, H] or, for every channel of the key, [B, T, H, K].
    """
    time, size = q.shape[1], q.shape[-1]
    if log_decay is None:
        log_decay = jnp.zeros_like(q[..., 0])
    by_channel = log_decay.ndim == 4
    chunk = min(8 if by_channel else 64, time)
    decay = log_decay if by_channel else log_decay[..., None]
    q, k, v, decay = (chunked(x, chunk) for x in (q * size**-0.5, k, v, decay))
    total = jnp.cumsum(decay, axis=-2)
    score = (channel_scores if by_channel else head_scores)(q, k, total)
    y = score @ v
    if y.shape[1] > 1 or past is not None:
        last = total[..., -1:, :]
        update = (k * jnp.exp(last - total)).swapaxes(-1, -2) @ v
        start = jnp.zeros_like(update[:, 0]) if past is None else past.read(name)
        state = linear_scan(jnp.exp(last).swapaxes(-1, -2), update, past, name)
        before = jnp.concatenate([start[:, None], state[:, :-1]], axis=1)
        y = y + (q * jnp.exp(total)) @ before
    return unchunked(y, time)


def in_order(x: Array, n: int) -> Array:
    """[B, chunks, H * n, chunk, K] to [B, chunks, H, chunk * n, K], by time."""
    x = x.reshape(*x.shape[:2], -1, n, *x.shape[3:]).swapaxes(3, 4)
    return x.reshape(*x.shape[:3], -1, x.shape[-1])


def delta_rule(
    q: Array,
    k: Array,
    v: Array,
    beta: Array,
    log_decay: Array | None = None,
    past: Past | None = None,
    name: str = "",
) -> Array:
    """Replace what a key recalls by a part beta of a value, in chunks (2412.06464).

    The decay is [B, T, H] or, for every channel of the key, [B, T, H, K] (2510.26692).
    With n keys for each head of queries, a head has n updates per position, one after
    another; it decays before the first and is read after the last (2502.10297).
    """
    time, size, n = q.shape[1], q.shape[-1], k.shape[2] // q.shape[2]
    if log_decay is None:
        log_decay = jnp.zeros_like(q[..., 0])
    by_channel = log_decay.ndim == 4
    chunk = min((16 if by_channel else 64) // n, time)  # positions
    decay = log_decay if by_channel else log_decay[..., None]
    q, decay = chunked(q * size**-0.5, chunk), chunked(decay, chunk)
    k, v, beta = (in_order(chunked(x, chunk), n) for x in (k, v, beta[..., None]))
    scores = channel_scores if by_channel else head_scores
    total = jnp.repeat(jnp.cumsum(decay, axis=-2), n, axis=-2)
    system = jnp.tril(scores(beta * k, k, total), -1) + jnp.eye(k.shape[-2])
    right = jnp.concatenate([beta * v, beta * jnp.exp(total) * k], axis=-1)
    solved = jax.scipy.linalg.solve_triangular(
        system, right, lower=True, unit_diagonal=True
    )
    written, erased = solved[..., : v.shape[-1]], solved[..., v.shape[-1] :]
    score = scores(q, k, total)
    last = total[..., -1:, :]
    query = q * jnp.exp(total[..., n - 1 :: n, :])
    key = (k * jnp.exp(last - total)).swapaxes(-1, -2)

    def step(state: Array, chunk: tuple[Array, ...]) -> tuple[Array, Array]:
        written, erased, query, score, key, kept = chunk
        stored = written - erased @ state
        return kept * state + key @ stored, query @ state + score @ stored

    kept = jnp.exp(last).swapaxes(-1, -2)
    chunks = (written, erased, query, score, key, kept)
    start = jnp.zeros_like(key[:, 0] @ v[:, 0]) if past is None else past.read(name)
    state, y = jax.lax.scan(step, start, tuple(x.swapaxes(0, 1) for x in chunks))
    if past is not None:
        past.keep(name, state)
    return unchunked(y.swapaxes(0, 1), time)


def generalized_delta_rule(
    q: Array,
    k: Array,
    v: Array,
    remove: Array,
    rate: Array,
    log_decay: Array,
    past: Past | None = None,
    name: str = "",
) -> Array:
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
    total = jnp.cumsum(decay, axis=-2)
    ahead = jnp.roll(remove, -1, axis=-2)  # what is lost is read a position before
    stored = jnp.tril(jnp.roll(scores(ahead, k, total), 1, axis=-2), -1)
    overlap = jnp.tril(jnp.roll(scores(ahead, lost, total), 1, axis=-2), -1)
    before = jnp.concatenate(
        [jnp.zeros_like(decay[..., :1, :]), total[..., :-1, :]], axis=-2
    )
    right = jnp.concatenate([stored @ v, jnp.exp(before) * remove], axis=-1)
    solved = jax.scipy.linalg.solve_triangular(
        overlap + jnp.eye(chunk), right, lower=True, unit_diagonal=True
    )
    recalled, read = solved[..., : v.shape[-1]], solved[..., v.shape[-1] :]
    score = jnp.concatenate([scores(q, k, total), -scores(q, lost, total)], axis=-1)
    last = total[..., -1:, :]
    query, until_end = q * jnp.exp(total), jnp.exp(last - total)
    keys = jnp.concatenate([k * until_end, -lost * until_end], axis=-2).swapaxes(-1, -2)
    kept = jnp.exp(last).swapaxes(-1, -2)

    def step(state: Array, chunk: tuple[Array, ...]) -> tuple[Array, Array]:
        v, recalled, read, query, score, keys, kept = chunk
        change = jnp.concatenate([v, recalled + read @ state], axis=-2)
        return kept * state + keys @ change, query @ state + score @ change

    chunks = (v, recalled, read, query, score, keys, kept)
    start = jnp.zeros_like(keys[:, 0, ..., :chunk] @ v[:, 0])
    start = start if past is None else past.read(name)
    state, y = jax.lax.scan(step, start, tuple(x.swapaxes(0, 1) for x in chunks))
    if past is not None:
        past.keep(name, state)
    return unchunked(y.swapaxes(0, 1), time)


def surprise(scores: Array, tokens: Array) -> Array:
    """The cross-entropy in nats of tokens under scores."""
    chosen = jnp.take_along_axis(scores, tokens[..., None], axis=-1)[..., 0]
    return jax.nn.logsumexp(scores, axis=-1) - chosen


def top_k(x: Array, count: int) -> Array:
    """Keep the largest numbers of the last axis, of equals the first."""
    chosen = jax.lax.top_k(x, count)[1]
    kept = (chosen[..., None] == jnp.arange(x.shape[-1])).any(axis=-2)
    return jnp.where(kept, x, -jnp.inf)


class Experts(nnx.Module):
    """Gated units (2002.05202) that take part by their gates (1701.06538)."""

    def __init__(self, rngs: nnx.Rngs, experts: int, width: int, hidden: int) -> None:
        self.up = normal(rngs, experts, width, hidden)
        self.gate = normal(rngs, experts, width, hidden)
        self.down = normal(rngs, experts, hidden, width)

    def __call__(self, x: Array, gates: Array) -> Array:
        y = jnp.zeros_like(x)
        experts = zip(self.up[...], self.gate[...], self.down[...], strict=True)
        for index, (up, gate, down) in enumerate(experts):
            part = gates[..., index, None]
            y = y + part * ((jax.nn.silu(x @ gate) * (x @ up)) @ down)
        return y


def parameter_count(model: nnx.Module) -> int:
    """Learned numbers."""
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))


def fill(
    model: nnx.Module, path: str | Path, renamed: dict[str, str] | None = None
) -> None:
    """Set all parameters from a file."""
    arrays, filled = {}, []
    for key, array in load_file(path).items():
        parts = key.replace("/", ".").split(".")
        arrays[tuple((renamed or {}).get(part, part) for part in parts)] = array
    for place, parameter in nnx.to_flat_state(nnx.state(model, nnx.Param)):
        name = tuple(map(str, place))
        if name not in arrays and name[-1] == "kernel":
            name = name[:-1] if name[:-1] in arrays else (*name[:-1], "weight")
        if name not in arrays or arrays[name].shape != parameter.shape:
            wanted = ".".join(map(str, place))
            raise ValueError(f"{path}: no {wanted} of shape {parameter.shape}")
        filled.append((place, parameter.replace(arrays[name])))
    nnx.update(model, nnx.from_flat_state(filled))
