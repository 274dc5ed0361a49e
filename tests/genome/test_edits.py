"""Edits: every kind applied and refused, their JSON and words, and what random sequences of them keep."""

from __future__ import annotations

import json
from random import Random
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genome.component import Component, Library
from genome.edits import Edit, apply, describe, edits_from_json, edits_schema, edits_to_json
from genome.edits.kinds import (
    DefineComponent,
    DuplicateBlock,
    Graft,
    InsertBlock,
    InsertGene,
    MoveBlock,
    RemoveBlock,
    RemoveBranch,
    RemoveGene,
    ReplaceGene,
    RewriteOperation,
    SetMerge,
    SetRepeat,
    SetResidual,
    SetSetting,
    SplitBlock,
)
from genome.errors import EditError
from genome.instance import instantiate
from genome.kinds import PLACES
from genome.parser import parse_component
from genome.recipe import Block, Gene, Recipe, recipe_hash
from genome.rewrite import rewrites
from genome.typing import REFERENCE_SIZES
from tests.genome.component_generator import random_component
from tests.genome.conftest import gene

NEW = Block(branches=((gene("rms_norm"), gene("convolution")),))
MEMORY = """
def memory(x, heads: choice(2, 4) = 4) -> mixer:
    q = split_heads(linear(x), heads)
    return linear(merge_heads(linear_attention(q, q, split_heads(linear(x), heads))))
"""


def blocks(recipe: Recipe) -> list[str]:
    return [str(block) for block in recipe.blocks]


FIRST = "+ rms_norm > attention(heads=2)"
SECOND = "+ average[rms_norm > attention | rms_norm > convolution > gated]"
THIRD = "+ rms_norm > gated x2"

# What each edit makes of the blocks (or of another line of the recipe), and how it is described.
LEGAL: list[tuple[Edit, list[str], str]] = [
    (
        InsertGene(path="0.0.2", gene=gene("convolution", kernel=8)),
        ["+ rms_norm > attention(heads=2) > convolution(kernel=8)", SECOND, THIRD],
        "insert convolution(kernel=8) at 0.0.2",
    ),
    (
        InsertGene(path="0.0.0", gene=gene("gated")),
        ["+ gated > rms_norm > attention(heads=2)", SECOND, THIRD],
        "insert gated at 0.0.0",
    ),
    (
        RemoveGene(path="1.1.1"),
        [FIRST, "+ average[rms_norm > attention | rms_norm > gated]", THIRD],
        "remove convolution from block 1",
    ),
    (
        ReplaceGene(path="0.0.1", gene=gene("convolution")),
        ["+ rms_norm > convolution", SECOND, THIRD],
        "replace attention by convolution in block 0",
    ),
    (
        ReplaceGene(path="2.residual", gene=gene("gated_residual")),
        [FIRST, SECOND, "gated_residual(rms_norm > gated) x2"],
        "replace add_residual by gated_residual in block 2",
    ),
    (
        SetSetting(path="0.0.1", setting="heads", value=8),
        ["+ rms_norm > attention(heads=8)", SECOND, THIRD],
        "set heads 2 -> 8 of attention in block 0",
    ),
    (
        SetSetting(path="2.0.1", setting="slope", value=2.5),
        [FIRST, SECOND, "+ rms_norm > gated(slope=2.5) x2"],
        "set slope to 2.5 of gated in block 2",
    ),
    (
        InsertBlock(position=3, block=NEW),
        [FIRST, SECOND, THIRD, "+ rms_norm > convolution"],
        "insert block + rms_norm > convolution at 3",
    ),
    (RemoveBlock(position=1), [FIRST, THIRD], f"remove block 1: {SECOND}"),
    (MoveBlock(source=0, target=2), [SECOND, THIRD, FIRST], "move block 0 to 2"),
    (MoveBlock(source=2, target=0), [THIRD, FIRST, SECOND], "move block 2 to 0"),
    (DuplicateBlock(position=1), [FIRST, SECOND, SECOND, THIRD], "duplicate block 1"),
    (
        SetRepeat(position=2, repeat=5),
        [FIRST, SECOND, "+ rms_norm > gated x5"],
        "set repeat 2 -> 5 of block 2",
    ),
    (
        SetResidual(position=0, gene=gene("gated_residual")),
        ["gated_residual(rms_norm > attention(heads=2))", SECOND, THIRD],
        "set residual gated_residual in block 0",
    ),
    (
        SetResidual(position=0, gene=None),
        ["rms_norm > attention(heads=2)", SECOND, THIRD],
        "set residual none in block 0",
    ),
    (
        SplitBlock(position=0, branch=(gene("gated"),), merge=gene("average")),
        ["+ average[rms_norm > attention(heads=2) | gated]", SECOND, THIRD],
        "add branch gated to block 0, merged by average",
    ),
    (
        SplitBlock(position=1, branch=(gene("gated"),)),
        [FIRST, "+ average[rms_norm > attention | rms_norm > convolution > gated | gated]", THIRD],
        "add branch gated to block 1",
    ),
    (
        RemoveBranch(position=1, branch=0),
        [FIRST, "+ rms_norm > convolution > gated", THIRD],
        "remove branch 0 of block 1",
    ),
    (
        Graft(start=0, stop=2, blocks=(NEW, NEW, NEW)),
        [*["+ rms_norm > convolution"] * 3, THIRD],
        "graft 3 blocks from another recipe at 0..2",
    ),
    (
        Graft(start=3, stop=3, blocks=(NEW,)),
        [FIRST, SECOND, THIRD, "+ rms_norm > convolution"],
        "graft 1 block from another recipe at 3..3",
    ),
]


