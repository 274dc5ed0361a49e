"""Operations of exported Flax modules, each of which holds those that it uses."""

import math
from pathlib import Path

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array
from safetensors.flax import load_file


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


def position(like: Array) -> Array:
    """The number of every position: [1, T, 1]."""
    return jnp.arange(like.shape[1], dtype=jnp.float32)[None, :, None]


def sinusoid(features: int, like: Array) -> Array:
    """Sines and cosines of the position (1706.03762): [1, T, features]."""
    even = jnp.arange(0, features, 2)
    angle = position(like) * 10000.0 ** (-even / features)
    table = jnp.stack([jnp.sin(angle), jnp.cos(angle)], axis=-1)
    return table.reshape(1, like.shape[1], -1)[..., :features]


def rope(x: Array, base: float) -> Array:
    """Rotate pairs of the last axis by angles that grow with time (2104.09864)."""
    half = x.shape[-1] // 2
    rate = base ** (-jnp.arange(half) / half)
    angle = jnp.arange(x.shape[1])[:, None] * rate
    angle = angle.reshape(x.shape[1], *[1] * (x.ndim - 3), half)
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    first, second, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    turned = [first * cosine - second * sine, second * cosine + first * sine, rest]
    return jnp.concatenate(turned, axis=-1)


def last_position(x: Array) -> Array:
    """The features of the last position, at every position."""
    return jnp.broadcast_to(x[:, -1:], x.shape)


def shift(x: Array, steps: int) -> Array:
    """The value of some positions before, zero before the start."""
    start = jnp.zeros_like(x[:, :steps])
    return jnp.concatenate([start, x[:, : max(x.shape[1] - steps, 0)]], axis=1)


def causal_conv(x: Array, weight: Array) -> Array:
    """A filter over the last positions; its first row meets the present."""
    y = weight[0] * x
    for lag in range(1, weight.shape[0]):
        y = y + weight[lag] * shift(x, lag)
    return y


def long_conv(x: Array, filter: Array) -> Array:
    """A filter as long as the context, by Fourier transforms (2302.10866)."""
    time = x.shape[1]
    spectrum = jnp.fft.rfft(x, n=2 * time, axis=1)
    spectrum = spectrum * jnp.fft.rfft(filter, n=2 * time, axis=1)
    return jnp.fft.irfft(spectrum, n=2 * time, axis=1)[:, :time]


def linear_scan(decay: Array, x: Array) -> Array:
    """h = decay * h + x along time, as a tree of depth log T."""
    decay, x = jnp.broadcast_arrays(decay, x)

    def join(early: tuple[Array, Array], late: tuple[Array, Array]):
        return early[0] * late[0], late[0] * early[1] + late[1]

    return jax.lax.associative_scan(join, (decay, x), axis=1)[1]


def window_bias(q: Array, window: int) -> Array:
    """Hide what lies further back than a window: [T, T]."""
    place = jnp.arange(q.shape[1])
    return jnp.where(place[:, None] - place < window, 0.0, -jnp.inf)


def alibi_bias(q: Array) -> Array:
    """Lower scores with distance, at a rate for each head (2108.12409): [H, T, T]."""
    heads = q.shape[2]
    power = 2 ** math.floor(math.log2(heads))
    slopes = [2 ** (-8 * i / power) for i in range(1, power + 1)]
    slopes += [2 ** (-4 * i / power) for i in range(1, 2 * power, 2)]
    place = jnp.arange(q.shape[1])
    rate = jnp.asarray(slopes[:heads])[:, None, None]
    return -rate * (place[:, None] - place)


def decay_bias(log_decay: Array) -> Array:
    """Sums of log decays between two positions (2503.02130): [B, H, T, T]."""
    total = jnp.swapaxes(jnp.cumsum(log_decay, axis=1), 1, 2)
    return total[..., :, None] - total[..., None, :]


def attend(
    q: Array,
    k: Array,
    v: Array,
    bias: Array | None = None,
    scale: float | None = None,
) -> Array:
    """Causal softmax attention; groups of heads may share keys (2305.13245)."""
    time, heads, size = q.shape[1:]
    k, v = (jnp.repeat(x, heads // x.shape[2], axis=2) for x in (k, v))
    score = jnp.einsum("bthk,bshk->bhts", q, k)
    score = score * (size**-0.5 if scale is None else scale)
    if bias is not None:
        score = score + bias
    earlier = jnp.tril(jnp.ones((time, time), bool))
    weight = jax.nn.softmax(jnp.where(earlier, score, -jnp.inf), axis=-1)
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
    """Products of queries with earlier keys, decayed head by head."""
    return (q @ k.swapaxes(-1, -2)) * head_decay(total)


def channel_scores(q: Array, k: Array, total: Array) -> Array:
    """Products of queries with earlier keys, decayed channel by channel."""
    gap = total[..., :, None, :] - total[..., None, :, :]
    earlier = jnp.tril(jnp.ones((total.shape[-2], total.shape[-2]), bool))
    kept = jnp.exp(jnp.where(earlier[..., None], gap, -jnp.inf))
    return (q[..., :, None, :] * k[..., None, :, :] * kept).sum(axis=-1)


def linear_attention(
    q: Array, k: Array, v: Array, log_decay: Array | None = None
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
    if y.shape[1] > 1:
        last = total[..., -1:, :]
        update = (k * jnp.exp(last - total)).swapaxes(-1, -2) @ v
        state = linear_scan(jnp.exp(last).swapaxes(-1, -2), update)
        y = y + (q * jnp.exp(total)) @ shift(state, 1)
    return unchunked(y, time)


def delta_rule(
    q: Array,
    k: Array,
    v: Array,
    beta: Array,
    log_decay: Array | None = None,
) -> Array:
    """Replace what a key recalls by a part beta of a value, in chunks (2412.06464)."""
    time, size = q.shape[1], q.shape[-1]
    chunk = min(64, time)
    decay = jnp.zeros_like(beta) if log_decay is None else log_decay
    parts = (q * size**-0.5, k, v, beta[..., None], decay[..., None])
    q, k, v, beta, decay = (chunked(x, chunk) for x in parts)
    total = jnp.cumsum(decay, axis=-2)
    system = jnp.tril(head_scores(beta * k, k, total), -1) + jnp.eye(chunk)
    right = jnp.concatenate([beta * v, beta * jnp.exp(total) * k], axis=-1)
    solved = jax.scipy.linalg.solve_triangular(
        system, right, lower=True, unit_diagonal=True
    )
    written, erased = solved[..., : v.shape[-1]], solved[..., v.shape[-1] :]
    score = head_scores(q, k, total)
    last = total[..., -1:, :]
    query, key = q * jnp.exp(total), (k * jnp.exp(last - total)).swapaxes(-1, -2)

    def step(state: Array, chunk: tuple[Array, ...]) -> tuple[Array, Array]:
        written, erased, query, score, key, kept = chunk
        stored = written - erased @ state
        return kept * state + key @ stored, query @ state + score @ stored

    chunks = (written, erased, query, score, key, jnp.exp(last))
    start = jnp.zeros_like(key[:, 0] @ v[:, 0])
    _, y = jax.lax.scan(step, start, tuple(x.swapaxes(0, 1) for x in chunks))
    return unchunked(y.swapaxes(0, 1), time)


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
