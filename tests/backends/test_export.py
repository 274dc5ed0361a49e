"""Exported modules compute what this project computes, in every framework, and read as written by hand."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.conformance import STRUCTURAL, probe, probe_batch
from backends.export.functions import definitions
from backends.export.module import module_text
from backends.export.reserved import RESERVED_ATTRIBUTES
from backends.export.targets import TARGETS
from genome.component import Library
from genome.errors import GenomeError
from genome.instance import instantiate
from genome.operation import OPERATIONS
from genome.parser import parse_component
from tests.backends.exported import (
    ARCHITECTURES,
    CASES,
    LIBRARY,
    PROBE_SIZES,
    SIZES,
    decoding_faults,
    exported,
    filled,
    imported,
    instance_of,
    lowered_scores,
    relative_error,
    state_bytes,
    text_of,
)
from tests.backends.small_recipes import block, recipe
from tests.genome.component_generator import random_component

BATCH = probe_batch(0, SIZES)
TOKENS = BATCH.inputs_BxT
COMPILED = ("llama", "gemma2", "mamba2", "deltanet", "hyena", "rwkv6")
DECODED_BY_FLAX = {"average_attention", "ngram_embedding", *(f"architecture {name}" for name in ARCHITECTURES)}
"""They take every kind of step; the rest, which would compile a program each, the other frameworks decode."""

NEUTRAL = {"add", "subtract", "multiply", "divide", "negative", "constant", "weight", "penalty", "attend"}
"""Operations that are written the same way for every framework."""

RULES = "E,F,W,I,UP,B,SIM,C4,RET,PIE,RUF"


@pytest.fixture(scope="module")
def wanted():
    """Scores of a case in JAX, computed once for all targets."""
    return cache(lambda case: lowered_scores(instance_of(case), TOKENS))


@pytest.fixture(params=TARGETS)
def target(request) -> str:
    framework = {"flax": "flax", "mlx": "mlx.core", "torch": "torch"}[request.param]
    module = pytest.importorskip(framework, reason=f"{request.param} is not installed", exc_type=ImportError)
    if request.param == "torch":
        module.set_num_threads(1)  # arrays this small are slower on several
    return request.param


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    """A folder for each case, in which targets share weights."""
    return cache(lambda case: tmp_path_factory.mktemp("exported"))


@pytest.mark.parametrize("case", CASES)
def test_a_module_has_the_parameters_and_the_scores_of_jax_and_decodes_them(wanted, folder_of, target, case):
    instance = instance_of(case)
    own = exported(case, target, folder_of(case))
    assert own.module.parameter_count(own.model) == instance.cost.parameters
    if target == "torch":
        _assert_gradients_everywhere(own.model)
    got = own.logits(TOKENS)
    assert got.dtype == np.float32
    assert relative_error(got, wanted(case)) <= 1e-4
    if target != "flax" or case in DECODED_BY_FLAX:
        assert decoding_faults(own, instance, TOKENS, got) == []


def _assert_gradients_everywhere(model: Any) -> None:
    import torch

    inputs, targets = (torch.tensor(x.astype(np.int64)) for x in (BATCH.inputs_BxT, BATCH.targets_BxT))
    scores, penalty = (
        model.scores_and_penalty(inputs) if hasattr(model, "scores_and_penalty") else (model(inputs), 0)
    )
    (torch.nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten()) + penalty).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("case", ["attention", "mamba2"])
def test_a_prompt_is_continued_by_the_best_tokens_as_far_as_the_architecture_goes(target, case, folder_of):
    own = exported(case, target, folder_of(case))
    generate, length = own.module.generate, 60
    if case == "attention":
        with pytest.raises(ValueError, match="65 positions; the context has 64"):
            generate(own.model, own.array(TOKENS[:, :length]), 6)
    prompt, new = TOKENS[:, :length], 5 if case == "attention" else 9
    chosen = np.asarray(generate(own.model, own.array(prompt), new, temperature=0))
    assert chosen.shape == (2, new)
    scores = own.logits(np.concatenate([prompt, chosen[:, :-1]], axis=1).astype(np.int32))
    assert np.array_equal(chosen, scores[:, length - 1 :].argmax(axis=-1))


def test_no_step_beyond_the_context_gives_scores(target, folder_of):
    own = exported("attention", target, folder_of("attention"))
    tokens = own.array(TOKENS)
    _, state = own.model.read(tokens, own.model.initial_state(2))
    if target == "flax":  # a compiled step cannot raise
        scores, _ = own.model.step(tokens[:, 0], state)
        assert np.isnan(np.asarray(scores)).all()
    else:
        with pytest.raises(ValueError, match="65 positions; the context has 64"):
            own.model.step(tokens[:, 0], state)


def test_what_the_docstring_says_of_its_use_is_so_and_the_same_seed_draws_the_same(target, folder_of, monkeypatch):
    own = exported("token_shift", target, folder_of("token_shift"))
    monkeypatch.chdir(folder_of("token_shift"))
    doc = own.module.__doc__
    lines = doc.split("Use:\n")[1].split("\n\n")[0].split("\n")
    assert len(lines) == 5
    drawn = []
    for _ in range(2):
        given = {"tokens": TOKENS, "token": TOKENS[:, 0], "prompt": TOKENS[:, :12]}
        names = {**vars(own.module), **{name: own.array(array) for name, array in given.items()}}
        exec("\n".join(line.strip() for line in lines), names)
        assert tuple(names["scores"].shape) == (2, SIZES.vocabulary)
        assert int(names["state"].position) == 1
        drawn.append(np.asarray(names["new"]))
    assert drawn[0].shape == (2, 8)
    assert len(np.unique(drawn[0])) > 2
    assert np.array_equal(*drawn)


@pytest.mark.parametrize("case", ["delta_net"])
def test_a_step_of_training_lowers_the_loss_in_flax(case, tmp_path):
    import jax
    import jax.numpy as jnp
    from flax import nnx

    model, batch = exported(case, "flax", tmp_path).model, BATCH

    def loss(model: Any) -> jax.Array:
        scores = jax.nn.log_softmax(model(jnp.asarray(batch.inputs_BxT)))
        return -jnp.take_along_axis(scores, jnp.asarray(batch.targets_BxT)[..., None], axis=-1).mean()

    before, gradients = nnx.jit(nnx.value_and_grad(loss))(model)
    parameters = nnx.state(model, nnx.Param)
    nnx.update(model, jax.tree.map(lambda p, g: p - 0.1 * g, parameters, gradients))
    assert nnx.jit(loss)(model) < before


@pytest.mark.parametrize("case", ["architecture jamba"])
def test_a_step_of_training_lowers_the_loss_in_mlx(case, tmp_path):
    mx = pytest.importorskip("mlx.core", exc_type=ImportError)
    import mlx.nn as nn
    from mlx.utils import tree_map

    model, batch = exported(case, "mlx", tmp_path).model, BATCH
    inputs, targets = (mx.array(x.copy()) for x in (batch.inputs_BxT, batch.targets_BxT))

    def loss(model: Any) -> Any:
        return nn.losses.cross_entropy(model(inputs), targets).mean()

    before, gradients = nn.value_and_grad(model, lambda: loss(model))()
    model.update(tree_map(lambda p, g: p - 0.01 * g, model.trainable_parameters(), gradients))
    assert loss(model).item() < before.item()


@pytest.mark.parametrize("name", COMPILED)
def test_torch_compiles_an_architecture_as_one_graph(name, wanted, tmp_path):
    torch = pytest.importorskip("torch", exc_type=ImportError)
    case = f"architecture {name}"
    own = exported(case, "torch", tmp_path)
    compiled = torch.compile(own.model, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        got = compiled(torch.tensor(TOKENS.astype(np.int64))).numpy()
    assert relative_error(got, wanted(case)) <= 1e-4


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_other_sizes_of_the_config_are_those_of_the_recipe(name, tmp_path):
    pytest.importorskip("torch", exc_type=ImportError)
    """Their parameters, and what decoding keeps."""
    wide, case = replace(SIZES, width=64, hidden=160, vocabulary=40, context=96), f"architecture {name}"
    path = tmp_path / "exported_wide.py"
    path.write_text(text_of(case, "torch"), encoding="utf-8")
    module = imported(path)
    chosen = {size: getattr(wide, size) for size in module.Config.__dataclass_fields__ if size != "depth"}
    depth = getattr(module.Config(), "depth", 0)
    for repeat in (1, 2) if depth else (1,):
        config = module.Config(**chosen, **({"depth": repeat * depth} if depth else {}))
        cost = instantiate(ARCHITECTURES[name].recipe, LIBRARY, wide, repeat).cost
        model = module.Model(config)
        assert module.parameter_count(model) == cost.parameters
        assert state_bytes(model.initial_state(3), 3) == cost.state_bytes


def test_blocks_hand_shared_values_on(target, tmp_path):
    """A value read in the block that shares it, in a later one, and in one that shares it anew."""
    layers = ("value_residual_attention", "cross_layer_attention", "value_residual_attention", "shared_expert_mlp")
    blocks = [block(("rms_norm", layer)) for layer in layers * 2]
    blocks.append(block(("cross_layer_attention",), ("swiglu", "mixture_of_experts_mlp"), merge="gated_merge"))
    made = recipe(*blocks, embedding=("tied_embedding",), head=("rms_norm", "tied_head"))
    instance = instantiate(made, LIBRARY, SIZES)
    own = filled(module_text(instance, LIBRARY, TARGETS[target], "a model", ()), instance, target, tmp_path)
    got = own.logits(TOKENS)
    assert relative_error(got, lowered_scores(instance, TOKENS)) <= 1e-4
    assert decoding_faults(own, instance, TOKENS, got) == []
    assert "scores_and_penalty" in own.text


@pytest.mark.parametrize("seed", range(6))
def test_random_components_compute_what_jax_computes(seed, target, tmp_path):
    try:
        component = parse_component(random_component(seed), {})
        instance = probe(component, sizes=PROBE_SIZES)
    except GenomeError:
        pytest.skip("legal at the reference sizes, not at these")
    library: Library = {component.name: component}
    own = filled(module_text(instance, library, TARGETS[target], "a model", ()), instance, target, tmp_path)
    got = own.logits(TOKENS)
    assert relative_error(got, lowered_scores(instance, TOKENS)) <= 1e-4
    assert decoding_faults(own, instance, TOKENS, got) == []


def test_every_operation_is_written_for_every_target():
    for name, own in TARGETS.items():
        written = {*own.expressions, *definitions(own.operations), *NEUTRAL}
        assert set(OPERATIONS) - STRUCTURAL - {"share"} - written == set(), name


def test_no_parameter_gets_a_name_that_a_module_has_taken():
    pytest.importorskip("torch", exc_type=ImportError)
    pytest.importorskip("mlx.core", exc_type=ImportError)
    import torch
    from flax import nnx
    from mlx import nn

    for module in (torch.nn.Module(), nn.Module(), nnx.Module):
        taken = {name for name in (*dir(module), *vars(module)) if not name.startswith("_")}
        assert taken <= RESERVED_ATTRIBUTES


def test_modules_are_formatted_and_free_of_faults(target, tmp_path):
    for case in CASES:
        (tmp_path / f"{case.replace(' ', '_')}.py").write_text(text_of(case, target), encoding="utf-8")
    ruff = str(Path(sys.executable).with_name("ruff"))
    check = [ruff, "check", "--isolated", "--line-length", "88", "--select", RULES, str(tmp_path)]
    for command in (check, [ruff, "format", "--isolated", "--check", str(tmp_path)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_the_text_is_the_same_every_time_and_names_nothing_of_this_project():
    cases = ("architecture hymba", "value_residual_attention")
    texts = [text_of(case, target) for case in cases for target in TARGETS]
    again = subprocess.run([sys.executable, "-c", _PRINT, *cases], capture_output=True, text=True, check=True)
    assert again.stdout == "".join(f"{text}\n" for text in texts)
    for text in texts:
        for package in ("genome", "cognition", "backends", "evaluators", "runs", "evolve"):
            assert f"from {package}" not in text
            assert f"import {package}" not in text


_PRINT = """
import sys
from backends.export.targets import TARGETS
from tests.backends.exported import text_of
for case in sys.argv[1:]:
    for target in TARGETS:
        print(text_of(case, target))
print(*(name for name in ("jax", "torch", "mlx") if name in sys.modules), sep="", end="")
"""


def test_no_text_can_end_the_docstring():
    hostile = ('"""', "import os\\", "\\N{BELL}\x00", 'a"', "x" * 200)
    text = module_text(instance_of("rms_norm"), LIBRARY, TARGETS["torch"], '"""\nimport os', hostile, hostile)
    first, *rest = ast.parse(text).body
    assert isinstance(first, ast.Expr)
    assert "import os" not in "\n".join(map(ast.unparse, rest))