@pytest.mark.parametrize(("edit", "expected", "line"), LEGAL, ids=lambda value: getattr(value, "kind", ""))
def test_legal_edits(recipe: Recipe, library: Library, edit: Edit, expected: list[str], line: str) -> None:
    before = recipe.json_text
    applied = apply(recipe, [edit], library)
    assert blocks(applied.recipe) == expected
    assert applied.descriptions == (line,)
    assert applied.components == ()
    assert recipe.json_text == before


def test_edits_of_the_ends_and_of_training(recipe: Recipe, library: Library) -> None:
    edits = [
        RemoveGene(path="embedding.1"),
        InsertGene(path="embedding.1", gene=gene("rms_norm")),
        InsertGene(path="head.0", gene=gene("gated")),
        ReplaceGene(path="head.2", gene=gene("unembed")),
        SetSetting(path="training", setting="learning_rate", value=0.01),
    ]
    lines = apply(recipe, edits, library).recipe.lines()
    assert lines[0] == "embedding: table > rms_norm"
    assert lines[-2:] == ["head: gated > rms_norm > unembed", "training: adamw(learning_rate=0.01)"]


def test_set_merge(recipe: Recipe, library: Library) -> None:
    product = parse_component("def product(left, right) -> merge:\n    return left * sigmoid(right)\n", {})
    known = {**library, "product": product}
    applied = apply(recipe, [SetMerge(position=1, gene=gene("product"))], known)
    assert blocks(applied.recipe)[1].startswith("+ product[")
    assert applied.descriptions == ("set merge product in block 1",)


def test_no_edits_change_nothing(recipe: Recipe, library: Library) -> None:
    assert apply(recipe, [], library).recipe == recipe


