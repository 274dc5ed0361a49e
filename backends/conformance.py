"""Checks that every backend must pass, for any component: it needs nothing of a backend but its protocol.

Each check returns what is wrong, one line per fault, and nothing where all is well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from backends.batch import IGNORED, Batch
from backends.protocol import Backend, Model
from genome.component import Component, Library
from genome.expressions import Scalar
from genome.instance import Instance, instantiate
from genome.operation import OPERATIONS
from genome.parser import parse_component
from genome.recipe import Block, Gene, Recipe
from genome.values import Sizes

SIZES = Sizes(width=32, hidden=64, vocabulary=24, context=16)
"""Sizes of the checks. The vocabulary exceeds the context, so that all tokens of a sequence can differ."""

BATCH = 2
LEAK = 1e-5
"""Influence of later positions, relative to a position's own, that rounding explains (Fourier transforms)."""

STRUCTURAL = frozenset({"shared", "input_tokens", "optimizer"})
"""Operations that name a place or a setting, and compute nothing."""

_PLAIN = (
    "def plain_embedding(tokens) -> embedding:\n    return lookup(weight(vocabulary, width, scale=1.0), tokens)",
    "def plain_channel(x) -> channel:\n    return linear(tanh(linear(x)))",
    "def plain_residual(x, branch) -> residual:\n    return x + branch",
    "def plain_merge(left, right) -> merge:\n    return left + right",
    "def plain_head(x) -> head:\n    return linear(rms_normalize(x), vocabulary)",
    'def plain_training() -> training:\n    return optimizer("lion", 0.001, schedule="constant", warmup=0.0)',
)


def missing_operations(implemented: Iterable[str]) -> list[str]:
    """Operations of the language that a backend's table lacks, and entries that are not of the language."""
    needed = set(OPERATIONS) - STRUCTURAL
    given = set(implemented)
    lacks = [f"operation {name} has no implementation" for name in sorted(needed - given)]
    return lacks + [f"{name} is not an operation" for name in sorted(given - set(OPERATIONS))]


def probe(component: Component, settings: Mapping[str, Scalar] | None = None, sizes: Sizes = SIZES) -> Instance:
    """A small recipe of plain parts around one component, in the place its kind belongs to."""
    library: Library = {**{part.name: part for part in _plain_components()}, component.name: component}
    gene = Gene(component=component.name, settings=dict(settings or {}))
    kind = component.kind
    parts = {
        name: gene if kind == name else Gene(component=f"plain_{name}")
        for name in ("embedding", "channel", "residual", "merge", "head", "training")
    }
    inside = (parts["channel"],) if kind in ("embedding", "residual", "merge", "head", "training") else (gene,)
    block = Block(
        branches=(inside, (Gene(component="plain_channel"),)) if kind == "merge" else (inside,),
        merge=parts["merge"] if kind == "merge" else None,
        residual=parts["residual"] if kind == "residual" else None,
    )
    recipe = Recipe(
        embedding=(parts["embedding"],), blocks=(block,), head=(parts["head"],), training=parts["training"]
    )
    return instantiate(recipe, library, sizes)


def component_faults(
    backend: Backend, component: Component, settings: Mapping[str, Scalar] | None = None, seed: int = 0
) -> list[str]:
    """Train a step of a probe, and check loss, gradients, causality and the number of parameters."""
    model = backend.lower(probe(component, settings), steps=4)
    state = model.start(seed)
    batch = probe_batch(seed)
    state, losses = model.train(state, [batch, batch])
    faults = [] if np.isfinite(losses).all() else [f"the losses of the first steps are {losses}"]
    _, gradients = model.gradients(state, batch)
    for path, arrays in gradients.items():
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                faults.append(f"the gradient of {path}.{name} is not finite")
            elif not array.any():
                faults.append(f"no gradient reaches {path}.{name}")
    faults.extend(parameter_faults(model, state))
    faults.extend(causality_faults(model, state, seed))
    return [f"{component.name}: {fault}" for fault in faults]


def parameter_faults(model: Model, state: object) -> list[str]:
    """Where the learned arrays are not those that the instance declares and counts."""
    arrays = model.parameters(state)
    shapes = {(path, name): array.shape for path, own in arrays.items() for name, array in own.items()}
    declared = {
        (placed.path, name): parameter.shape
        for placed in model.instance.programs()
        for name, parameter in placed.program.parameters.items()
    }
    faults = [
        f"{path}.{name} has shape {shapes.get((path, name))}, declared {declared.get((path, name))}"
        for path, name in sorted(set(shapes) | set(declared))
        if shapes.get((path, name)) != declared.get((path, name))
    ]
    count = sum(array.size for own in arrays.values() for array in own.values())
    if count != model.instance.cost.parameters:
        faults.append(f"the model has {count} parameters; the cost model says {model.instance.cost.parameters}")
    return faults


def causality_faults(model: Model, state: object, seed: int = 0) -> list[str]:
    """Where a later position influences a score, or a position's own token does not.

    In a sequence of distinct tokens, the gradient of the loss at one position by the table of token vectors has a
    row for each position: how the score there depends on the token. Rows of later positions must be zero.
    """
    faults = []
    for at, influence_T in _influences(model, state, seed):
        own, later = influence_T[at], influence_T[at + 1 :].max(initial=0.0)
        if not own > 0:
            faults.append(f"the score at position {at} does not depend on its own token")
        elif later > LEAK * max(own, influence_T[: at + 1].max()):
            faults.append(f"the score at position {at} depends on later ones ({later:.1e}, its own {own:.1e})")
    return faults


def probe_batch(seed: int, sizes: Sizes = SIZES, batch: int = BATCH) -> Batch:
    """Random tokens, and the tokens that follow them as targets."""
    tokens = np.random.default_rng(seed).integers(0, sizes.vocabulary, (batch, sizes.context + 1), dtype=np.int32)
    return Batch(tokens[:, :-1], tokens[:, 1:])


def _influences(model: Model, state: object, seed: int) -> Iterator[tuple[int, np.ndarray]]:
    """For a few positions, the size [T] of the gradient of the loss there by the vector of each token."""
    sizes = model.instance.sizes
    path, name = _token_table(model.instance)
    tokens_BxT = np.random.default_rng(seed).permutation(sizes.vocabulary)[None, : sizes.context].astype(np.int32)
    tokens_BxT = np.repeat(tokens_BxT, BATCH, axis=0)
    nowhere_BxT = np.full_like(tokens_BxT, IGNORED)
    _, penalty = model.gradients(state, Batch(tokens_BxT, nowhere_BxT))
    for at in (0, sizes.context // 2, sizes.context - 2):
        targets_BxT = nowhere_BxT.copy()
        targets_BxT[:, at] = tokens_BxT[:, 0]
        _, gradients = model.gradients(state, Batch(tokens_BxT, targets_BxT))
        table_VxD = gradients[path][name] - penalty[path][name]  # penalties see every position
        yield at, np.abs(table_VxD[tokens_BxT[0]]).max(axis=1)


def _token_table(instance: Instance) -> tuple[str, str]:
    for placed in instance.embedding:
        for name, parameter in placed.program.parameters.items():
            if parameter.shape[0] == instance.sizes.vocabulary:
                return placed.path, name
    raise ValueError("the embedding has no table with a row for each token")


def _plain_components() -> Iterator[Component]:
    return (parse_component(source, {}) for source in _PLAIN)
