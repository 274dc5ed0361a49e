"""Recipes: JSON both ways, hash of what they compute, and their cost by formula."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.component import Library
from genome.errors import GenomeError, RecipeError
from genome.instance import instantiate
from genome.parser import parse_component
from genome.recipe import Block, Gene, Recipe, recipe_hash
from genome.typing import REFERENCE_SIZES
from genome.values import Sizes
from tests.genome.conftest import gene

NAMES = st.text("abcdefghijklmnop_é", min_size=1, max_size=12)
SCALARS = st.one_of(
    st.booleans(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False, allow_infinity=False), NAMES
)
GENES = st.builds(Gene, component=NAMES, settings=st.dictionaries(NAMES, SCALARS, max_size=4))
BRANCHES = st.lists(GENES, min_size=1, max_size=4).map(tuple)
BLOCKS = st.builds(
    Block,
    branches=st.lists(BRANCHES, min_size=1, max_size=3).map(tuple),
    merge=st.none() | GENES,
    residual=st.none() | GENES,
    repeat=st.integers(1, 64),
)
RECIPES = st.builds(
    Recipe,
    embedding=BRANCHES,
    blocks=st.lists(BLOCKS, min_size=1, max_size=4).map(tuple),
    head=BRANCHES,
    training=GENES,
)


@given(RECIPES)
def test_json_round_trip(recipe: Recipe) -> None:
    again = Recipe.from_json(recipe.json_text)
    assert again == recipe
    assert again.json_text == recipe.json_text
    for (_, one), (_, other) in zip(again.genes(), recipe.genes(), strict=True):
        assert {k: type(v) for k, v in one.settings.items()} == {k: type(v) for k, v in other.settings.items()}


@given(RECIPES)
def test_paths_are_unique_and_every_gene_has_one(recipe: Recipe) -> None:
    paths = [path for path, _ in recipe.genes()]
    assert len(paths) == len(set(paths))
    assert paths[0] == "embedding.0"
    assert paths[-1] == "training"


@given(RECIPES)
def test_lines_are_lines(recipe: Recipe) -> None:
    assert len(recipe.lines()) == len(recipe.blocks) + 3
    assert not any("\n" in line for line in recipe.lines())


def _broken(recipe: Recipe, *path: str | int, value: object) -> str:
    data = json.loads(recipe.json_text)
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("colour",), 1, "colour: extra inputs are not permitted"),
        (("blocks", 0, "depth"), 1, "blocks.0.depth: extra inputs are not permitted"),
        (("blocks", 0, "repeat"), 0, "blocks.0.repeat: input should be greater than or equal to 1"),
        (("blocks", 0, "repeat"), "2", "blocks.0.repeat: input should be a valid integer"),
        (("blocks", 0, "repeat"), 65, "blocks.0.repeat: input should be less than or equal to 64"),
        (("blocks",), [], "blocks: tuple should have at least 1 item"),
        (("blocks", 1, "branches", 0, 0, "component"), "", "blocks.1.branches.0.0.component: "),
        (("blocks", 1, "branches", 0, 0, "setting"), {}, "blocks.1.branches.0.0.setting: extra inputs"),
        (("head", 0, "settings"), {"n": [1]}, "head.0.settings.n"),
        (("head", 0, "settings"), {"n": 1e999}, "head.0.settings.n"),
        (("training",), None, "training: input should be"),
        (("embedding",), [], "embedding: tuple should have at least 1 item"),
    ],
)
def test_wrong_json_names_the_field(recipe: Recipe, path: tuple, value: object, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe.from_json(_broken(recipe, *path, value=value))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "{}", "NaN", '"recipe"', b"\xff\xfe", "[" * 100_000])
def test_what_is_no_recipe_is_refused(text: str | bytes) -> None:
    with pytest.raises(RecipeError):
        Recipe.from_json(text)


def test_the_hash_does_not_depend_on_what_components_are_called(recipe: Recipe, library: Library) -> None:
    source = library["attention"].source.replace("def attention", "def renamed").replace("heads", "groups")
    source = source.replace("split_groups", "split_heads").replace("merge_groups", "merge_heads")
    renamed = parse_component(source, {})
    text = recipe.json_text.replace('"attention"', '"renamed"').replace('"heads"', '"groups"')
    other = Recipe.from_json(text)
    assert other != recipe
    assert recipe_hash(other, {**library, "renamed": renamed}) == recipe_hash(recipe, library)


def test_the_hash_does_not_depend_on_whether_a_default_is_written(recipe: Recipe, library: Library) -> None:
    written = Recipe.from_json(recipe.json_text.replace('{"heads":2}', '{"base":10000.0,"heads":2}'))
    assert written != recipe
    assert recipe_hash(written, library) == recipe_hash(recipe, library)


def test_the_hash_depends_on_everything_that_is_computed(recipe: Recipe, library: Library) -> None:
    changes = [
        ('{"heads":2}', '{"heads":8}'),
        ('"repeat":2', '"repeat":3'),
        ('"component":"sine"', '"component":"convolution"'),
        ('"component":"adamw","settings":{}', '"component":"adamw","settings":{"learning_rate":0.01}'),
        ('"component":"add_residual"', '"component":"gated_residual"'),
    ]
    texts = [recipe.json_text, *(recipe.json_text.replace(old, new, 1) for old, new in changes)]
    parts = json.loads(recipe.json_text)
    texts += [
        json.dumps({**parts, "blocks": parts["blocks"][::-1]}),
        json.dumps({**parts, "blocks": [{**parts["blocks"][0], "residual": None}, *parts["blocks"][1:]]}),
        json.dumps({**parts, "blocks": [{**b, "branches": b["branches"][::-1]} for b in parts["blocks"]]}),
    ]
    hashes = [recipe_hash(Recipe.from_json(text), library) for text in texts]
    assert len(set(hashes)) == len(hashes)


def test_the_hash_refuses_what_the_library_does_not_know(recipe: Recipe, library: Library) -> None:
    with pytest.raises(RecipeError, match="there is no component 'magic'"):
        recipe_hash(recipe.model_copy(update={"training": gene("magic")}), library)
    with pytest.raises(GenomeError, match="adamw has no setting 'momentum'; it has: learning_rate"):
        recipe_hash(recipe.model_copy(update={"training": gene("adamw", momentum=0.9)}), library)


SIZES = Sizes(width=32, hidden=80, vocabulary=100, context=16)


def simple(*branches: tuple[Gene, ...], repeat: int = 1) -> Recipe:
    block = Block(branches=branches, merge=gene("average") if len(branches) > 1 else None, repeat=repeat)
    return Recipe(embedding=(gene("table"),), blocks=(block,), head=(gene("unembed"),), training=gene("adamw"))


def test_parameters_by_formula(library: Library) -> None:
    width, hidden, vocabulary = SIZES.width, SIZES.hidden, SIZES.vocabulary
    ends = 2 * vocabulary * width
    attention, norm, gated = 4 * width**2, width, 3 * width * hidden
    convolution = width**2 + 4 * width

    def count(recipe: Recipe, depth: int = 1) -> int:
        return instantiate(recipe, library, SIZES, depth).cost.parameters

    assert count(simple((gene("rms_norm"), gene("attention")))) == ends + norm + attention
    assert count(simple((gene("attention"), gene("gated")))) == ends + attention + gated
    assert count(simple((gene("gated", bias=True),))) == ends + gated + hidden
    assert count(simple((gene("attention"),), (gene("convolution"),))) == ends + attention + convolution
    assert count(simple((gene("attention"),), repeat=5)) == ends + 5 * attention
    assert count(simple((gene("attention"),), repeat=5), depth=3) == ends + 15 * attention


def test_flops_of_matrices_count_two_per_multiply_and_add(library: Library) -> None:
    def flops(recipe: Recipe, sizes: Sizes) -> float:
        return instantiate(recipe, library, sizes).cost.flops_per_token

    linear = parse_component("def one(x) -> mixer:\n    return linear(x)\n", {})
    known = {**library, "one": linear}
    base = instantiate(simple((gene("one"),)), known, SIZES).cost.flops_per_token
    more = instantiate(simple((gene("one"), gene("one"))), known, SIZES).cost.flops_per_token
    assert more - base == 2 * SIZES.width**2
    short, long = (Sizes(32, 80, 100, context) for context in (16, 64))
    assert flops(simple((gene("gated"),)), short) == flops(simple((gene("gated"),)), long)
    assert flops(simple((gene("attention"),)), short) < flops(simple((gene("attention"),)), long)


def test_repeat_and_depth_multiply_blocks(recipe: Recipe, library: Library) -> None:
    once = instantiate(recipe, library, REFERENCE_SIZES)
    thrice = instantiate(recipe, library, REFERENCE_SIZES, depth=3)
    assert len(once.blocks) == 1 + 1 + 2
    assert len(thrice.blocks) == 3 * len(once.blocks)
    assert thrice.cost.state_bytes == 3 * once.cost.state_bytes
    paths = [placed.path for placed in thrice.programs()]
    assert len(paths) == len(set(paths))


def test_decoding_state_is_four_bytes_a_number(library: Library) -> None:
    cost = instantiate(simple((gene("attention"),)), library, SIZES).cost
    assert cost.state_bytes == 4 * SIZES.context * 2 * SIZES.width
    kernel = instantiate(simple((gene("convolution", kernel=8),)), library, SIZES).cost
    assert kernel.state_bytes == 4 * 7 * SIZES.width


def test_equal_genes_share_one_program(library: Library) -> None:
    instance = instantiate(simple((gene("attention"),), repeat=6), library, SIZES)
    assert len({id(block.branches[0][0].program) for block in instance.blocks}) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"embedding": (gene("rms_norm"),)}, "embedding.0: the first gene must be an embedding"),
        ({"embedding": (gene("table"), gene("table"))}, "embedding.1: table is a embedding; accepted here: "),
        ({"head": (gene("rms_norm"),)}, "head.0: the last gene must be a head"),
        (
            {"head": (gene("attention"), gene("unembed"))},
            "head.0: attention is a mixer; accepted here: norm, channel",
        ),
        ({"training": gene("unembed")}, "training: unembed is a head, not a training component"),
        (
            {"training": gene("adamw", learning_rate=5.0)},
            "training: adamw(learning_rate=5.0): adamw: learning_rate",
        ),
        ({"blocks": (Block(branches=((gene("magic"),),)),)}, "0.0.0: there is no component 'magic'"),
        ({"blocks": (Block(branches=((gene("gated"),), (gene("gated"),))),)}, "0.merge: parallel branches need"),
        (
            {"blocks": (Block(branches=((gene("gated"),),), residual=gene("average")),)},
            "0.residual: average is a merge; accepted here: residual",
        ),
        ({"blocks": (Block(branches=((gene("gated"),),), repeat=64),) * 10}, "the recipe has 640 blocks"),
    ],
)
def test_recipes_that_cannot_be_built_name_the_gene(
    recipe: Recipe, library: Library, change: dict, message: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        instantiate(recipe.model_copy(update=change), library, REFERENCE_SIZES)
    assert str(caught.value).startswith(message)


def test_sizes_that_do_not_fit_name_the_gene(recipe: Recipe, library: Library) -> None:
    with pytest.raises(
        RecipeError, match=r"^0\.0\.1: attention\(heads=2\): line 3, .*2 heads do not divide 33 features"
    ):
        instantiate(recipe, library, Sizes(33, 64, 64, 16))


def test_importing_the_language_loads_no_array_library() -> None:
    import subprocess
    import sys

    code = "import sys, genome.edits, genome.rewrite, genome.instance; print(sorted(sys.modules))"
    root = Path(__file__).parents[2]
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root).stdout
    assert not any(
        f"'{name}'" in out for name in ("jax", "flax", "numpy", "mlx", "backends", "evaluators", "runs")
    )