ILLEGAL: list[tuple[Edit, str]] = [
    (InsertGene(path="0.0.4", gene=gene("gated")), "accepted places of this branch: 0.0.0 to 0.0.2"),
    (InsertGene(path="7.0.0", gene=gene("gated")), "there is no branch '7.0'; there are: embedding, head, 0.0"),
    (InsertGene(path="0.merge", gene=gene("average")), "'0.merge' is not a place in a branch"),
    (InsertGene(path="training", gene=gene("adamw")), "'training' is not a place in a branch"),
    (InsertGene(path="0.0.-1", gene=gene("gated")), "is not a place in a branch"),
    (InsertGene(path="0.0.0", gene=gene("magic")), "there is no component 'magic'"),
    (
        InsertGene(path="0.0.0", gene=gene("unembed")),
        "unembed is a head; accepted here: mixer, channel, norm, position",
    ),
    (InsertGene(path="0.0.0", gene=gene("gated", slope=99.0)), "slope = 99.0 is not in log_range(0.1, 10.0)"),
    (InsertGene(path="head.0", gene=gene("attention")), "attention is a mixer; accepted here: norm, channel"),
    (RemoveGene(path="0.0.9"), "there is no gene at '0.0.9'; there are: embedding.0, embedding.1, 0.0.0"),
    (RemoveGene(path="0.residual"), "'0.residual' is not a place in a branch"),
    (RemoveGene(path="embedding.0"), "the edited recipe: embedding.0: the first gene must be an embedding"),
    (RemoveGene(path="head.1"), "the edited recipe: head.0: the last gene must be a head"),
    (ReplaceGene(path="0.merge", gene=gene("average")), "there is no gene at '0.merge'"),
    (ReplaceGene(path="embedding.0", gene=gene("sine")), "sine is a position; accepted here: embedding"),
    (ReplaceGene(path="head.1", gene=gene("gated")), "gated is a channel; accepted here: head"),
    (ReplaceGene(path="training", gene=gene("gated")), "gated is a channel; accepted here: training"),
    (ReplaceGene(path="1.merge", gene=gene("gated")), "gated is a channel; accepted here: merge"),
    (SetSetting(path="0.0.0", setting="heads", value=4), "rms_norm has no setting 'heads'; it has: none"),
    (SetSetting(path="0.0.1", setting="heads", value=3), "heads = 3 is not in choice(1, 2, 4, 8)"),
    (SetSetting(path="0.0.1", setting="heads", value=4.0), "heads = 4.0 is not in choice(1, 2, 4, 8)"),
    (SetSetting(path="0.0.1", setting="heads", value=True), "heads = True is not in choice(1, 2, 4, 8)"),
    (InsertBlock(position=4, block=NEW), "no span of blocks from 4 up to 4"),
    (InsertBlock(position=0, block=Block(branches=((gene("table"),),))), "table is a embedding; accepted here"),
    (RemoveBlock(position=3), "there is no block 3; there are blocks 0 to 2"),
    (MoveBlock(source=0, target=3), "there is no block 3"),
    (MoveBlock(source=3, target=0), "there is no block 3"),
    (DuplicateBlock(position=3), "there is no block 3"),
    (SetRepeat(position=9, repeat=2), "there is no block 9"),
    (SetResidual(position=0, gene=gene("average")), "average is a merge; accepted here: residual"),
    (SetMerge(position=0, gene=gene("average")), "the block has one branch and nothing to merge"),
    (SetMerge(position=1, gene=gene("gated")), "gated is a channel; accepted here: merge"),
    (SplitBlock(position=0, branch=(gene("gated"),)), "the block has no merge yet"),
    (SplitBlock(position=0, branch=(gene("table"),), merge=gene("average")), "table is a embedding"),
    (RemoveBranch(position=0, branch=0), "a block keeps at least one branch"),
    (RemoveBranch(position=1, branch=2), "the block has branches 0 to 1"),
    (Graft(start=2, stop=1, blocks=(NEW,)), "no span of blocks from 2 up to 1; accepted: 0 <= start <= stop <= 3"),
    (Graft(start=0, stop=1, blocks=(NEW,) * 63), "blocks: tuple should have at most 64 items"),
    (RewriteOperation(path="0.0.1", node=99, operation="silu"), "attention has operations 1 to "),
    (RewriteOperation(path="2.0.1", node=0, operation="silu"), "gated has operations 1 to "),
    (RewriteOperation(path="2.0.1", node=1, operation="magic"), "'magic' is not an operation"),
    (RewriteOperation(path="2.0.1", node=1, operation="add"), "does not take the 1 inputs of linear"),
    (RewriteOperation(path="2.0.1", node=1, operation="linear"), "is linear with these options already"),
    (
        RewriteOperation(path="2.0.1", node=1, operation="linear", options={"size": 3}),
        "linear has no option 'size'",
    ),
    (RewriteOperation(path="2.0.1", node=1, operation="linear", options={"features": 0.5}), "features is 0.5"),
    (
        RewriteOperation(path="2.0.1", node=1, operation="linear", options={"features": 3}),
        "trailing axes do not fit",
    ),
    (DefineComponent(source="def f(x) -> mixer:\n    return x.shape\n"), "line 2, column 12: attribute is not"),
    (DefineComponent(source="import os"), "line 1, column 1: import is not accepted"),
]


