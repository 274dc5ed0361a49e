"""The library of published components: every file parses, and every component keeps its promises."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib import import_module
from itertools import product
from pathlib import Path
from random import Random

import pytest

from cognition.loader import LIBRARY, LibraryError, load_library, read_components, read_library
from genome.component import Component
from genome.expressions import Scalar
from genome.kinds import KINDS
from genome.parser import parse_component
from genome.settings import Choice
from genome.typing import Program, program
from genome.values import Sizes, Value

LIBRARY_COMPONENTS = load_library()
NAMES = tuple(LIBRARY_COMPONENTS)
WEAKNESSES = {
    "recall",
    "copying",
    "compression",
    "memorisation",
    "text",
    "state tracking",
    "long context",
    "cost",
    "stability",
}
SIZES = Sizes(width=64, hidden=176, vocabulary=65, context=64)


def typed(component: Component, settings: Mapping[str, Scalar] | None = None, sizes: Sizes = SIZES) -> Program:
    return program(component.name, component.kind, component.bind(settings or {}), sizes)


def test_every_kind_that_recipes_need_is_there():
    kinds = [component.kind for component in LIBRARY_COMPONENTS.values()]
    assert {kind: kinds.count(kind) >= 3 for kind in KINDS} == dict.fromkeys(KINDS, True)
    assert kinds.count("mixer") >= 70
    assert len(kinds) >= 120


@pytest.mark.parametrize("name", NAMES)
def test_source_and_graph_convert_both_ways(name):
    component = LIBRARY_COMPONENTS[name]
    again = parse_component(component.source, LIBRARY_COMPONENTS)
    assert again.hash == component.hash
    assert (again.name, again.kind, again.settings, again.doc) == (
        component.name,
        component.kind,
        component.settings,
        component.doc,
    )


@pytest.mark.parametrize("name", NAMES)
def test_says_where_it_comes_from_and_why(name):
    component = LIBRARY_COMPONENTS[name]
    provenance = component.provenance
    assert provenance is not None
    assert 1990 < provenance.year < 2100
    assert provenance.title
    assert provenance.answers in WEAKNESSES
    assert set(provenance.builds_on) | set(provenance.replaces) <= set(NAMES) - {name}
    if provenance.arxiv:
        year, number = provenance.arxiv.split(".")
        assert int(year[:2]) == provenance.year % 100
        assert 1 <= int(year[2:]) <= 12
        assert number.isdigit()
    assert component.doc.endswith(".")
    assert len(component.doc) > 30


def test_no_two_components_are_the_same():
    by_hash = {component.hash: component.name for component in LIBRARY_COMPONENTS.values()}
    assert len(by_hash) == len(LIBRARY_COMPONENTS)


@pytest.mark.parametrize("name", NAMES)
def test_works_at_every_value_of_every_setting(name):
    component = LIBRARY_COMPONENTS[name]
    random = Random(0)
    for setting in component.settings:
        domain = setting.domain
        values = domain.values if isinstance(domain, Choice) else [domain.sample(random) for _ in range(4)]
        for value in values:
            typed(component, {setting.name: value})


@pytest.mark.parametrize("name", [n for n, c in LIBRARY_COMPONENTS.items() if c.kind == "mixer"])
def test_mixers_work_at_all_settings_together(name):
    """Whatever choices edits combine, a width that is a multiple of 16 fits them."""
    component = LIBRARY_COMPONENTS[name]
    choices = [setting for setting in component.settings if isinstance(setting.domain, Choice)]
    extremes = [(s.domain.values[0], s.domain.values[-1]) for s in choices if isinstance(s.domain, Choice)]
    for values in product(*extremes):
        settings = dict(zip((setting.name for setting in choices), values, strict=True))
        typed(component, settings, Sizes(48, 96, 65, 64))


def test_tied_head_has_no_table_of_its_own():
    tables = {"embedding": Value((SIZES.vocabulary, SIZES.width), "parameter")}
    head = LIBRARY_COMPONENTS["tied_head"]
    assert typed(head).parameter_count == SIZES.vocabulary * SIZES.width
    assert program(head.name, head.kind, head.bind({}), SIZES, tables).parameter_count == 0


def test_files_are_read_in_moderate_time():
    start = time.perf_counter()
    read_library(LIBRARY)
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*.py")), ids=lambda path: path.stem)
def test_every_name_in_a_file_is_a_word_of_the_language(path):
    module = import_module(f"cognition.library.{path.stem}")
    assert module.__doc__


BROKEN = {
    "unknown word": ("    return attention_of(x)\n", r"line 2, column 12: 'attention_of' is not an operation"),
    "wrong type": ("    return linear(x, 3)\n", r"line 2, column 12: .*returns features of shape \(64,\)"),
    "loop": ("    for i in x:\n        pass\n    return x\n", r"line 2, column 5: for is not accepted"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_errors_name_file_line_and_column(tmp_path: Path, case):
    body, message = BROKEN[case]
    text = f'@published("", 2020, "A paper")\ndef broken(x) -> mixer:\n{body}'
    (tmp_path / "family.py").write_text(text)
    with pytest.raises(LibraryError, match=r"family\.py, " + message.replace("line 2", "line 3")):
        read_library(tmp_path)


def test_components_may_call_later_ones_but_not_in_a_circle(tmp_path: Path):
    published = '@published("", 2020, "A paper")\n'
    (tmp_path / "first.py").write_text(f"{published}def outer(x) -> mixer:\n    return inner(linear(x))\n")
    (tmp_path / "second.py").write_text(f"{published}def inner(x) -> mixer:\n    return shift(x)\n")
    library = read_library(tmp_path)
    operations = [node.operation for node in library["outer"].graph.nodes]
    assert operations == ["input", "linear", "shift"]
    (tmp_path / "second.py").write_text(f"{published}def inner(x) -> mixer:\n    return outer(shift(x))\n")
    with pytest.raises(LibraryError, match="in a circle: outer -> inner -> outer"):
        read_library(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def bare(x) -> mixer:\n    return shift(x)\n", "line 1, column 1: 'bare' does not say where"),
        ('@published("", 2020, "A")\ndef linear(x) -> channel:\n    return x\n', "is the name of an operation"),
        ("answer = 42\n", "line 1, column 1: a library file holds"),
        ("def (:\n", "line 1, column 5: not Python"),
        ('@published("", 2020)\ndef few(x) -> mixer:\n    return shift(x)\n', "line 1, column 2: published"),
    ],
)
def test_refuses_what_is_no_library_file(tmp_path: Path, text, message):
    (tmp_path / "family.py").write_text(text)
    with pytest.raises(LibraryError, match=message):
        read_library(tmp_path)


def test_relations_are_named_singly_or_in_a_row(tmp_path: Path):
    body = "def shifted(x) -> mixer:\n    return shift(x)\n"
    declared = 'builds_on="one", replaces=("two", "three")'
    (tmp_path / "family.py").write_text(f'@published("", 2020, "A paper", {declared})\n{body}')
    provenance = read_library(tmp_path)["shifted"].provenance
    assert provenance is not None
    assert (provenance.builds_on, provenance.replaces) == (("one",), ("two", "three"))
    (tmp_path / "family.py").write_text(f'@published("", 2020, "A paper", replaced="two")\n{body}')
    with pytest.raises(LibraryError, match=r"takes arxiv, year, title, answers=, builds_on=, replaces="):
        read_library(tmp_path)


def test_refuses_a_name_defined_twice(tmp_path: Path):
    text = '@published("", 2020, "A paper")\ndef twice(x) -> mixer:\n    return shift(x)\n'
    (tmp_path / "first.py").write_text(text)
    (tmp_path / "second.py").write_text(text)
    with pytest.raises(LibraryError, match=r"second\.py, line 2, column 1: 'twice' is defined in first\.py"):
        read_library(tmp_path)


def test_own_components_need_no_paper_and_may_call_published_ones(tmp_path: Path):
    own = tmp_path / "own.py"
    own.write_text("def delayed(x) -> mixer:\n    return plain_attention(shift(x))\n")
    delayed = read_components(own, LIBRARY_COMPONENTS)
    assert list(delayed) == ["delayed"]
    assert [node.operation for node in delayed["delayed"].graph.nodes][:2] == ["input", "shift"]
    own.write_text("def plain_attention(x) -> mixer:\n    return shift(x)\n")
    with pytest.raises(
        LibraryError, match=r"own\.py, line 1, column 1: 'plain_attention' is the name of a published"
    ):
        read_components(own, LIBRARY_COMPONENTS)


def test_a_stored_component_has_its_operations_in_the_same_places() -> None:
    for component in load_library().values():
        read = parse_component(component.source, {})
        assert [(n.operation, n.inputs, n.options) for n in read.graph.nodes] == [
            (n.operation, n.inputs, n.options) for n in component.graph.nodes
        ]
