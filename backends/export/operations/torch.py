"""Operations of exported PyTorch modules, each of which holds those that it uses."""

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from backends.export.decoding.torch import Past


def constant(*shape: int, value: float) -> nn.Parameter:
    """A learned array that starts at one value."""
    return nn.Parameter(torch.full(shape, value))


def normal(*shape: int, scale: float | None = None) -> nn.Parameter:
    """Normal draws, held within three deviations; by default 1 / sqrt(inputs)."""
    deviation = shape[-2] ** -0.5 if scale is None else scale
    return nn.Parameter(torch.randn(shape).clamp(-3, 3) * deviation)


def uniform(*shape: int, scale: float) -> nn.Parameter:
    """Uniform draws between -scale and scale."""
    return nn.Parameter((2 * torch.rand(shape) - 1) * scale)


def linear(inputs: int, outputs: int, bias: bool = False) -> nn.Linear:
    """A matrix, with a bias of zero if asked for."""
    layer = nn.Linear(inputs, outputs, bias=bias)
    layer.weight = nn.Parameter(normal(inputs, outputs).detach().T.contiguous())
    if bias:
        nn.init.zeros_(layer.bias)
    return layer


def scalar(value: float, like: Tensor) -> Tensor:
    """A number as an array."""
    return torch.tensor(value, device=like.device)


def ramp(size: int, first: float, last: float, like: Tensor) -> Tensor:
    """Numbers from first to last in equal steps."""
    return torch.linspace(first, last, size, device=like.device)


def over_time(value: Tensor, like: Tensor, features: int) -> Tensor:
    """A value at all positions of all sequences: [B, T, *features]."""
    return value.expand(*like.shape[:2], *value.shape[value.ndim - features :])


def concat(*values: Tensor) -> Tensor:
    """Join last axes; the other axes broadcast."""
    leading = torch.broadcast_shapes(*(value.shape[:-1] for value in values))
    whole = [value.expand(*leading, value.shape[-1]) for value in values]
    return torch.cat(whole, dim=-1)


def rms_normalize(x: Tensor) -> Tensor:
    """Divide by the root mean square of the last axis (1910.07467)."""
    return x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + 1e-6)


def standardize(x: Tensor) -> Tensor:
    """Subtract the mean of the last axis, divide by its deviation (1607.06450)."""
    x = x - x.mean(dim=-1, keepdim=True)
    return x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + 1e-6)


def l2_normalize(x: Tensor) -> Tensor:
    """Divide by the length of the last axis."""
    return x * torch.rsqrt(x.square().sum(dim=-1, keepdim=True) + 1e-6)


def places(like: Tensor, past: Past | None = None) -> Tensor:
    """The numbers of the positions: [T]."""
    first = 0 if past is None else past.position
    return torch.arange(first, first + like.shape[1], device=like.device)


def position(like: Tensor, past: Past | None = None) -> Tensor:
    """The number of every position: [1, T, 1]."""
    return places(like, past).float()[None, :, None]


def sinusoid(features: int, like: Tensor, past: Past | None = None) -> Tensor:
    """Sines and cosines of the position (1706.03762): [1, T, features]."""
    even = torch.arange(0, features, 2, device=like.device)
    angle = position(like, past) * 10000.0 ** (-even / features)
    table = torch.stack([torch.sin(angle), torch.cos(angle)], dim=-1)
    return table.flatten(-2)[..., :features]


def rope(x: Tensor, base: float, past: Past | None = None) -> Tensor:
    """Rotate pairs of the last axis by angles that grow with time (2104.09864)."""
    half = x.shape[-1] // 2
    rate = base ** (-torch.arange(half, device=x.device) / half)
    angle = places(x, past)[:, None] * rate
    angle = angle.reshape(x.shape[1], *[1] * (x.ndim - 3), half)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    first, second, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    turned = [first * cosine - second * sine, second * cosine + first * sine, rest]
    return torch.cat(turned, dim=-1)


def last_position(x: Tensor) -> Tensor:
    """The features of the last position, at every position."""
    return x[:, -1:].expand_as(x)


def recent(x: Tensor, length: int, past: Past | None, name: str) -> Tensor:
    """x behind the values of some positions before, zero before the start."""
    if past is None:
        start = x.new_zeros(x.shape[0], length, *x.shape[2:])
        return torch.cat([start, x], dim=1)
    kept = past.read(name)
    whole = torch.cat([kept, x], dim=1)
    past.keep(name, whole[:, x.shape[1] :])
    return whole[:, kept.shape[1] - length :]