@pytest.mark.parametrize(("edit", "message"), ILLEGAL)
def test_illegal_edits_say_why(recipe: Recipe, library: Library, edit: Edit, message: str) -> None:
    before = recipe.json_text
    with pytest.raises(EditError) as caught:
        apply(recipe, [SetRepeat(position=0, repeat=1), edit], library)
    text = str(caught.value)
    assert message in text
    assert "\n" not in text
    assert text.startswith(("edit 2 (", "the edited recipe: "))
    assert recipe.json_text == before


def test_a_recipe_keeps_a_block_and_a_branch_keeps_a_gene(recipe: Recipe, library: Library) -> None:
    with pytest.raises(EditError, match=r"edit 3 \(remove block 0: .*\): a recipe keeps at least one block"):
        apply(recipe, [RemoveBlock(position=0)] * 3, library)
    with pytest.raises(
        EditError, match=r"edit 2 \(remove attention from block 0\): a branch keeps at least one gene"
    ):
        apply(recipe, [RemoveGene(path="0.0.0")] * 2, library)
    with pytest.raises(EditError, match=r"edit 15 .*: tuple should have at most 16 items"):
        apply(recipe, [InsertGene(path="0.0.0", gene=gene("gated"))] * 15, library)


def test_what_does_not_fit_together_is_refused_at_the_end(recipe: Recipe, library: Library) -> None:
    narrow = parse_component(
        "def narrow(x, heads: choice(4, 7) = 4) -> mixer:\n    return merge_heads(split_heads(linear(x), heads))\n",
        {},
    )
    edit = ReplaceGene(path="0.0.1", gene=gene("narrow", heads=7))
    with pytest.raises(
        EditError, match=r"the edited recipe: 0\.0\.1: narrow\(heads=7\): .*7 heads do not divide 64"
    ):
        apply(recipe, [edit], {**library, "narrow": narrow})


def test_every_kind_of_edit_is_tested() -> None:
    tested = {type(edit) for edit, *_ in LEGAL} | {SetMerge, RewriteOperation, DefineComponent}
    assert tested == set(get_args(Edit))
    assert {type(edit) for edit, _ in ILLEGAL} == set(get_args(Edit))


# Components that edits derive.


def node_of(component: Component, operation: str) -> int:
    return next(i for i, node in enumerate(component.graph.nodes) if node.operation == operation)


def test_rewriting_an_operation_derives_a_component(recipe: Recipe, library: Library) -> None:
    node = node_of(library["gated"], "silu")
    edit = RewriteOperation(path="1.1.2", node=node, operation="gelu")
    applied = apply(recipe, [SetSetting(path="1.1.2", setting="slope", value=2.0), edit], library)
    (derived,) = applied.components
    assert derived.name == f"gated_{derived.hash[:6]}"
    assert "gelu(" in derived.source
    assert "silu(" not in derived.source
    assert derived.settings == library["gated"].settings
    assert parse_component(derived.source, {}).hash == derived.hash
    assert dict(applied.recipe.genes())["1.1.2"] == gene(derived.name, slope=2.0)
    assert dict(applied.recipe.genes())["2.0.1"] == gene("gated")
    assert applied.descriptions[1] == f"rewrite operation {node} of gated in block 1 to gelu"
    assert "gated" in library
    assert derived.name not in library


