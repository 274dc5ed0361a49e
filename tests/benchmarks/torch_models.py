"""Three published architectures as plain PyTorch, the way a careful person writes them for eager mode.

Each has exactly the parameters of the published recipe of the same name, so that a step of either does the same work.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HEADS = 4
KERNEL = 4
MAMBA_STATE = 32
CHUNK = 64


class Attention(nn.Module):
    """Causal attention with rotary positions, one fused projection, and the framework's own fused kernel."""

    cosine: Tensor
    sine: Tensor

    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        pairs = width // HEADS // 2
        angles = torch.arange(context)[:, None] * 10_000.0 ** (-torch.arange(pairs) / pairs)
        self.register_buffer("cosine", angles.cos())
        self.register_buffer("sine", angles.sin())

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        heads = self.project(x).view(batch, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(self.rotate(heads[0]), self.rotate(heads[1]), heads[2], is_causal=True)
        return self.out(y.transpose(1, 2).reshape(batch, length, width))

    def rotate(self, x: Tensor) -> Tensor:
        first, second = x.chunk(2, dim=-1)
        cosine, sine = self.cosine[: x.shape[-2]], self.sine[: x.shape[-2]]
        return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)


class SwiGLU(nn.Module):
    """Gated channel mixer."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class ShortConvolution(nn.Module):
    """Causal depthwise convolution over [B, T, features]."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.kernel = nn.Conv1d(features, features, KERNEL, groups=features, padding=KERNEL - 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.kernel(x.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2)


def segment_sums(x: Tensor) -> Tensor:
    """Sums of x over (j, i] for j <= i, minus infinity above the diagonal: [..., T] to [..., T, T]."""
    totals = x.cumsum(-1)
    differences = totals[..., :, None] - totals[..., None, :]
    above = torch.ones(x.shape[-1], x.shape[-1], dtype=torch.bool).triu(1)
    return differences.masked_fill(above, float("-inf"))