def cached(
    x: Tensor, past: Past | None, name: str, window: int | None = None
) -> Tensor:
    """x behind its values at all positions before, or at those of a window."""
    if past is None:
        return x
    kept, end = past.read(name), past.position + x.shape[1]
    if window is not None:
        length = min(window, past.position, kept.shape[1])
        return recent(x, length, past, name)
    kept[:, past.position : end] = x
    return kept[:, :end]


def shift(x: Tensor, steps: int, past: Past | None = None, name: str = "") -> Tensor:
    """The value of some positions before, zero before the start."""
    return recent(x, steps, past, name)[:, : x.shape[1]]


def causal_conv(
    x: Tensor, weight: Tensor, past: Past | None = None, name: str = ""
) -> Tensor:
    """A filter over the last positions; its first row meets the present."""
    kernel = weight.shape[0]
    filters = weight.reshape(kernel, -1).flip(0).T[:, None]  # [features, 1, kernel]
    whole = recent(x, kernel - 1, past, name).flatten(2).transpose(1, 2)
    y = F.conv1d(whole, filters, groups=filters.shape[0])
    return y.transpose(1, 2).reshape(x.shape)


def long_conv(
    x: Tensor,
    filter: Tensor,
    past: Past | None = None,
    names: tuple[str, str] = ("", ""),
) -> Tensor:
    """A filter as long as the context, by Fourier transforms (2302.10866)."""
    time = x.shape[1]
    x, filter = cached(x, past, names[0]), cached(filter, past, names[1])
    if time == 1:
        return (filter * x.flip(1)).sum(dim=1, keepdim=True)
    whole = x.shape[1]
    spectrum = torch.fft.rfft(x, n=2 * whole, dim=1)
    spectrum = spectrum * torch.fft.rfft(filter, n=2 * whole, dim=1)
    return torch.fft.irfft(spectrum, n=2 * whole, dim=1)[:, whole - time : whole]


def ngram(
    tokens: Tensor, order: int, size: int, past: Past | None = None, name: str = ""
) -> Tensor:
    """A number below size for the last tokens: a rolling hash (2412.09871)."""
    whole = recent(tokens, order - 1, past, name).long()
    time = tokens.shape[1]
    code = whole[:, :time] % size
    for first in range(1, order):
        code = (code * 32749 + whole[:, first : first + time]) % size
    return code


def cumulative_sum(x: Tensor, past: Past | None = None, name: str = "") -> Tensor:
    """The sum over all positions so far."""
    total = torch.cumsum(x, dim=1)
    if past is not None:
        total = total + past.read(name)[:, None]
        past.keep(name, total[:, -1])
    return total


def linear_scan(
    decay: Tensor, x: Tensor, past: Past | None = None, name: str = ""
) -> Tensor:
    """h = decay * h + x along time, in log T passes that double their reach."""
    decay, x = torch.broadcast_tensors(decay, x)
    if past is not None:
        first = decay[:, :1] * past.read(name)[:, None] + x[:, :1]
        x = torch.cat([first, x[:, 1:]], dim=1)
    reach = 1
    while reach < x.shape[1]:
        x = x + decay * shift(x, reach)
        decay = decay * shift(decay, reach)
        reach *= 2
    if past is not None:
        past.keep(name, x[:, -1])
    return x


def lstm_gates(
    i: Tensor, f: Tensor, z: Tensor, o: Tensor, cell: Tensor
) -> tuple[Tensor, ...]:
    """Result and cell after one position (Hochreiter and Schmidhuber, 1997)."""
    cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(z)
    return torch.sigmoid(o) * torch.tanh(cell), cell


def slstm_gates(
    i: Tensor,
    f: Tensor,
    z: Tensor,
    o: Tensor,
    cell: Tensor,
    total: Tensor,
    high: Tensor,
) -> tuple[Tensor, ...]:
    """The same with exponential gates, kept small by their highest (2405.04517)."""
    kept = torch.where(total > 0, F.logsigmoid(f) + high, i)
    high = torch.maximum(kept, i)
    old, new = torch.exp(kept - high), torch.exp(i - high)
    cell, total = old * cell + new * torch.tanh(z), old * total + new
    return torch.sigmoid(o) * cell / total, cell, total, high