def test_rewriting_again_replaces_the_suffix(recipe: Recipe, library: Library) -> None:
    node = node_of(library["gated"], "silu")
    there = RewriteOperation(path="2.0.1", node=node, operation="gelu")
    first = apply(recipe, [there], library)
    known = {**library, **{component.name: component for component in first.components}}
    node = node_of(first.components[0], "gelu")
    second = apply(first.recipe, [RewriteOperation(path="2.0.1", node=node, operation="relu")], known)
    (derived,) = second.components
    assert derived.name == f"gated_{derived.hash[:6]}"
    back = apply(first.recipe, [RewriteOperation(path="2.0.1", node=node, operation="silu")], known)
    assert back.components == ()
    assert back.recipe == recipe
    assert apply(recipe, [there], known).components == ()


def test_rewriting_options(recipe: Recipe, library: Library) -> None:
    node = node_of(library["attention"], "attend")
    edit = RewriteOperation(path="0.0.1", node=node, operation="attend", options={"window": 8, "alibi": True})
    applied = apply(recipe, [edit], library)
    assert "attend(q, k, v, window=8, alibi=True)" in applied.components[0].source
    known = {**library, applied.components[0].name: applied.components[0]}
    undo = RewriteOperation(path="0.0.1", node=node, operation="attend", options={"window": None, "alibi": False})
    assert apply(applied.recipe, [undo], known).recipe == recipe


def test_a_setting_that_a_rewrite_leaves_unused_goes(recipe: Recipe, library: Library) -> None:
    node = node_of(library["convolution"], "causal_conv")
    edits = [
        SetSetting(path="1.1.1", setting="kernel", value=8),
        RewriteOperation(path="1.1.1", node=node, operation="causal_conv", options={"kernel": 3}),
    ]
    applied = apply(recipe, edits, library)
    assert applied.components[0].settings == ()
    assert dict(applied.recipe.genes())["1.1.1"].settings == {}


def test_defined_components_can_be_used_by_later_edits(recipe: Recipe, library: Library) -> None:
    edits = [
        DefineComponent(source=MEMORY),
        ReplaceGene(path="0.0.1", gene=gene("memory", heads=2)),
        DefineComponent(source="def pair(x) -> mixer:\n    return memory(x) + memory(x, 2)\n"),
        InsertBlock(position=0, block=Block(branches=((gene("pair"),), (gene("memory"),)), merge=gene("average"))),
    ]
    applied = apply(recipe, edits, library)
    memory, pair = applied.components
    assert memory.name == f"memory_{memory.hash[:6]}"
    assert pair.name == f"pair_{pair.hash[:6]}"
    assert blocks(applied.recipe)[:2] == [
        f"+ average[{pair.name} | {memory.name}]",
        f"+ rms_norm > {memory.name}(heads=2)",
    ]
    assert applied.descriptions[0] == "define component memory"
    known = {**library, memory.name: memory, pair.name: pair}
    again = apply(recipe, edits, known)
    assert again.components == ()
    assert again.recipe == applied.recipe


def test_a_definition_equal_to_a_known_component_is_that_component(recipe: Recipe, library: Library) -> None:
    source = library["attention"].source.replace("def attention", "def mine").replace("heads: ", "count: ")
    source = source.replace(", heads)", ", count)")
    edits = [DefineComponent(source=source), ReplaceGene(path="2.0.1", gene=gene("mine", count=8))]
    applied = apply(recipe, edits, library)
    assert applied.components == ()
    assert blocks(applied.recipe)[2] == "+ rms_norm > attention(heads=8) x2"


def test_a_name_of_the_library_can_be_redefined_within_the_edits(recipe: Recipe, library: Library) -> None:
    edits = [
        DefineComponent(source="def gated(x) -> channel:\n    return linear(tanh(linear(x)))\n"),
        InsertGene(path="0.0.2", gene=gene("gated")),
    ]
    applied = apply(recipe, edits, library)
    assert dict(applied.recipe.genes())["0.0.2"].component == applied.components[0].name
    assert dict(applied.recipe.genes())["2.0.1"].component == "gated"


