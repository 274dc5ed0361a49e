"""The frameworks that recipes are exported to."""

from __future__ import annotations

from collections.abc import Mapping

from backends.export.target import Target
from backends.export.targets.flax import FLAX
from backends.export.targets.mlx import MLX
from backends.export.targets.torch import TORCH

TARGETS: Mapping[str, Target] = {target.name: target for target in (FLAX, MLX, TORCH)}