def lstm(
    input: Tensor,
    forget: Tensor,
    cell: Tensor,
    output: Tensor,
    weight: Tensor,
    exponential: bool = False,
    past: Past | None = None,
    name: str = "",
) -> Tensor:
    """A recurrence whose gates read its last result, one position after another."""
    gates = torch.stack(torch.broadcast_tensors(input, forget, cell, output), dim=2)
    nothing = (torch.zeros_like(gates[:, 0, 0]),) * (4 if exponential else 2)
    state = nothing if past is None else past.read(name).unbind(1)
    step, results = slstm_gates if exponential else lstm_gates, []
    for t in range(gates.shape[1]):
        added = torch.einsum("bhk,ghks->bghs", state[0], weight)
        state = step(*(gates[:, t] + added).unbind(1), *state[1:])
        results.append(state[0])
    if past is not None:
        past.keep(name, torch.stack(state, dim=1))
    return torch.stack(results, dim=1)


def alibi_slopes(q: Tensor) -> Tensor:
    """How fast scores fall with distance, for each head (2108.12409): [H, 1, 1]."""
    heads = q.shape[2]
    power = 2 ** math.floor(math.log2(heads))
    slopes = [2 ** (-8 * i / power) for i in range(1, power + 1)]
    slopes += [2 ** (-4 * i / power) for i in range(1, 2 * power, 2)]
    return torch.tensor(slopes[:heads], device=q.device)[:, None, None]


def decay_bias(
    log_decay: Tensor,
    past: Past | None = None,
    name: str = "",
    window: int | None = None,
) -> Tensor:
    """Sums of log decays between keys and queries (2503.02130): [B, H, T, S]."""
    total = torch.cumsum(log_decay, dim=1)
    if past is not None:
        last = past.position - 1 if window is None else -1
        total = total + past.read(name)[:, last, None]
    every = cached(total, past, name, window)
    return total.transpose(1, 2)[..., None] - every.transpose(1, 2)[..., None, :]


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    past: Past | None = None,
    names: tuple[str, str] = ("", ""),
    window: int | None = None,
    slopes: Tensor | None = None,
    bias: Tensor | None = None,
    scale: float | None = None,
) -> Tensor:
    """Causal softmax attention; groups of heads may share keys (2305.13245)."""
    time, shared = q.shape[1], q.shape[2] // k.shape[2]
    k, v = cached(k, past, names[0], window), cached(v, past, names[1], window)
    k, v = (x.repeat_interleave(shared, dim=2).transpose(1, 2) for x in (k, v))
    q, whole = q.transpose(1, 2), k.shape[2]
    if time == whole and window is None and slopes is None and bias is None:
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)
        return y.transpose(1, 2)
    place = torch.arange(whole, device=q.device)
    distance = place[whole - time :, None] - place  # [T, S]: queries are the last
    hidden = distance < 0
    if window is not None:
        hidden = hidden | (distance >= window)
    mask = torch.zeros(hidden.shape, dtype=q.dtype, device=q.device)
    if slopes is not None:
        mask = mask - slopes * distance
    if bias is not None:
        mask = mask + bias
    mask = mask.masked_fill(hidden, -math.inf)
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
    return y.transpose(1, 2)


def chunked(x: Tensor, chunk: int) -> Tensor:
    """[B, T, H, K] to [B, chunks, H, chunk, K], zeros after the end."""
    x = F.pad(x, (0, 0, 0, 0, 0, -x.shape[1] % chunk))
    return x.unflatten(1, (-1, chunk)).transpose(2, 3)


def head_decay(total: Tensor) -> Tensor:
    """What is left at a row of what entered at a column, from sums of log decays."""
    gap = total - total.transpose(-1, -2)
    later = torch.ones_like(gap, dtype=torch.bool).triu(1)
    return torch.exp(gap.masked_fill(later, -math.inf))


def head_scores(q: Tensor, k: Tensor, total: Tensor) -> Tensor:
    """Products of queries with earlier keys, decayed head by head.

    Where there are n keys for each query, it stands at the last of them.
    """
    n = k.shape[-2] // q.shape[-2]
    return (q @ k.transpose(-1, -2)) * head_decay(total)[..., n - 1 :: n, :]