@pytest.mark.parametrize("start", range(0, 120, 40))
def test_rewrites_of_generated_components_are_legal_or_refused(start: int) -> None:
    random = Random(start)
    legal, reasons = 0, []
    for seed in range(start, start + 40):
        component = parse_component(random_component(seed, "mixer"), {})
        known = {"mixer_of_test": component, **_ends()}
        recipe = Recipe(
            embedding=(gene("ends_embedding"),),
            blocks=(Block(branches=((gene("mixer_of_test"),),), residual=None),),
            head=(gene("ends_head"),),
            training=gene("ends_training"),
        )
        choices = rewrites(component)
        for node, operation, options in random.sample(choices, min(6, len(choices))):
            edit = RewriteOperation(path="0.0.0", node=node, operation=operation, options=options)
            try:
                applied = apply(recipe, [edit], known)
            except EditError as error:
                reasons.append(str(error))
                continue
            legal += 1
            for derived in applied.components:
                assert derived.hash != component.hash
                assert derived.name == f"{component.name}_{derived.hash[:6]}"
                stored = parse_component(derived.source, {})
                assert (stored.hash, stored.source) == (derived.hash, derived.source)
                assert stored.graph == derived.graph
    assert legal > 60
    assert not any("\n" in reason for reason in reasons)


def _ends() -> dict[str, Component]:
    sources = (
        "def ends_embedding(x) -> embedding:\n    return lookup(weight(vocabulary, width), x)\n",
        "def ends_head(x) -> head:\n    return linear(x, vocabulary)\n",
        "def ends_training() -> training:\n    return optimizer('adamw', 0.001)\n",
    )
    return {component.name: component for component in (parse_component(source, {}) for source in sources)}


def test_rewrites_stay_in_families_and_leave_settings_alone(library: Library) -> None:
    for component in library.values():
        for node, operation, options in rewrites(component):
            changed = component.graph.nodes[node]
            assert operation != changed.operation or options
            assert not any(key in dict(changed.options) for key in options), "a setting holds the option"
    found = {(operation, *options.items()) for _, operation, options in rewrites(library["attention"])}
    assert {("linear_attention",), ("attend", ("window", 16)), ("attend", ("alibi", True))} <= found
    assert ("gelu",) in {(operation,) for _, operation, _ in rewrites(library["gated"])}


# JSON, words, and random sequences.


def test_json_round_trip_and_schema() -> None:
    edits: list[Edit] = [edit for edit, *_ in LEGAL] + [edit for edit, _ in ILLEGAL]
    text = edits_to_json(edits[:60])
    assert edits_from_json(text) == tuple(edits[:60])
    assert edits_to_json(edits_from_json(text)) == text
    schema = edits_schema()
    assert set(schema["items"]["discriminator"]["mapping"]) == {edit.kind for edit, *_ in LEGAL} | {
        "set_merge",
        "rewrite_operation",
        "define_component",
    }
    for definition in schema["$defs"].values():
        assert definition["additionalProperties"] is False
        assert definition["description"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "edits: "),
        ([{}], "0: unable to extract tag"),
        ([{"kind": "fly"}], "0: input tag 'fly'"),
        (
            [{"kind": "remove_block", "position": 0}, {"kind": "remove_block"}],
            "1.remove_block.position: field required",
        ),
        ([{"kind": "remove_block", "position": -1}], "0.remove_block.position: input should be greater"),
        ([{"kind": "remove_block", "position": "0"}], "0.remove_block.position: input should be a valid integer"),
        (
            [{"kind": "remove_block", "position": 0, "why": ""}],
            "0.remove_block.why: extra inputs are not permitted",
        ),
        ([{"kind": "set_repeat", "position": 0, "repeat": 1000}], "0.set_repeat.repeat: input should be less"),
        (
            [{"kind": "set_setting", "path": "x" * 99, "setting": "a", "value": 1}],
            "0.set_setting.path: string should",
        ),
        ([{"kind": "graft", "start": 0, "stop": 1, "blocks": []}], "0.graft.blocks: tuple should have at least 1"),
        ([{"kind": "remove_block", "position": 0}] * 65, "edits: tuple should have at most 64 items"),
    ],
)
def test_wrong_json_names_the_edit_and_the_field(data: object, message: str) -> None:
    with pytest.raises(EditError) as caught:
        edits_from_json(json.dumps(data))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_descriptions_are_one_line_even_where_the_edit_cannot_be_applied(recipe: Recipe) -> None:
    hostile = DefineComponent(source="def a\nb(x):\n" * 3)
    for edit in [*(edit for edit, *_ in LEGAL), *(edit for edit, _ in ILLEGAL), hostile]:
        line = describe(edit, recipe)
        assert line
        assert "\n" not in line


