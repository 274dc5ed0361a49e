"""Exported modules as a user has them: a file that is imported, filled with weights, and run on host arrays."""

from __future__ import annotations

import importlib.util
import sys
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

QUICK = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
"""Options under which XLA compiles a program that runs once."""


@cache
def instance_of(case: str) -> Instance:
    """A component in a recipe of plain parts, or an architecture at tiny sizes."""
    name = case.removeprefix("architecture ")
    return probe(LIBRARY[name]) if name == case else instantiate(ARCHITECTURES[name].recipe, LIBRARY, SIZES)


@dataclass(frozen=True)
class Exported:
    """An imported module and a model of it with the parameters of seed 0."""

    target: str
    text: str
    module: Any
    model: Any

    def logits(self, tokens_BxT: np.ndarray) -> np.ndarray:
        """Scores of the next token, on the host."""
        if self.target == "torch":
            import torch

            with torch.no_grad():
                return self.model(torch.tensor(tokens_BxT.astype(np.int64))).numpy()
        if self.target == "mlx":
            import mlx.core as mx

            return np.array(self.model(mx.array(tokens_BxT.copy())))
        import jax
        from flax import nnx

        graph, state = nnx.split(self.model)
        compiled = jax.jit(lambda state, tokens: nnx.merge(graph, state)(tokens)).lower(state, tokens_BxT)
        return np.asarray(compiled.compile(QUICK)(state, tokens_BxT))


def exported(
    instance: Instance, target: str, folder: Path, library: Library = LIBRARY, lines: tuple[str, ...] = ()
) -> Exported:
    """Write, import and fill a module."""
    text = module_text(instance, library, TARGETS[target], "a model", lines)
    path, weights = folder / f"exported_{target}.py", folder / "weights.safetensors"
    path.write_text(text, encoding="utf-8")
    parameters = initial_parameters(instance, 0)
    write_state(weights, parameters, {"first": parameters}, 7, {"adjustments": "[]"})
    module = imported(path)
    return Exported(target, text, module, module.load(weights))


def imported(path: Path) -> Any:
    """The module of a file."""
    spec = importlib.util.spec_from_file_location(f"exported_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return module


def relative_error(got: np.ndarray, want: np.ndarray) -> float:
    return float(np.sqrt(((got - want) ** 2).mean()) / max(np.sqrt((want**2).mean()), 1e-6))
