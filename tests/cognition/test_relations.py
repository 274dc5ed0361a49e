"""Relations of the library: each can be looked up where its evidence says, and none is stated twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from cognition.loader import load_architectures, load_library
from cognition.store.relations import LibraryRelation, library_relations
from cognition.store.store import CognitionStore

LIBRARY, ARCHITECTURES = load_library(), load_architectures()
RELATIONS = tuple(library_relations())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CognitionStore]:
    with CognitionStore.open(tmp_path_factory.mktemp("relations") / "cognition.db") as opened:
        yield opened


def chosen(kind: str, subject: str) -> dict[str, str]:
    """Objects of a subject's relations of a kind, each with its first rule."""
    found: dict[str, str] = {}
    for one in RELATIONS:
        if (one.kind, one.subject) == (kind, subject):
            found.setdefault(one.object, one.rule)
    return found


def test_the_store_counts_hundreds_of_relations_of_each_kind(store):
    counted = store.statistics()
    assert counted["table"]["relations"] >= 500
    assert min(counted["relation kind"][kind] for kind in ("builds_on", "replaces", "pairs_with")) >= 80


def test_every_relation_is_between_things_of_the_library_and_names_them_in_its_evidence():
    for one in RELATIONS:
        known = LIBRARY if one.form == "component" else ARCHITECTURES
        assert one.subject in known
        assert one.object in LIBRARY
        assert (one.form, one.subject) != ("component", one.object)
        for name in (one.subject, one.object, one.stated_by):
            assert name in one.evidence


def test_what_replaces_is_of_the_same_kind_and_not_older():
    for one in (one for one in RELATIONS if one.kind == "replaces"):
        new, old = LIBRARY[one.subject], LIBRARY[one.object]
        assert new.kind == old.kind, one.evidence
        assert new.provenance is not None
        assert old.provenance is not None
        assert new.provenance.year >= old.provenance.year, one.evidence


def test_rules_on_known_examples():
    assert chosen("replaces", "rms_norm") == {"layer_norm": "declared"}
    assert chosen("builds_on", "gated_delta_net") == {
        "delta_net": "declared",
        "mamba2": "declared",
        "rms_norm": "calls",
    }
    assert chosen("builds_on", "mamba") == dict.fromkeys(
        ("token_embedding", "rms_norm", "selective_state_space", "add_residual", "linear_head", "adamw"),
        "contains",
    )


def pairs_of(architecture: str) -> dict[frozenset[str], str]:
    """Pairs that an architecture puts side by side, each with its rule."""
    return {
        frozenset((one.subject, one.object)): one.rule
        for one in RELATIONS
        if one.kind == "pairs_with" and one.stated_by == architecture
    }


def test_pairs_of_an_architecture_are_what_stands_side_by_side_in_it():
    assert pairs_of("hymba") == {
        frozenset(("rms_norm", "sliding_window_attention")): "same branch",
        frozenset(("rms_norm", "mamba2")): "same branch",
        frozenset(("rms_norm", "swiglu")): "same branch",
        frozenset(("rms_norm", "linear_head")): "same branch",
        frozenset(("sliding_window_attention", "mamba2")): "parallel branches",
        frozenset(("sliding_window_attention", "swiglu")): "next block",
        frozenset(("mamba2", "swiglu")): "next block",
        frozenset(("token_embedding", "linear_head")): "both ends",
    }


def test_a_pair_needs_an_architecture_that_has_both():
    for one in (one for one in RELATIONS if one.kind == "pairs_with"):
        genes = {gene.component for _, gene in ARCHITECTURES[one.stated_by].recipe.genes()}
        assert {one.subject, one.object} <= genes


def test_the_store_keeps_each_statement_once_with_the_paper_that_made_it(store):
    shown = store.shown("hymba")[0]
    contained = [r for r in shown.relations if r["rule"] == "contains"]
    assert {r["object"] for r in contained} == {g.component for _, g in ARCHITECTURES["hymba"].recipe.genes()}
    assert {r["paper"] for r in contained} == {"2411.13676"}
    pairs = [r for r in store.shown("mamba2")[0].relations if r["rule"] == "parallel branches"]
    assert Counter((r["subject"], r["object"], r["paper"]) for r in pairs) == Counter(
        [("sliding_window_attention", "mamba2", "2411.13676"), ("grouped_query_attention", "mamba2", "2507.22448")]
    )


def test_relations_are_frozen_values_in_a_fixed_order():
    assert tuple(library_relations()) == RELATIONS
    assert len(set(RELATIONS)) == len(RELATIONS)
    assert isinstance(RELATIONS[0], LibraryRelation)
