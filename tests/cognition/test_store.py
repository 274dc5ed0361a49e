"""The cognition store: made from the library, brought up to date, searched, merged; bad files are refused."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognition.duplicates import duplicates, similar
from cognition.loader import load_architectures, load_library
from cognition.store.database import default_path
from cognition.store.records import CognitionError, Paper, Refusal, Statement, StoredComponent
from cognition.store.store import CognitionStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "cognition.db"


def component(name: str, hash: str, insight: str = "") -> StoredComponent:
    return StoredComponent(name, "component", "mixer", hash, f"def {name}(x) -> mixer: ...", insight=insight)


def paper(number: int, title: str, abstract: str = "") -> Paper:
    return Paper(f"2401.{number:05}", 1, title, 2024, abstract)


def row_of(store: CognitionStore, name: str) -> int:
    return store.shown(name)[0].row["id"]


def test_the_library_is_there_on_first_use_with_its_provenance(store: CognitionStore) -> None:
    names = {row.name for row in store.listed() if row.form == "component"}
    assert names == set(load_library())
    assert {row.name for row in store.listed("architecture")} == set(load_architectures())
    (shown,) = store.shown("gated_delta_net")
    assert shown.paper is not None
    assert shown.paper["arxiv"] == "2412.06464"
    assert shown.insights[0]["triggers"] == "recall"
    built = {
        r["object"] for r in shown.relations if r["subject"] == "gated_delta_net" and r["kind"] == "builds_on"
    }
    assert built == {"delta_net", "mamba2", "rms_norm"}
    assert shown.row["hash"] == load_library()["gated_delta_net"].hash


@pytest.mark.parametrize("name", sorted(load_library()))
def test_every_component_is_found_by_its_name(library_store: CognitionStore, name: str) -> None:
    assert name in {match.name for match in library_store.search(name.replace("_", " "), 20)}


@pytest.fixture(scope="module")
def library_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CognitionStore]:
    with CognitionStore.open(tmp_path_factory.mktemp("library") / "cognition.db") as opened:
        yield opened


def test_search_takes_any_text_and_prefers_names(library_store: CognitionStore) -> None:
    assert library_store.search("Hyena")[0].name == "hyena"
    assert library_store.search('"quoted" NEAR( AND * hyena')[0].name in ("hyena", "2302.10866")
    assert library_store.search("zxqv") == []
    with pytest.raises(CognitionError, match="no words"):
        library_store.search("-- !")


def test_a_changed_library_is_followed_and_what_came_from_elsewhere_stays(path: Path) -> None:
    with CognitionStore.open(path) as store:
        store.add_components([component("mine", "h1", "An insight of my own.")], "elsewhere")
        hyena = row_of(store, "hyena")
        told = Statement("mentions", None, hyena, "We use Hyena.", "mention")
        store.add_papers("q", {paper(1, "A title"): [told]}, [Refusal("arxiv:2401.00002", "no title")], reached=2)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE library SET fingerprint = 'older'")
        connection.execute("UPDATE insights SET insight = 'older' WHERE component = ?", [hyena])
        connection.execute("UPDATE components SET name = 'gone' WHERE name = 'longhorn'")
    connection.close()
    with CognitionStore.open(path) as store:
        assert row_of(store, "hyena") == hyena
        assert store.shown("hyena")[0].insights[0]["insight"] == load_library()["hyena"].doc
        assert store.shown("longhorn")[0].row["retired"] == 0
        assert store.shown("gone")[0].row["retired"] == 1
        assert "gone" not in {row.name for row in store.listed()}
        assert store.shown("mine")[0].insights[0]["insight"] == "An insight of my own."
        evidence = {relation["evidence"] for relation in store.shown("2401.00001")[0].relations}
        assert evidence == {"We use Hyena."}
        assert store.reached("q") == 2
        assert store.statistics()["entry"] == {"refused": 1, "stored": 1}


def test_a_page_is_stored_whole_or_not_at_all(store: CognitionStore) -> None:
    bad = Statement("mentions", None, 10**6, "Nothing has this row.", "mention")
    with pytest.raises(CognitionError, match="refused"):
        store.add_papers("q", {paper(1, "One"): [], paper(2, "Two"): [bad]}, reached=2)
    assert store.reached("q") == 0
    assert [row for row in store.listed("paper") if row.origin == "arxiv"] == []


def _open(path: Path) -> None:
    CognitionStore.open(path).close()


def test_two_processes_may_make_the_store_at_once(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_open, args=(path,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    with CognitionStore.open(path) as store:
        assert store.statistics()["table"]["components"] == len(load_library()) + len(load_architectures())


@pytest.mark.parametrize("damage", ["text", "cut", "newer", "foreign", "directory"])
def test_a_file_that_is_no_store_is_refused_in_one_line_and_left_alone(path: Path, damage: str) -> None:
    _open(path)
    whole = path.read_bytes()
    if damage == "text":
        path.write_text("not a database, but long enough to be read as one" * 50)
    elif damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "directory":
        path = path.parent
    else:
        if damage == "foreign":
            path.unlink()
        connection = sqlite3.connect(path)
        with connection:
            if damage == "newer":
                connection.execute(
                    "INSERT INTO _sqlite_migrations(migration_set, name, applied_at) VALUES ('cognition', 'later', '')"
                )
            else:
                connection.execute("CREATE TABLE recipes(soup TEXT)")
        connection.close()
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(CognitionError) as error:
        CognitionStore.open(path)
    assert len(str(error.value).splitlines()) == 1
    assert str(path) in str(error.value)
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_the_store_lies_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EVOLVE_COGNITION", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_path() == tmp_path / "archevolve" / "cognition.db"
    monkeypatch.setenv("EVOLVE_COGNITION", str(tmp_path / "mine.db"))
    assert default_path() == tmp_path / "mine.db"


def test_duplicates_are_proposed_surest_first_and_nothing_changes(store: CognitionStore) -> None:
    assert duplicates(store) == []
    hyena = load_library()["hyena"]
    text = "a long convolution whose filter a small network writes and whose output a gate scales once"
    store.add_components(
        [
            component("copied", hyena.hash),
            component("Gated Delta-Net", "h2"),
            component("first", "h3", f"{text} more"),
            component("second", "h4", f"{text} again"),
            component("other", "h5", "something else entirely that shares no words with any text at all"),
        ],
        "elsewhere",
    )
    before = list(store.exported())
    found = [(one.rule, one.kept_name, one.repeated_name) for one in duplicates(store, 0.75)]
    assert found == [
        ("hash", "hyena", "copied"),
        ("name", "gated_delta_net", "Gated Delta-Net"),
        ("text", "first", "second"),
    ]
    assert list(store.exported()) == before


@given(
    st.lists(st.frozensets(st.sampled_from("abcdefghijkl"), min_size=1), max_size=12),
    st.sampled_from([0.3, 0.5, 0.7, 0.8, 1.0]),
)
def test_similar_pairs_are_exactly_those_of_comparing_all(sets: list[frozenset[str]], threshold: float) -> None:
    expected = {
        (i, j): len(a & b) / len(a | b)
        for (i, a), (j, b) in combinations(enumerate(sets), 2)
        if len(a & b) >= threshold * len(a | b) - 1e-9
    }
    found = list(similar(sets, threshold))
    assert len(found) == len(expected)
    assert {(i, j): value for i, j, value in found} == expected


def test_a_merged_row_is_no_longer_listed_and_its_relations_count_as_the_kept_ones(store: CognitionStore) -> None:
    store.add_components([component("copied", load_library()["hyena"].hash)], "elsewhere")
    copied = row_of(store, "copied")
    told = Statement("mentions", None, copied, "We use the copy.", "mention")
    store.add_papers("q", {paper(1, "One thing", "x"): [told], paper(2, "one  Thing", "y"): []})
    store.merge([(one.form, one.kept, one.repeated) for one in duplicates(store)])
    assert duplicates(store) == []
    assert "copied" not in {row.name for row in store.listed()}
    assert "copied" not in {match.name for match in store.search("copied")}
    assert "We use the copy." in {relation["evidence"] for relation in store.shown("hyena")[0].relations}
    assert store.statistics()["marked"]["duplicate papers"] == 1
    assert store.shown("copied")[0].row["duplicate_of"] == row_of(store, "hyena")


def test_the_export_holds_every_row(store: CognitionStore) -> None:
    rows = [json.loads(line) for line in store.exported()]
    counts = store.statistics()["table"]
    assert {table: sum(row["table"] == table for row in rows) for table in counts} == counts


def test_reading_the_library_loads_no_database_and_no_client() -> None:
    code = (
        "import sys, cognition.loader as loader; loader.load_library();"
        "print([m for m in ('sqlite_utils', 'sqlite3', 'arxiv', 'requests', 'lxml') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout.strip() == "[]"
    code = "import sys, evolve.cli; print([m for m in ('arxiv', 'requests', 'lxml') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout.strip() == "[]"