def random_edit(recipe: Recipe, library: Library, random: Random) -> Edit:
    """An edit that is often legal."""
    names = sorted(library)

    def of_kind(*kinds: str) -> Gene:
        component = library[random.choice([name for name in names if library[name].kind in kinds])]
        values = {s.name: s.domain.sample(random) for s in component.settings if random.random() < 0.5}
        return Gene(component=component.name, settings=values)

    def block() -> Block:
        branch = tuple(of_kind(*PLACES["block"]) for _ in range(random.randint(1, 3)))
        return Block(branches=(branch,), residual=of_kind("residual"))

    position = random.randrange(len(recipe.blocks) + 1)
    path, old = random.choice(list(recipe.genes()))
    component = library[old.component]
    kind = random.choice(get_args(Edit))
    if kind is SetSetting and component.settings:
        setting = random.choice(component.settings)
        return SetSetting(path=path, setting=setting.name, value=setting.domain.sample(random))
    if kind is RewriteOperation and rewrites(component):
        node, operation, options = random.choice(rewrites(component))
        return RewriteOperation(path=path, node=node, operation=operation, options=options)
    if kind is DefineComponent:
        return DefineComponent(source=random_component(random.randrange(200)))
    if kind is Graft:
        return Graft(start=position, stop=position + random.randint(0, 1), blocks=(block(), block()))
    return random.choice(
        [
            InsertGene(path=path, gene=of_kind(*PLACES["block"])),
            RemoveGene(path=path),
            ReplaceGene(path=path, gene=of_kind(component.kind)),
            InsertBlock(position=position, block=block()),
            RemoveBlock(position=position),
            MoveBlock(source=position, target=random.randrange(len(recipe.blocks))),
            DuplicateBlock(position=position),
            SetRepeat(position=position, repeat=random.randint(1, 3)),
            SetResidual(position=position, gene=random.choice([None, of_kind("residual")])),
            SetMerge(position=position, gene=of_kind("merge")),
            SplitBlock(position=position, branch=(of_kind("mixer"),), merge=of_kind("merge")),
            RemoveBranch(position=position, branch=random.randint(0, 2)),
        ]
    )


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_random_sequences_of_edits_keep_recipes_legal(library: Library, seed: int) -> None:
    random = Random(seed)
    norm = gene("rms_norm")
    recipe = Recipe(
        embedding=(gene("table"),),
        blocks=(Block(branches=((norm, gene("attention")),)), Block(branches=((norm, gene("gated")),))),
        head=(norm, gene("unembed")),
        training=gene("adamw"),
    )
    start, known, taken, reasons = recipe, dict(library), [], []
    for _ in range(12):
        edit = random_edit(recipe, known, random)
        before = recipe.json_text
        try:
            applied = apply(recipe, [edit], known)
        except EditError as error:
            reasons.append(str(error))
            continue
        finally:
            assert recipe.json_text == before
        assert edits_from_json(edits_to_json([edit])) == (edit,)
        known.update({component.name: component for component in applied.components})
        recipe = applied.recipe
        taken.append(edit)
        instantiate(recipe, known, REFERENCE_SIZES)
        assert Recipe.from_json(recipe.json_text) == recipe
    assert not any("\n" in reason for reason in reasons)
    # Taken together from the start, the edits lead to the same recipe.
    whole = apply(start, taken, known)
    assert recipe_hash(whole.recipe, known) == recipe_hash(recipe, known)
    assert len(whole.descriptions) == len(taken)
