"""The genealogy for other programs: GraphML that parses, dot that no text can break out of, views that recurse."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from runs import records
from runs.archive import Archive
from runs.errors import StoreError
from runs.export import FORMATS, NAMESPACE, dot, graphml
from runs.records import Ancestry
from runs.store import Store

HOSTILE = 'set "a" \\ to <b> & \x00\ud800]]> %> \n"]; 9 -> 8; /*'


def ancestry(number: int, *parents: int, **changes: Any) -> Ancestry:
    values: dict[str, Any] = {"generation": 1, "operator": "set", "edits": HOSTILE, "status": "evaluated"}
    return Ancestry(attempt=number, parents=parents, **values | {"score": 0.5, "gain": None} | changes)


ROWS = [ancestry(1), ancestry(2), ancestry(3, 2, 1, gain=0.25), ancestry(4, 3, status="failed", score=None)]


def test_graphml_holds_every_attempt_and_every_parent() -> None:
    root = ElementTree.fromstring(graphml(ROWS).encode("utf-8"))
    names = {"g": NAMESPACE}
    nodes = {node.get("id"): node for node in root.iterfind("g:graph/g:node", names)}
    assert list(nodes) == ["1", "2", "3", "4"]
    data = {entry.get("key"): entry.text for entry in nodes["3"].iterfind("g:data", names)}
    assert data["gain"] == "0.25"
    assert data["edits"] == HOSTILE.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert {entry.get("key") for entry in nodes["4"]} == {"generation", "operator", "status", "edits"}
    declared = {key.get("id") for key in root.iterfind("g:key", names)}
    assert {entry.get("key") for entry in root.iterfind(".//g:data", names)} <= declared
    edges = [(edge.get("source"), edge.get("target")) for edge in root.iterfind("g:graph/g:edge", names)]
    assert edges == [("2", "3"), ("1", "3"), ("3", "4")]


def test_dot_quotes_whatever_a_text_holds() -> None:
    lines = dot(ROWS).splitlines()
    assert lines[0] == "digraph genealogy {"
    assert lines[-1] == "}"
    assert [line.strip() for line in lines if re.match(r"  \d+ -> ", line)] == [
        "2 -> 3;",
        "1 -> 3 [style=dashed];",
        "3 -> 4;",
    ]
    for line in lines[2:6]:
        assert re.fullmatch(r'  \d+ \[label="(?:[^"\\]|\\.)*", shape=\w+\];', line)


@pytest.mark.skipif(shutil.which("dot") is None, reason="no Graphviz on the PATH")
def test_graphviz_reads_it() -> None:
    text = dot(ROWS).encode("utf-8", "replace").replace(b"\x00", b"")
    subprocess.run(["dot", "-Tplain"], input=text, capture_output=True, check=True, timeout=60)


def test_an_empty_genealogy_is_a_graph_too() -> None:
    assert dot([]).startswith("digraph")
    assert ElementTree.fromstring(graphml([])) is not None
    assert set(FORMATS) == {"dot", "graphml"}


@pytest.fixture
def search(tmp_path: Path) -> Path:
    """Founders 1 and 2; 3 from both; 4 from 3 and 1; 5 alone."""
    with Store.create(tmp_path, name="t", seed=1, configuration={}, version="0", generations=9) as store:
        generations = ([()] * 2, [(1, 2)], [(3, 1)], [()])
        for generation, parents in enumerate(generations):
            proposals = [
                records.Proposal("set", records.Recipe(f"recipe {generation} {i}", "{}"), own)
                for i, own in enumerate(parents)
            ]
            numbers = store.propose(generation, proposals, None)
            store.finish_generation(generation, [records.Settlement(n, "evaluated", score=0.5) for n in numbers])
    return tmp_path


def rows(directory: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(directory / "search.db")) as connection:
        return connection.execute(sql).fetchall()


def test_ancestors_and_descendants_are_views_with_the_shortest_distance(search: Path) -> None:
    ancestors = [(3, 1, 1), (3, 2, 1), (4, 1, 1), (4, 3, 1), (4, 2, 2)]
    assert rows(search, "SELECT attempt, ancestor, distance FROM ancestors") == ancestors
    assert rows(search, "SELECT attempt, descendant, distance FROM descendants WHERE attempt = 2") == [
        (2, 3, 1),
        (2, 4, 2),
    ]
    with Archive.at(search) as archive:
        for number in range(1, 6):
            seen = rows(search, f"SELECT ancestor FROM ancestors WHERE attempt = {number}")
            assert sorted(ancestor for (ancestor,) in seen) == archive.ancestors(number)


def test_a_search_from_before_the_views_gets_them_when_it_goes_on(search: Path) -> None:
    with closing(sqlite3.connect(search / "search.db")) as connection:
        connection.executescript(
            """DROP VIEW descendants; DROP VIEW ancestors;
            DELETE FROM _sqlite_migrations WHERE name = 'create_ancestry_views';"""
        )
    with pytest.raises(StoreError, match="older software; continue the search once"):
        Archive.at(search)
    Store.open(search).close()
    assert len(rows(search, "SELECT * FROM descendants")) == 5
