"""Neighbours and spans: order counts, norms do not, and a place's neighbours are those of the recipe it leads to."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognition.loader import load_library
from evolve.variation import sample
from genome.arrangement import Pair, around_block, around_branch, around_gene, junction, pairs, spans, steps
from genome.edits import Edit, apply
from genome.edits.kinds import InsertBlock, InsertGene, ReplaceGene, SplitBlock
from genome.recipe import Block, Gene, Recipe

LIBRARY = load_library()
KINDS = {name: component.kind for name, component in LIBRARY.items()}
NORM, MERGE = Gene(component="rms_norm"), Gene(component="mean_merge")


def stack(*blocks: Block) -> Recipe:
    gene = Gene(component="token_embedding")
    return Recipe(
        embedding=(gene,),
        blocks=blocks,
        head=(NORM, Gene(component="linear_head")),
        training=Gene(component="adamw"),
    )


def block(*names: str, repeat: int = 1) -> Block:
    return Block(branches=((NORM, *(Gene(component=name) for name in names)),), repeat=repeat)


def parallel(left: str, right: str) -> Block:
    branches = tuple((NORM, Gene(component=name)) for name in (left, right))
    merge = next(Gene(component=name) for name, kind in KINDS.items() if kind == "merge")
    return Block(branches=branches, merge=merge)


def test_pairs_are_ordered_and_pass_over_norms() -> None:
    assert pairs(stack(block("attention"), block("swiglu")), KINDS) == {Pair("attention", "swiglu")}
    assert pairs(stack(block("swiglu"), block("attention")), KINDS) == {Pair("swiglu", "attention")}
    assert pairs(stack(block("canon", "attention"), block()), KINDS) == {Pair("canon", "attention")}


def test_branches_stand_side_by_side_and_a_repeated_block_follows_itself() -> None:
    recipe = stack(block("hyena", repeat=5), parallel("swiglu", "attention"), block("gelu_mlp"))
    assert pairs(recipe, KINDS) == {
        Pair("hyena", "hyena"),
        Pair("hyena", "swiglu"),
        Pair("hyena", "attention"),
        Pair("attention", "swiglu", "beside"),
        Pair("swiglu", "gelu_mlp"),
        Pair("attention", "gelu_mlp"),
    }
    assert steps(recipe, KINDS) == ("hyena", "hyena", "hyena", "(swiglu | attention)", "gelu_mlp")


def test_spans_are_two_or_three_steps_in_order() -> None:
    found = spans(stack(block("attention"), block("swiglu"), block("hyena")), KINDS)
    assert found == {("attention", "swiglu"), ("swiglu", "hyena"), ("attention", "swiglu", "hyena")}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), form=st.sampled_from(["block", "gene", "replace", "branch"]))
def test_neighbours_of_a_place_are_the_new_pairs_of_the_edited_recipe(seed: int, form: str) -> None:
    """An edit that puts a component in a place makes the pairs that the place's neighbours tell, and no other."""
    random = Random(seed)
    recipe = sample(LIBRARY, random)
    gene, position = Gene(component="hyena"), random.randrange(len(recipe.blocks))
    if any(own.component == "hyena" for _, own in recipe.genes()):
        return
    edit: Edit
    if form == "block":
        edit, near = InsertBlock(position=position, block=block("hyena")), around_block(recipe, position, KINDS)
    elif form == "branch":
        merge = parallel("swiglu", "hyena").merge
        edit = SplitBlock(position=position, branch=(NORM, gene), merge=merge)
        near = around_branch(recipe, position, KINDS)
    else:
        index = random.randrange(len(recipe.blocks[position].branches[0]))
        path = f"{position}.0.{index}"
        replaced = form == "replace"
        edit = (ReplaceGene if replaced else InsertGene)(path=path, gene=gene)
        near = around_gene(recipe, (position, 0, index), KINDS, replaced=replaced)
    edited = apply(recipe, [edit], LIBRARY).recipe
    made = {pair for pair in pairs(edited, KINDS) if "hyena" in (pair.first, pair.second)}
    assert made == set(near.pairs("hyena"))


@pytest.mark.parametrize(("cut", "made"), [(1, {Pair("attention", "swiglu")}), (0, set())])
def test_a_junction_joins_the_last_body_with_the_first(cut: int, made: set[Pair]) -> None:
    blocks = (block("attention"), block("swiglu"))
    assert set(junction(blocks[:cut], blocks[cut:], KINDS)) == made