class Mamba2(nn.Module):
    """State space duality in chunks (2405.21060, section 6)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.project = nn.Linear(width, 2 * hidden + 2 * MAMBA_STATE + HEADS, bias=False)
        self.convolution = ShortConvolution(hidden + 2 * MAMBA_STATE)
        self.step_bias = nn.Parameter(torch.linspace(-6.9, -2.3, HEADS))
        self.rate = nn.Parameter(torch.linspace(0.0, 2.77, HEADS))
        self.skip = nn.Parameter(torch.ones(HEADS, hidden // HEADS))
        self.norm = nn.RMSNorm(hidden)
        self.out = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, _ = x.shape
        gate, mixed, step = self.project(x).split((self.hidden, self.hidden + 2 * MAMBA_STATE, HEADS), dim=-1)
        mixed = F.silu(self.convolution(mixed))
        value, key, query = mixed.split((self.hidden, MAMBA_STATE, MAMBA_STATE), dim=-1)
        value = value.view(batch, length, HEADS, -1)
        step = F.softplus(step + self.step_bias)
        y = self.scan(value * step[..., None], -step * self.rate.exp(), key, query) + self.skip * value
        return self.out(self.norm(y.reshape(batch, length, self.hidden) * F.silu(gate)))

    def scan(self, value: Tensor, decay: Tensor, key: Tensor, query: Tensor) -> Tensor:
        batch, length = key.shape[:2]
        chunk = min(CHUNK, length)
        value, decay, key, query = (a.view(batch, -1, chunk, *a.shape[2:]) for a in (value, decay, key, query))
        decay = decay.permute(0, 3, 1, 2)
        totals = decay.cumsum(-1)
        inside = segment_sums(decay).exp()
        y = torch.einsum("bcln,bcsn,bhcls,bcshp->bclhp", query, key, inside, value)
        states = torch.einsum("bcsn,bhcs,bcshp->bchpn", key, (totals[..., -1:] - totals).exp(), value)
        states = torch.cat((torch.zeros_like(states[:, :1]), states), dim=1)
        between = segment_sums(F.pad(totals[..., -1], (1, 0))).exp()
        states = torch.einsum("bhzc,bchpn->bzhpn", between, states)[:, :-1]
        y = y + torch.einsum("bcln,bchpn,bhcl->bclhp", query, states, totals.exp())
        return y.reshape(batch, length, HEADS, -1)


class GatedDeltaNet(nn.Module):
    """Gated delta rule in chunks (2412.06464, section 3.3), the triangular system solved by the framework."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.convolution = ShortConvolution(3 * width)
        self.gates = nn.Linear(width, 2 * HEADS, bias=False)
        self.step_bias = nn.Parameter(torch.linspace(-6.9, -2.3, HEADS))
        self.rate = nn.Parameter(torch.linspace(0.0, 2.77, HEADS))
        self.gain = nn.Parameter(torch.ones(HEADS, width // HEADS))
        self.gate = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        mixed = F.silu(self.convolution(self.project(x)))
        q, k, v = mixed.view(batch, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        beta, step = self.gates(x).transpose(1, 2).chunk(2, dim=1)
        decay = -F.softplus(step + self.step_bias[:, None]) * self.rate.exp()[:, None]
        y = self.scan(F.normalize(q, dim=-1), F.normalize(k, dim=-1), v, beta.sigmoid(), decay)
        y = F.rms_norm(y.transpose(1, 2), y.shape[-1:]) * self.gain
        y = y.reshape(batch, length, width)
        return self.out(y * F.silu(self.gate(x)))

    def scan(self, q: Tensor, k: Tensor, v: Tensor, beta: Tensor, decay: Tensor) -> Tensor:
        """q, k, v [B, H, T, K]; beta, decay (logarithmic) [B, H, T]."""
        batch, heads, length, size = q.shape
        chunk = min(CHUNK, length)
        q, k, v = (a.view(batch, heads, -1, chunk, size) for a in (q, k, v))
        beta, decay = (a.view(batch, heads, -1, chunk) for a in (beta, decay))
        totals = decay.cumsum(-1)
        between = segment_sums(decay).exp()
        system = (k * beta[..., None]) @ k.transpose(-1, -2) * between
        system = system.tril(-1) + torch.eye(chunk)
        right = torch.cat((v * beta[..., None], k * (beta * totals.exp())[..., None]), dim=-1)
        fresh, known = torch.linalg.solve_triangular(system, right, upper=False, unitriangular=True).chunk(
            2, dim=-1
        )
        inside = q @ k.transpose(-1, -2) * between
        reading = q * totals.exp()[..., None]
        writing = k * (totals[..., -1:] - totals).exp()[..., None]
        state = q.new_zeros(batch, heads, size, size)
        outputs = []
        for i in range(length // chunk):
            written = fresh[:, :, i] - known[:, :, i] @ state
            outputs.append(reading[:, :, i] @ state + inside[:, :, i] @ written)
            kept = totals[:, :, i, -1, None, None].exp() * state
            state = kept + writing[:, :, i].transpose(-1, -2) @ written
        return torch.cat(outputs, dim=2)


class LanguageModel(nn.Module):
    """Pre-normalised residual blocks between an embedding and a linear head: tokens [B, T] to scores [B, T, V]."""

    def __init__(self, mixers: list[nn.Module], width: int, vocabulary: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.mixers = nn.ModuleList(mixers)
        self.norms = nn.ModuleList(nn.RMSNorm(width) for _ in mixers)
        self.norm = nn.RMSNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens)
        for norm, mixer in zip(self.norms, self.mixers, strict=True):
            x = x + mixer(norm(x))
        return self.head(self.norm(x))


def build(name: str, width: int, hidden: int, vocabulary: int, context: int, blocks: int) -> LanguageModel:
    """The architecture `name` (llama, mamba2, gated_deltanet) with so many blocks."""
    mixers: list[nn.Module] = []
    for index in range(blocks):
        if name == "mamba2":
            mixers.append(Mamba2(width, hidden))
        elif index % 2:
            mixers.append(SwiGLU(width, hidden))
        elif name == "llama":
            mixers.append(Attention(width, context))
        else:
            mixers.append(GatedDeltaNet(width))
    return LanguageModel(mixers, width, vocabulary)
