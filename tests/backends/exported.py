"""Exported modules as a user has them: a file that is imported, filled with weights, and run on host arrays."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, replace
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
from genome.instance import Instance, instantiate
from tests.backends.compiling import QUICK
from tests.backends.small_recipes import DECODED as SIZES

LIBRARY = load_library()
ARCHITECTURES = load_architectures()
IN_ARCHITECTURES = {gene.component for known in ARCHITECTURES.values() for _, gene in known.recipe.genes()}
OTHERS = tuple(n for n, own in LIBRARY.items() if own.kind != "training" and n not in IN_ARCHITECTURES)
PROBE_SIZES = replace(SIZES, width=32)
CASES = (*OTHERS, *(f"architecture {name}" for name in ARCHITECTURES))
"""Together they hold every component."""

LINES = ("block 0: " + "long " * 40,)
"""An ordered list that must be wrapped."""


@cache
def instance_of(case: str) -> Instance:
    """A component in a recipe of plain parts, or an architecture at tiny sizes."""
    name = case.removeprefix("architecture ")
    if name == case:
        return probe(LIBRARY[name], sizes=PROBE_SIZES)
    return instantiate(ARCHITECTURES[name].recipe, LIBRARY, SIZES)


@cache
def text_of(case: str, target: str) -> str:
    """The module of a case."""
    return module_text(instance_of(case), LIBRARY, TARGETS[target], case, LINES)


@dataclass(frozen=True)
class Exported:
    """An imported module and a model of it with the parameters of seed 0."""

    target: str
    text: str
    module: Any
    model: Any

    def array(self, tokens: np.ndarray) -> Any:
        """Tokens as an array of the framework."""
        if self.target == "torch":
            import torch

            return torch.tensor(tokens.astype(np.int64))
        if self.target == "mlx":
            import mlx.core as mx

            return mx.array(np.ascontiguousarray(tokens))
        return np.asarray(tokens)

    def logits(self, tokens_BxT: np.ndarray) -> np.ndarray:
        """Scores of the next token, on the host."""
        tokens = self.array(tokens_BxT)
        if self.target == "torch":
            import torch

            with torch.no_grad():
                return self.model(tokens).numpy()
        if self.target == "mlx":
            return np.array(self.model(tokens))
        return np.asarray(compiled_once(lambda model, tokens: model(tokens), self.model, tokens))

    def decoded(self, tokens_BxT: np.ndarray) -> tuple[np.ndarray, list[int]]:
        """Scores of tokens that are read from a state, and the bytes of a sequence in it before and after.

        Flax reads them one by one in one program; the others some in one call between single ones.
        """
        state = self.model.initial_state(len(tokens_BxT))
        before = state_bytes(state, len(tokens_BxT))
        if self.target == "flax":
            import jax

            def steps(model: Any, tokens_TxB: Any, state: Any) -> Any:
                def step(state: Any, token: Any) -> Any:
                    scores, state = model.step(token, state)
                    return state, scores

                return jax.lax.scan(step, state, tokens_TxB)

            state, scores_TxBxV = compiled_once(steps, self.model, tokens_BxT.T, state)
            scores_BxTxV = np.asarray(scores_TxBxV).swapaxes(0, 1)
        else:
            parts = []
            for tokens in np.split(tokens_BxT, [*range(1, 9), *range(48, 64)], axis=1):
                scores, state = self.model.read(self.array(tokens), state)
                parts.append(scores.numpy() if self.target == "torch" else np.array(scores))
            scores_BxTxV = np.concatenate(parts, axis=1)
        assert int(state.position) == tokens_BxT.shape[1]
        return scores_BxTxV, [before, state_bytes(state, len(tokens_BxT))]


def compiled_once(function: Any, model: Any, *arguments: Any) -> Any:
    """What a function of a Flax model and arrays returns, compiled to run once."""
    import jax
    from flax import nnx

    graph, state = nnx.split(model)
    merged = jax.jit(lambda state, *arrays: function(nnx.merge(graph, state), *arrays))
    return merged.lower(state, *arguments).compile(QUICK)(state, *arguments)


def lowered_scores(instance: Instance, tokens_BxT: np.ndarray) -> np.ndarray:
    """Scores of an instance as this project lowers it to JAX, with the parameters of seed 0."""
    from backends.jax.network import Network

    network = Network(instance, initial_parameters(instance, 0))
    return np.asarray(compiled_once(lambda network, tokens: network(tokens)[0], network, tokens_BxT))


def state_bytes(state: Any, batch: int) -> int:
    """Bytes of a state that belong to one sequence of several."""
    assert batch > 1
    return sum(array.nbytes // batch for array in state.arrays.values() if array.shape[0] == batch)


def decoding_faults(own: Exported, instance: Instance, tokens_BxT: np.ndarray, want: np.ndarray) -> list[str]:
    """Positions at which decoding differs from the parallel form, and bytes that the cost model does not count."""
    got, kept = own.decoded(tokens_BxT)
    error_T = np.sqrt(((got - want) ** 2).mean(axis=(0, 2)) / (want**2).mean(axis=(0, 2)))
    found = [f"position {t}: {error:.1e}" for t, error in enumerate(error_T) if not error <= 1e-4]
    declared = instance.cost.state_bytes
    return found + [f"{count} bytes, declared {declared}" for count in kept if count != declared]


def exported(case: str, target: str, folder: Path) -> Exported:
    """Write, import and fill the module of a case; weights that the folder has are taken."""
    return filled(text_of(case, target), instance_of(case), target, folder)


def filled(text: str, instance: Instance, target: str, folder: Path) -> Exported:
    """A module of this text with the parameters of seed 0."""
    path, weights = folder / f"exported_{target}.py", folder / "weights.safetensors"
    path.write_text(text, encoding="utf-8")
    if not weights.exists():
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