def channel_scores(q: Tensor, k: Tensor, total: Tensor) -> Tensor:
    """Products of queries with earlier keys, decayed channel by channel."""
    n = k.shape[-2] // q.shape[-2]
    gap = total[..., n - 1 :: n, None, :] - total[..., None, :, :]
    size = total.shape[-2]
    later = torch.ones(size, size, dtype=torch.bool, device=q.device).triu(1)
    kept = torch.exp(gap.masked_fill(later[n - 1 :: n, :, None], -math.inf))
    return (q[..., :, None, :] * k[..., None, :, :] * kept).sum(dim=-1)


def linear_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_decay: Tensor | None = None,
    past: Past | None = None,
    name: str = "",
) -> Tensor:
    """S = exp(log_decay) S + k v^T, read by q / sqrt(K), in chunks (2312.06635).

    The decay is [B, T, H] or, for every channel of the key, [B, T, H, K].
    """
    time, size = q.shape[1], q.shape[-1]
    if log_decay is None:
        log_decay = torch.zeros_like(q[..., 0])
    by_channel = log_decay.ndim == 4
    chunk = min(8 if by_channel else 64, time)
    decay = log_decay if by_channel else log_decay[..., None]
    q, k, v, decay = (chunked(x, chunk) for x in (q * size**-0.5, k, v, decay))
    total = torch.cumsum(decay, dim=-2)
    score = (channel_scores if by_channel else head_scores)(q, k, total)
    y = score @ v
    if y.shape[1] > 1 or past is not None:
        last = total[..., -1:, :]
        update = (k * torch.exp(last - total)).transpose(-1, -2) @ v
        start = torch.zeros_like(update[:, 0]) if past is None else past.read(name)
        state = linear_scan(torch.exp(last).transpose(-1, -2), update, past, name)
        before = torch.cat([start[:, None], state[:, :-1]], dim=1)
        y = y + (q * torch.exp(total)) @ before
    return y.transpose(2, 3).flatten(1, 2)[:, :time]


def in_order(x: Tensor, n: int) -> Tensor:
    """[B, chunks, H * n, chunk, K] to [B, chunks, H, chunk * n, K], by time."""
    return x.unflatten(2, (-1, n)).transpose(3, 4).flatten(3, 4)


