"""The same recipe trained by PyTorch: one `torch.compile` program, autocast, fused AdamW, tokens on the device."""

from __future__ import annotations

import time

import numpy as np
import torch
from device_figures import Running, Setup
from torch.nn import functional as F
from torch_models import build

from backends.batch import Batch
from genome.instance import Instance


def compiled_by_torch(setup: Setup, instance: Instance, batch: Batch) -> Running:
    """Training steps on the first CUDA device, or on the CPU where there is none.

    Raises ValueError where the plain model has other parameters than the instance.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    sizes = instance.sizes
    torch.set_float32_matmul_precision("high")  # TF32, which JAX takes for float32 on these devices too
    model = build(
        setup.recipe, sizes.width, sizes.hidden, sizes.vocabulary, sizes.context, len(instance.blocks)
    ).to(device)
    count = sum(parameter.numel() for parameter in model.parameters())
    if count != instance.cost.parameters:
        raise ValueError(f"{setup.recipe}: {count} parameters in PyTorch, {instance.cost.parameters} here")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    inputs, targets = (
        torch.from_numpy(tokens.astype(np.int64)).to(device) for tokens in (batch.inputs_BxT, batch.targets_BxT)
    )

    def loss(inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16, enabled=setup.precision == "bfloat16"):
            scores = model(inputs)
        return F.cross_entropy(scores.flatten(0, 1).float(), targets.flatten())

    compiled_loss = torch.compile(loss)

    def train(steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            compiled_loss(inputs, targets).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    started = time.perf_counter()
    train(1)
    first = time.perf_counter() - started
    started = time.perf_counter()
    train(1)
    compile_seconds = max(0.0, first - (time.perf_counter() - started))
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    kind = "gpu" if device == "cuda" else "cpu"
    peak = torch.cuda.max_memory_allocated if device == "cuda" else lambda: 0
    return Running(name, kind, train, lambda: compile_seconds, peak)
