"""What titles and abstracts say about known components, by rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.loader import load_architectures, load_library
from cognition.names import ARCHITECTURE_NAMES, COMPONENT_NAMES
from cognition.statements import Vocabulary, sentences, statements

NAMES = [*load_library(), *(f"{name} (architecture)" for name in load_architectures())]
ALIASES = dict(COMPONENT_NAMES) | {f"{name} (architecture)": names for name, names in ARCHITECTURE_NAMES.items()}
VOCABULARY = Vocabulary(
    {row: (name.removesuffix(" (architecture)"), *ALIASES.get(name, ())) for row, name in enumerate(NAMES)}
)


def told(text: str, title: str = "A title") -> set[tuple[str, str | None, str, str]]:
    """Relations other than mentions, with names for rows; those that only occur together are left out."""
    return {
        (one.kind, None if one.subject is None else NAMES[one.subject], NAMES[one.object], one.rule)
        for one in statements(title, text, VOCABULARY)
        if one.rule not in ("mention", "occurs with")
    }


def mentioned(text: str) -> set[str]:
    return {NAMES[one.object] for one in statements("A title", text, VOCABULARY) if one.kind == "mentions"}


def test_every_name_written_by_hand_belongs_to_the_library() -> None:
    assert set(COMPONENT_NAMES) <= set(load_library())
    assert set(ARCHITECTURE_NAMES) <= set(load_architectures())


@pytest.mark.parametrize("name", sorted(ALIASES))
def test_every_spelling_is_found_in_a_sentence(name: str) -> None:
    for spelling in ALIASES[name]:
        assert len(VOCABULARY.mentions(f"Here {spelling} is used, and more.")) == 1, spelling


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Mamba-2 and Mamba2 and Mamba 2 are one.", {"mamba2"}),
        ("DeltaNets learn.", {"delta_net"}),
        ("A Mamba-based model.", {"mamba (architecture)"}),
        ("Grouped-query attention saves memory.", {"grouped_query_attention"}),
        ("Mamba-3, Transformer-XL, VMamba and RWKV-8 are other models.", set()),
        ("A lion and a canon; we are based on primer and samba.", set()),
        ("The gated linear\nattention of GLA.", {"gated_linear_attention"}),
    ],
)
def test_names_are_found_as_authors_write_them_and_not_in_other_words(text: str, names: set[str]) -> None:
    assert mentioned(text) == names


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("We replace softmax attention with Hyena.", ("replaces", "hyena", "plain_attention", "replaces")),
        ("Replacing LayerNorm by RMSNorm helps.", ("replaces", "rms_norm", "layer_norm", "replaces")),
        ("LayerNorm is replaced by DyT.", ("replaces", "dynamic_tanh", "layer_norm", "replaces")),
        ("DyT is a drop-in replacement for layer norm.", ("replaces", "dynamic_tanh", "layer_norm", "replaces")),
        ("Muon instead of AdamW is used.", ("replaces", "muon", "adamw", "replaces")),
        ("SwiGLU extends gated linear units.", ("builds_on", "swiglu", "sigmoid_glu", "builds on")),
        ("HGRN2 is an extension of HGRN.", ("builds_on", "hgrn2", "hierarchical_gated_recurrence", "builds on")),
        ("We build on GLA.", ("builds_on", None, "gated_linear_attention", "builds on")),
        ("A hybrid of Hyena and GQA.", ("pairs_with", "grouped_query_attention", "hyena", "combines")),
    ],
)
def test_relations_follow_from_the_words_around_the_names(
    text: str, relation: tuple[str, str | None, str, str]
) -> None:
    assert told(text) == {relation}


@pytest.mark.parametrize(
    "text",
    ["Hyena does not replace softmax attention.", "Hyena, GQA.", "We use Hyena. It replaces much. GQA is old."],
)
def test_denied_and_unstated_relations_are_not_told(text: str) -> None:
    assert told(text) == set()


def test_every_relation_carries_its_sentence_and_the_stronger_one_wins() -> None:
    found = statements(
        "Hyena and GQA",
        "Both are old. Here Hyena replaces GQA in all layers, see X et al. for more. Fine.",
        VOCABULARY,
    )
    (relation,) = [one for one in found if one.kind != "mentions"]
    assert relation.kind == "replaces"
    assert relation.evidence == "Here Hyena replaces GQA in all layers, see X et al. for more."


def test_names_in_one_sentence_occur_together_once() -> None:
    found = statements("Hyena or GQA", "GQA is not Hyena. Hyena is not GQA.", VOCABULARY)
    (relation,) = [one for one in found if one.kind != "mentions"]
    assert (relation.kind, relation.rule, relation.evidence) == ("pairs_with", "occurs with", "Hyena or GQA")


@given(
    st.text(max_size=400),
    st.lists(st.sampled_from(["Hyena", "GQA", "replaces", ". ", "not", "Mamba-2"]), max_size=9),
)
def test_any_text_is_read_and_said_the_same_twice(text: str, words: list[str]) -> None:
    mixed = f"{text} {' '.join(words)}"
    found = statements(text, mixed, VOCABULARY)
    assert found == statements(text, mixed, VOCABULARY)
    assert all(one.subject != one.object for one in found)
    assert "".join(sentences(mixed)).replace(" ", "") == "".join(mixed.split()).replace(" ", "")