def delta_rule(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    beta: Tensor,
    log_decay: Tensor | None = None,
    past: Past | None = None,
    name: str = "",
) -> Tensor:
    """Replace what a key recalls by a part beta of a value, in chunks (2412.06464).

    The decay is [B, T, H] or, for every channel of the key, [B, T, H, K] (2510.26692).
    With n keys for each head of queries, a head has n updates per position, one after
    another; it decays before the first and is read after the last (2502.10297).
    """
    time, size, n = q.shape[1], q.shape[-1], k.shape[2] // q.shape[2]
    if log_decay is None:
        log_decay = torch.zeros_like(q[..., 0])
    by_channel = log_decay.ndim == 4
    chunk = min((16 if by_channel else 64) // n, time)  # positions
    decay = log_decay if by_channel else log_decay[..., None]
    q, decay = chunked(q * size**-0.5, chunk), chunked(decay, chunk)
    k, v, beta = (in_order(chunked(x, chunk), n) for x in (k, v, beta[..., None]))
    scores = channel_scores if by_channel else head_scores
    total = torch.cumsum(decay, dim=-2).repeat_interleave(n, dim=-2)
    overlap = scores(beta * k, k, total).tril(-1)
    system = overlap + torch.eye(k.shape[-2], device=q.device)
    right = torch.cat([beta * v, beta * torch.exp(total) * k], dim=-1)
    solved = torch.linalg.solve_triangular(
        system, right, upper=False, unitriangular=True
    )
    written, erased = solved.split([v.shape[-1], size], dim=-1)
    score = scores(q, k, total)
    last = total[..., -1:, :]
    query = q * torch.exp(total[..., n - 1 :: n, :])
    key = (k * torch.exp(last - total)).transpose(-1, -2)
    kept = torch.exp(last).transpose(-1, -2)
    state = torch.zeros_like(key[:, 0] @ v[:, 0]) if past is None else past.read(name)
    outputs = []
    for index in range(q.shape[1]):
        stored = written[:, index] - erased[:, index] @ state
        outputs.append(query[:, index] @ state + score[:, index] @ stored)
        state = kept[:, index] * state + key[:, index] @ stored
    if past is not None:
        past.keep(name, state)
    return torch.stack(outputs, dim=1).transpose(2, 3).flatten(1, 2)[:, :time]


def generalized_delta_rule(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    remove: Tensor,
    rate: Tensor,
    log_decay: Tensor,
    past: Past | None = None,
    name: str = "",
) -> Tensor:
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
    total = torch.cumsum(decay, dim=-2)
    ahead = torch.roll(remove, -1, dims=-2)  # what is lost is read a position before
    stored = torch.roll(scores(ahead, k, total), 1, dims=-2).tril(-1)
    overlap = torch.roll(scores(ahead, lost, total), 1, dims=-2).tril(-1)
    before = torch.cat(
        [torch.zeros_like(decay[..., :1, :]), total[..., :-1, :]], dim=-2
    )
    right = torch.cat([stored @ v, torch.exp(before) * remove], dim=-1)
    system = overlap + torch.eye(chunk, device=q.device)
    solved = torch.linalg.solve_triangular(
        system, right, upper=False, unitriangular=True
    )
    recalled, read = solved.split([v.shape[-1], size], dim=-1)
    score = torch.cat([scores(q, k, total), -scores(q, lost, total)], dim=-1)
    last = total[..., -1:, :]
    query, until_end = q * torch.exp(total), torch.exp(last - total)
    keys = torch.cat([k * until_end, -lost * until_end], dim=-2).transpose(-1, -2)
    kept = torch.exp(last).transpose(-1, -2)
    state = torch.zeros_like(keys[:, 0, ..., :chunk] @ v[:, 0])
    state = state if past is None else past.read(name)
    outputs = []
    for index in range(q.shape[1]):
        now = recalled[:, index] + read[:, index] @ state
        change = torch.cat([v[:, index], now], dim=-2)
        outputs.append(query[:, index] @ state + score[:, index] @ change)
        state = kept[:, index] * state + keys[:, index] @ change
    if past is not None:
        past.keep(name, state)
    return torch.stack(outputs, dim=1).transpose(2, 3).flatten(1, 2)[:, :time]


def surprise(scores: Tensor, tokens: Tensor) -> Tensor:
    """The cross-entropy in nats of tokens under scores."""
    chosen = scores.gather(-1, tokens.long()[..., None])[..., 0]
    return torch.logsumexp(scores, dim=-1) - chosen


def top_k(x: Tensor, count: int) -> Tensor:
    """Keep the largest numbers of the last axis, of equals the first."""
    chosen = x.argsort(dim=-1, descending=True, stable=True)[..., :count]
    kept = torch.zeros_like(x, dtype=torch.bool).scatter(-1, chosen, True)
    return x.masked_fill(~kept, -math.inf)


class Experts(nn.Module):
    """Gated units (2002.05202) that take part by their gates (1701.06538)."""

    def __init__(self, experts: int, width: int, hidden: int) -> None:
        super().__init__()
        self.up = normal(experts, width, hidden)
        self.gate = normal(experts, width, hidden)
        self.down = normal(experts, hidden, width)

    def forward(self, x: Tensor, gates: Tensor) -> Tensor:
        experts = zip(self.up, self.gate, self.down, gates.unbind(-1), strict=True)
        y = torch.zeros_like(x)
        for up, gate, down, part in experts:
            y = y + part[..., None] * ((F.silu(x @ gate) * (x @ up)) @ down)
        return y


def parameter_count(model: nn.Module) -> int:
    """Learned numbers."""
    return sum(parameter.numel() for parameter in model.parameters())


def fill(
    model: nn.Module, path: str | Path, renamed: dict[str, str] | None = None
) -> None:
    """Set all parameters from a file, in which matrices are [inputs, outputs]."""
    modules = dict(model.named_modules())
    arrays = {}
    for key, array in load_file(path).items():
        parts = key.replace("/", ".").split(".")
        name = ".".join((renamed or {}).get(part, part) for part in parts)
        layer = name.removesuffix(".weight")
        if isinstance(modules.get(layer), nn.Linear):
            arrays[f"{layer}.weight"] = array.T
        elif parts[0] != "optimizer":
            arrays[name] = array
    model.load_state_dict(arrays)
