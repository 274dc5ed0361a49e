"""Exported modules as a user has them: a file that is imported, filled with weights, and run on host arrays."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from backends.conformance import probe
from backends.export.module import module_text
from backends.export.targets import TARGETS
from backends.initial import initial_parameters
from backends.weights import write_state
from cognition.loader import load_architectures, load_library
from genome.component import Library
from genome.instance import Instance, instantiate
from genome.values import Sizes

LIBRARY = load_library()
ARCHITECTURES = load_architectures()
SIZES = Sizes(width=32, hidden=64, vocabulary=24, context=16)
COMPONENTS = tuple(name for name, component in LIBRARY.items() if component.kind != "training")
CASES = (*COMPONENTS, *(f"architecture {name}" for name in ARCHITECTURES))


@cache
def instance_of(case: str) -> Instance:
    """A component in a recipe of plain parts, or an architecture at tiny sizes."""
    name = case.removeprefix("architecture ")
    return probe(LIBRARY[name]) if name == case else instantiate(ARCHITECTURES[name].recipe, LIBRARY, SIZES)


@dataclass(frozen=True)
class Exported:
    """An imported module and a model with the parameters of seed 0."""

    text: str
    module: Any
    model: Any

    def logits(self, tokens_BxT: np.ndarray) -> np.ndarray:
        return np.asarray(self.model(array(tokens_BxT, self.model)))


def exported(
    instance: Instance, target: str, folder: Path, library: Library = LIBRARY, lines: tuple[str, ...] = ()
) -> Exported:
    """Write, import and fill a module."""
    text = module_text(instance, library, TARGETS[target], "a model", lines)
    path, weights = folder / f"exported_{target}.py", folder / "weights.safetensors"
    path.write_text(text, encoding="utf-8")
    moments: Mapping[str, np.ndarray] = {"momentum/head.0": np.zeros(3, np.float32)}
    write_state(weights, initial_parameters(instance, 0), dict(moments), 7, {"adjustments": "[]"})
    module = imported(path)
    return Exported(text, module, module.load(weights))


def imported(path: Path) -> Any:
    """The module of a file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def array(tokens_BxT: np.ndarray, model: Any) -> Any:
    """Tokens as an array of the model's framework."""
    framework = next(base.__module__.partition(".")[0] for base in type(model).__mro__[1:])
    if framework == "torch":
        import torch

        return torch.tensor(tokens_BxT.astype(np.int64)).requires_grad_(False)
    if framework == "mlx":
        import mlx.core as mx

        return mx.array(tokens_BxT.copy())
    import jax.numpy as jnp

    return jnp.asarray(tokens_BxT)


def relative_error(got: np.ndarray, want: np.ndarray) -> float:
    return float(np.sqrt(((got - want) ** 2).mean()) / max(np.sqrt((want**2).mean()), 1e-6))
